//! Replays evidence recorded from real incidents. Most replays are judged in this process.
//! The tests compare the tables and verdicts with their snapshots, and the causes with the
//! ground truth in `truth.toml`, which the program never reads.

mod support;

use pipeline_doctor::report::Report;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use support::pipelines::{config, names};
use support::replay::{Replay, Runbook, rendered};
use support::{assert_first_cause, causes, doctor, instance, scenario, scenarios, truths};

static RUNBOOK: LazyLock<Runbook> = LazyLock::new(|| Runbook::of(None));

/// The replays of the built-in pipeline's recordings. Each recording is judged only once.
static REPLAYS: LazyLock<BTreeMap<String, Replay>> = LazyLock::new(|| {
    let replay = |name: String| (name.clone(), RUNBOOK.replay(&scenario(&name)));
    scenarios().into_iter().map(replay).collect()
});

/// Runs the program on a recording.
fn run(name: &str, options: &[&str]) -> support::Finished {
    let file = scenario(name);
    let mut arguments = vec!["--replay", file.to_str().unwrap()];
    arguments.extend(options);
    doctor(arguments).finish()
}

/// A few recordings for the tests that need to start the program.
const SAMPLE: [&str; 4] = ["healthy", "workers-not-deployed", "kafka-down", "worker-stopped+api-silent"];

#[test]
fn ranks_the_true_cause_first() {
    for (name, truth) in truths() {
        let report = REPLAYS[&name].document();
        assert_eq!(report["exit_code"], truth.exit_code(), "{name}");
        let first = causes(&report).first().cloned();
        assert!(truth.matches(first.as_ref()), "{name}: {:?}", causes(&report));
        if let Some(documented) = truth.documented {
            assert_eq!(report["causes"][0]["confidence"], documented, "{name}");
        }
        if !truth.subjects.is_empty() && first == truth.cause {
            assert_eq!(report["causes"][0]["subjects"], serde_json::json!(truth.subjects), "{name}");
        }
    }
}

/// Dead letters of other services name the topic they were read from, not the worker that gave up.
#[test]
fn a_dead_letter_without_a_sender_is_the_readers_of_its_topic() {
    let text = std::fs::read_to_string(support::root().join(scenario("dead-letter"))).unwrap();
    let mut recording: serde_json::Value = serde_json::from_str(&text).unwrap();
    let found = &mut recording["brokers"]["kafka"]["known"]["dead_letters"]["known"]["found"];
    for letter in found.as_array_mut().unwrap() {
        let reason = letter["headers"]["error"].clone();
        letter["headers"] = serde_json::json!({
            "originalTopic": "purchase-confirmed", "originalPartition": "0", "failureReason": reason,
        });
    }
    let report = RUNBOOK.judge(&recording.to_string()).document();
    assert_eq!(causes(&report), causes(&REPLAYS["dead-letter"].document()));
    let verdict = |worker| instance(&report, "event-not-given-up", worker)["verdict"].clone();
    assert_eq!(verdict("purchase-worker"), "fail");
    assert_ne!(verdict("allocation-worker"), "fail");
}

/// A search for it took more than a minute to build.
#[test]
fn a_very_long_key_of_an_event_is_not_searched_for() {
    let text = std::fs::read_to_string(support::root().join(scenario("api-silent"))).unwrap();
    let mut recording: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = &mut recording["events"][0]["rows"]["known"]["event"]["known"]["keys"];
    assert!(keys["courseId"].is_string());
    keys["courseId"] = "x".repeat(100_000).into();
    assert_eq!(causes(&RUNBOOK.judge(&recording.to_string()).document())[0], "api-silent");
}

#[test]
fn every_table_matches_its_snapshot() {
    for (name, replay) in REPLAYS.iter() {
        insta::assert_snapshot!(name.clone(), replay.table);
    }
}

/// Writes one line per recording, so that a diff shows only the changed verdicts, not whole
/// documents.
#[test]
fn verdicts_match_their_snapshot() {
    let mut lines: Vec<String> =
        REPLAYS.iter().map(|(name, replay)| format!("{name}: {}", replay.verdict())).collect();
    for pipeline in names() {
        let runbook = Runbook::of(Some(Path::new(&config(&pipeline))));
        for name in support::recordings("tests/scenarios/pipelines", &format!("{pipeline}-")) {
            let verdict = runbook.replay(&scenario(&format!("pipelines/{name}"))).verdict();
            lines.push(format!("pipelines/{name}: {verdict}"));
        }
    }
    insta::assert_snapshot!("verdicts", lines.join("\n"));
}

#[test]
fn the_program_prints_what_the_tests_render() {
    for name in SAMPLE {
        let replay = &REPLAYS[name];
        assert_eq!(run(name, &[]).stdout, replay.table, "{name}");
        let json = run(name, &["--json"]);
        assert_eq!(json.stdout, replay.json, "{name}");
        assert_eq!(json.code, i32::from(replay.report.exit_code), "{name}");
    }
}

#[test]
fn tables_are_ascii_and_have_at_most_80_columns() {
    for (name, replay) in REPLAYS.iter() {
        for line in replay.table.lines() {
            assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{name}: {line}");
            assert!(line.len() <= 80, "{name}: {line}");
        }
    }
}

#[test]
fn colours_do_not_change_the_text() {
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for name in SAMPLE {
        let coloured = run(name, &["--color", "always"]).stdout;
        assert!(escapes.is_match(&coloured), "{name} has no colours");
        assert_eq!(escapes.replace_all(&coloured, ""), REPLAYS[name].table, "{name}");
    }
}

#[test]
fn every_table_can_be_rendered_from_the_json() {
    for (name, replay) in REPLAYS.iter() {
        let report: Report = serde_json::from_str(&replay.json).unwrap();
        assert_eq!(rendered(&report), replay.table, "{name}");
    }
}

#[test]
fn recordings_and_ground_truths_match_one_to_one() {
    let names: Vec<String> = truths().into_keys().collect();
    assert_eq!(names, scenarios());
}

/// Returns a recording's report after `change` has edited its evidence.
fn with_changes(name: &str, change: impl FnOnce(&mut serde_json::Value)) -> serde_json::Value {
    let text = std::fs::read_to_string(scenario(name)).unwrap();
    let mut evidence: serde_json::Value = serde_json::from_str(&text).unwrap();
    change(&mut evidence);
    RUNBOOK.judge(&evidence.to_string()).document()
}

fn container<'a>(evidence: &'a mut serde_json::Value, service: &str) -> &'a mut serde_json::Value {
    &mut evidence["runtimes"]["docker"]["known"]["workloads"][service]["instances"][0]
}

#[test]
fn a_stopped_worker_in_a_healthy_recording_is_the_cause() {
    let report = with_changes("healthy", |evidence| {
        let worker = container(evidence, "session-worker");
        worker["state"] = "exited".into();
        worker["exit"]["code"] = 143.into();
        worker["again"] = serde_json::Value::Null;
    });
    // The event arrived before the worker stopped, so that is a warning.
    assert_eq!((&report["outcome"], &report["exit_code"]), (&"warning".into(), &0.into()));
    assert!(report["headline"].as_str().unwrap().starts_with("ARRIVED "), "{}", report["headline"]);
    assert_eq!(causes(&report)[0], "worker-stopped");
    assert_eq!(report["causes"][0]["subjects"], serde_json::json!(["session-worker"]));
}

/// Makes the database unavailable for a reason of this kind.
fn without_database(evidence: &mut serde_json::Value, kind: &str, code: Option<&str>) {
    let why = serde_json::json!({ "unknown": { "kind": kind, "say": "db:5432: why", "code": code } });
    evidence["databases"]["postgres"] = why.clone();
    for event in evidence["events"].as_array_mut().unwrap() {
        event["rows"] = why.clone();
    }
}

/// Makes a system unavailable for a reason of this kind.
fn without_system(seen: &mut serde_json::Value, kind: &str) {
    *seen = serde_json::json!({ "unknown": { "kind": kind, "say": "why" } });
}

#[test]
fn a_missing_record_of_an_event_that_may_not_exist_is_no_cause() {
    for kind in ["refused", "no-answer", "auth", "failed", "too-little-time"] {
        let report = with_changes("recorded-never-sent", |evidence| without_database(evidence, kind, None));
        assert!(!causes(&report).contains(&"recorded-never-sent".to_string()), "{kind}: {report:#}");
    }
}

/// A check of which nothing was seen passes because it was not looked at.
#[test]
fn a_system_that_was_not_looked_at_rules_nothing_out() {
    for name in ["worker-stopped", "topics-missing", "api-down"] {
        let text = std::fs::read_to_string(scenario(name)).unwrap();
        let mut evidence: serde_json::Value = serde_json::from_str(&text).unwrap();
        without_database(&mut evidence, "not-configured", None);
        let table = RUNBOOK.judge(&evidence.to_string()).table;
        let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
        let ruled_out = words.split("ruled out ").nth(1).unwrap_or_default();
        let ruled_out = ruled_out.split("DO THIS").next().unwrap_or_default();
        assert!(!ruled_out.contains("database"), "{name}: {ruled_out}");
        assert!(!ruled_out.contains("PostgreSQL"), "{name}: {ruled_out}");
    }
}

#[test]
fn no_printed_command_lacks_its_id() {
    for name in scenarios() {
        let report = with_changes(&name, |evidence| {
            evidence["events"] = serde_json::json!([]);
            evidence["target"]["ids"] = serde_json::json!([]);
        });
        let actions = report["causes"].as_array().unwrap().iter().flat_map(|cause| {
            let actions = cause["actions"].as_array().unwrap().iter();
            actions.flat_map(|action| action["run"].as_array().unwrap().iter())
        });
        for command in actions.map(|command| command.as_str().unwrap()) {
            let last = command.split_whitespace().next_back().unwrap_or_default();
            assert!(!last.starts_with("-A") && !command.contains("{id}"), "{name}: {command}");
        }
    }
}

#[test]
fn the_fragment_has_what_the_siblings_have() {
    let text = std::fs::read_to_string(scenario("workers-not-deployed")).unwrap();
    let mut evidence: serde_json::Value = serde_json::from_str(&text).unwrap();
    evidence["declared"]["known"]["workloads"]["payment-service"]["layout"] = serde_json::json!({
        "networks": ["back"], "env_files": [".env.production"], "build": { "context": ".", "target": "run" },
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("recording.json");
    std::fs::write(&file, evidence.to_string()).unwrap();
    let arguments = ["explain", "workers-not-deployed", "--yaml", "--replay", file.to_str().unwrap()];
    let fragment = doctor(arguments).finish().code(0).stdout;
    let expected = [
        "networks: [\"back\"]",
        "env_file: [\".env.production\"]",
        "build: {context: \".\", target: \"run\"}",
    ];
    for line in expected {
        assert_eq!(fragment.matches(line).count(), 4, "{line}: {fragment}");
    }
    assert!(!fragment.contains("set it in .env"), "{fragment}");
}

#[test]
fn a_rejected_login_comes_first_if_it_was_given_here() {
    let report = with_changes("healthy", |evidence| {
        evidence["target"]["flags"] = "--postgres \"$POSTGRES_URL\"".into();
        without_database(evidence, "auth", Some("28P01"));
    });
    assert_first_cause(&report, "database-password");
    assert_eq!(report["unexplained"], serde_json::json!([]));
}

#[test]
fn nothing_is_down_if_there_was_no_time_or_an_own_limit_was_reached() {
    for kind in ["too-little-time", "own-limit"] {
        let report = with_changes("healthy", |evidence| {
            without_database(evidence, kind, None);
            without_system(&mut evidence["brokers"]["kafka"], kind);
            without_system(&mut evidence["runtimes"]["docker"], kind);
        });
        assert_eq!(causes(&report), Vec::<String>::new(), "{kind}");
        assert_eq!(report["exit_code"], 5, "{kind}");
    }
}

#[test]
fn nothing_is_down_if_nothing_answers() {
    let report = with_changes("healthy", |evidence| {
        without_database(evidence, "no-answer", None);
        without_system(&mut evidence["brokers"]["kafka"], "no-answer");
        without_system(&mut evidence["runtimes"]["docker"], "no-answer");
    });
    assert_eq!(causes(&report), ["machine-cut-off"]);
    assert_eq!(report["exit_code"], 5);
    assert!(report["headline"].as_str().unwrap().contains("this machine cannot reach"), "{report:#}");
    let kafka_only = with_changes("healthy", |evidence| {
        without_system(&mut evidence["brokers"]["kafka"], "no-answer");
    });
    assert_eq!(causes(&kafka_only), ["kafka-unreachable"]);
}

/// Returns a topic of the first broker.
fn topic<'a>(evidence: &'a mut serde_json::Value, name: &str) -> &'a mut serde_json::Value {
    &mut evidence["brokers"]["kafka"]["known"]["topics"][name]["known"]
}

#[test]
fn a_missing_record_proves_nothing_if_it_may_have_been_removed() {
    let compacted = with_changes("recorded-never-sent", |evidence| {
        topic(evidence, "purchase-confirmed")["compacted"] = serde_json::json!({ "known": true });
    });
    let expired = with_changes("recorded-never-sent", |evidence| {
        let searches = &mut evidence["brokers"]["kafka"]["known"]["searches"];
        searches["purchase-confirmed"]["known"]["truncated"] = true.into();
    });
    for (report, why) in [(compacted, "is compacted"), (expired, "have already been deleted")] {
        assert!(!causes(&report).contains(&"recorded-never-sent".to_string()), "{:?}", causes(&report));
        let unseen = report["unseen"].to_string();
        assert!(unseen.contains(why), "{unseen}");
    }
}

#[test]
fn a_missing_topic_is_compared_with_similar_names() {
    let report = with_changes("topics-missing", |evidence| {
        topic(evidence, "purchase-created")["similar"] = serde_json::json!(["purchase_created"]);
    });
    let instance = support::instance(&report, "topic-exists", "purchase-created");
    assert!(instance["observed"].as_str().unwrap().ends_with("but it has the similar purchase_created"));
}

#[test]
fn an_event_that_arrived_is_not_stuck_because_others_are() {
    let report = with_changes("healthy", |evidence| {
        let extents = &mut evidence["databases"]["postgres"]["known"]["extents"];
        let at = "2026-11-25T07:04:00Z";
        let other = "11111111-1111-4111-8111-111111111111";
        let extent = &mut extents["purchase"]["known"];
        extent["stuck"] = 1.into();
        extent["since"] = at.into();
        extent["newest"] = serde_json::json!([{ "id": other, "at": at, "marked": false }]);
    });
    assert_eq!((&report["outcome"], &report["exit_code"]), (&"warning".into(), &0.into()));
    assert_eq!(report["event"]["outcome"], "arrived");
    let headline = report["headline"].as_str().unwrap();
    assert!(headline.starts_with("ARRIVED ") && headline.contains("1 other purchase stuck"), "{headline}");
}

#[test]
fn one_of_two_replicas_is_said() {
    let report = with_changes("healthy", |evidence| {
        let worker = &mut evidence["runtimes"]["docker"]["known"]["workloads"]["session-worker"];
        let mut other = worker["instances"][0].clone();
        other["name"] = "shop-session-worker-2".into();
        other["id"] = "2".into();
        other["state"] = "exited".into();
        other["exit"]["code"] = 137.into();
        other["again"] = serde_json::Value::Null;
        worker["instances"].as_array_mut().unwrap().push(other);
    });
    let instance = support::instance(&report, "replicas-running", "session-worker");
    assert_eq!(instance["observed"], "1 of 2 running; shop-session-worker-2 exited (137)");
    assert_eq!(causes(&report), ["replica-down"]);
    assert_eq!(report["causes"][0]["actions"][1]["run"][0], "docker start shop-session-worker-2");
}

#[test]
fn a_profile_may_have_been_active_if_no_container_tells() {
    let behind_profile = |evidence: &mut serde_json::Value| {
        let service = &mut evidence["declared"]["known"]["workloads"]["session-worker"];
        service["active"] = false.into();
        service["profiles"] = serde_json::json!(["billing"]);
    };
    let report = with_changes("healthy", |evidence| {
        behind_profile(evidence);
        evidence["runtimes"]["docker"] =
            serde_json::json!({ "not-asked": { "kind": "not-configured", "say": "skipped" } });
    });
    assert!(!causes(&report).contains(&"worker-behind-profile".to_string()), "{:?}", causes(&report));
    // A container of another service with the same profile tells that it was active.
    let report = with_changes("worker-stopped", |evidence| {
        for service in ["purchase-worker", "session-worker"] {
            let service = &mut evidence["declared"]["known"]["workloads"][service];
            service["active"] = false.into();
            service["profiles"] = serde_json::json!(["billing"]);
        }
    });
    assert_eq!(causes(&report)[0], "worker-stopped");
    let verify = report["causes"][0]["actions"].to_string();
    assert!(!verify.contains("behind"), "{verify}");
}

#[test]
fn rows_of_a_database_that_no_service_uses_prove_nothing() {
    let report = with_changes("recorded-never-sent", |evidence| {
        let main = &mut evidence["databases"]["postgres"]["known"];
        main["mapped"] = serde_json::Value::Null;
        main["address"] = "postgres://app@db.internal:5432/kodingcaravan".into();
        main["identity"] = serde_json::json!({
            "database": "kodingcaravan", "address": "10.9.8.7", "port": 5432,
        });
    });
    assert_eq!(causes(&report), ["wrong-database-inspected"]);
    let because = report["causes"][0]["because"].to_string();
    assert!(because.contains("is not the services' database"), "{because}");
}

#[test]
fn a_pooler_in_front_of_the_database_is_the_same_database() {
    let report = with_changes("healthy", |evidence| {
        let runtime = &evidence["runtimes"]["docker"]["known"]["workloads"]["postgres"]["instances"][0];
        let networks = runtime["addresses"]["networks"].as_object().unwrap();
        let address = networks.values().next().unwrap().clone();
        let main = &mut evidence["databases"]["postgres"]["known"];
        main["mapped"] = serde_json::Value::Null;
        main["address"] = "postgres://app@pooler:6432/alias".into();
        main["identity"] =
            serde_json::json!({ "database": "kodingcaravan", "address": address, "port": 5432 });
    });
    assert_eq!(report["outcome"], "healthy", "{}", report["headline"]);
    assert_eq!(support::instance(&report, "database-is-services", "postgres")["verdict"], "pass");
}

#[test]
fn a_worker_that_just_started_is_a_warning() {
    let report = with_changes("healthy", |evidence| {
        let now = evidence["taken"].clone();
        container(evidence, "session-worker")["started"] = now;
        let group =
            &mut evidence["brokers"]["kafka"]["known"]["groups"]["session-scheduling-workers"]["known"];
        group["state"] = "empty".into();
        group["members"] = serde_json::json!([]);
    });
    assert_eq!(report["outcome"], "warning", "{}", report["headline"]);
    assert_eq!(report["causes"], serde_json::json!([]));
    let instance = support::instance(&report, "worker-settled", "session-worker");
    assert_eq!(instance["observed"], "started 0 s ago and has not joined its group yet");
    // The worker was restarted between the two observations.
    let report = with_changes("healthy", |evidence| {
        container(evidence, "session-worker")["state"] = "exited".into();
    });
    assert_eq!(report["outcome"], "healthy", "{}", report["headline"]);
}

#[test]
fn events_delayed_by_a_broker_restart_are_not_stuck() {
    let restarted = |evidence: &mut serde_json::Value, seconds: i64| {
        let observed_at: jiff::Timestamp = evidence["taken"].as_str().unwrap().parse().unwrap();
        let started = observed_at - jiff::SignedDuration::from_secs(seconds);
        let broker = container(evidence, "kafka");
        broker["finished"] = (started - jiff::SignedDuration::from_secs(1)).to_string().into();
        broker["started"] = started.to_string().into();
    };
    // A worker may take 30 s to reconnect to its broker. After 90 s it counts as frozen.
    let report = with_changes("worker-frozen", |evidence| restarted(evidence, 30));
    assert!(!causes(&report).contains(&"worker-frozen".to_string()), "{}", report["headline"]);
    let report = with_changes("worker-frozen", |evidence| restarted(evidence, 90));
    assert_eq!(causes(&report)[0], "worker-frozen", "{}", report["headline"]);
    // Events that were stuck before the restart still count as stuck.
    let report = with_changes("broker-restarted", |evidence| {
        let extent = &mut evidence["databases"]["postgres"]["known"]["extents"]["purchase"]["known"];
        extent["since"] = "2026-11-25T16:10:00Z".into();
    });
    let instance = support::instance(&report, "no-event-stuck", "purchase-worker");
    assert_eq!(instance["verdict"], "fail", "{instance}");
}

#[test]
fn contents_of_a_system_that_is_down_do_not_count_as_missing() {
    for (name, system, cause) in
        [("kafka-down", "Kafka", "topics-missing"), ("postgres-down", "PostgreSQL", "schema-missing")]
    {
        let report = REPLAYS[name].document();
        assert!(!causes(&report).contains(&cause.to_string()), "{name}: {:?}", causes(&report));
        let unavailable = report["unseen"].as_array().unwrap();
        assert!(
            unavailable.iter().any(|unavailable| unavailable["system"] == system),
            "{name}: {unavailable:#?}"
        );
    }
}

#[test]
fn a_system_excluded_with_without_is_reported_as_unseen() {
    let without = |name: &str, system: &str| run(name, &["--json", "--without", system]).json();
    for (system, shown) in [
        ("docker", "Docker"),
        ("kafka", "Kafka"),
        ("postgres", "PostgreSQL"),
        ("http", "HTTP"),
        ("logs", "logs"),
    ] {
        let report = without("healthy", system);
        assert_eq!(report["outcome"], "inconclusive", "{system}");
        assert_eq!(report["causes"], serde_json::json!([]), "{system}");
        let unavailable = report["unseen"].as_array().unwrap();
        let entry = unavailable
            .iter()
            .find(|unavailable| unavailable["system"] == shown)
            .unwrap_or_else(|| panic!("{unavailable:#?}"));
        assert_eq!(entry["why"], format!("skipped (--without {system})"));
    }
    // Without Docker there are no logs either, but the other systems still count.
    let report = without("worker-stopped", "docker");
    assert_eq!(report["exit_code"], 3);
    assert_eq!(causes(&report)[0], "worker-away");
    let one_of = report["causes"][0]["one_of"].as_array().unwrap();
    assert!(one_of.iter().any(|cause| cause["id"] == "worker-stopped"), "{one_of:#?}");
}

/// The reference system's own services log the same steps in other words.
#[test]
fn the_words_of_the_original_services_fit_the_same_pipeline() {
    let words = [
        ("PURCHASE_CONFIRMED emitted", "PURCHASE_CONFIRMED event emitted"),
        ("Event received", "Received PURCHASE event"),
        ("Calling admin-service auto-assign", "Calling admin-service allocation API"),
        ("admin-service auto-assign answered", "allocation API responded"),
        ("auto-assign call failed", "allocation API call failed"),
        ("Allocation row verified", "Allocation verified in database"),
    ];
    for name in scenarios() {
        let report = with_changes(&name, |evidence| {
            for log in evidence["logs"].as_object_mut().unwrap().values_mut() {
                let records = log.pointer_mut("/known/records").and_then(|records| records.as_array_mut());
                for record in records.into_iter().flatten() {
                    let text = record["text"].as_str().unwrap().to_string();
                    let changed = words.iter().fold(text, |text, (one, other)| text.replace(one, other));
                    record["text"] = changed.into();
                }
            }
        });
        assert_eq!(causes(&report), causes(&REPLAYS[&name].document()), "{name}");
        let context = |report: &serde_json::Value| report["causes"][0]["context"].to_string();
        assert_eq!(context(&report), context(&REPLAYS[&name].document()), "{name}");
    }
}
