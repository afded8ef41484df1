//! Evidence that was recorded from real incidents, judged again: the reports in
//! both formats, and the true cause, which stands in `truth.toml` beside the
//! recordings and which the program never reads.

mod support;

use support::{causes, doctor, scenario, scenarios, truths};

fn replay(name: &str, more: &[&str]) -> support::Finished {
    let file = scenario(name);
    let mut arguments = vec!["--replay", file.to_str().unwrap()];
    arguments.extend(more);
    doctor(arguments).finish()
}

#[test]
fn every_recording_has_its_truth_and_the_other_way_round() {
    let told: Vec<String> = truths().into_keys().collect();
    assert_eq!(told, scenarios());
}

#[test]
fn the_first_cause_is_the_true_one() {
    for (name, truth) in truths() {
        let run = replay(&name, &["--json"]).code(truth.exit_code());
        let report = run.json();
        let first = causes(&report).first().cloned();
        assert!(truth.is(first.as_ref()), "{name}: {:?}", causes(&report));
        if let Some(documented) = truth.documented {
            assert_eq!(report["causes"][0]["confidence"], documented, "{name}");
        }
        if !truth.subjects.is_empty() && first == truth.cause {
            assert_eq!(report["causes"][0]["subjects"], serde_json::json!(truth.subjects), "{name}");
        }
    }
}

#[test]
fn every_report_is_as_it_was() {
    for name in scenarios() {
        insta::assert_snapshot!(format!("{name}.table"), replay(&name, &[]).stdout);
        insta::assert_snapshot!(format!("{name}.json"), replay(&name, &["--json"]).stdout);
    }
}

#[test]
fn no_line_is_longer_than_80_columns() {
    for name in scenarios() {
        for line in replay(&name, &[]).stdout.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
    }
}

#[test]
fn what_is_not_a_terminal_gets_ascii_without_colours() {
    for name in scenarios() {
        let stdout = replay(&name, &[]).stdout;
        assert!(stdout.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{name}:\n{stdout}");
    }
}

#[test]
fn colour_never_carries_meaning_alone() {
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for name in scenarios() {
        let plain = replay(&name, &[]).stdout;
        let coloured = replay(&name, &["--color", "always"]).stdout;
        assert!(escapes.is_match(&coloured), "{name} has no colours");
        assert_eq!(escapes.replace_all(&coloured, ""), plain, "{name}");
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    for name in scenarios() {
        assert_eq!(replay(&name, &["--json"]).stdout, replay(&name, &["--json"]).stdout);
    }
}

#[test]
fn every_line_of_the_table_stands_in_the_json() {
    for name in scenarios() {
        let report = replay(&name, &["--json"]).json();
        let table = replay(&name, &[]).stdout;
        assert_eq!(table.lines().last(), report["headline"].as_str(), "{name}");
        // Wrapped lines (and words that are longer than a line) are joined again;
        // then each sentence is looked for.
        let bare = |text: &str| text.replace("\\\n", "").split_whitespace().collect::<String>();
        let joined = bare(&table);
        for step in report["steps"].as_array().unwrap() {
            for line in step["summary"].as_str().unwrap().lines() {
                assert!(joined.contains(&bare(line)), "{name}: {line}\n{table}");
            }
        }
        for cause in report["causes"].as_array().unwrap().iter().filter(|cause| cause["best"] == true) {
            for action in cause["actions"].as_array().unwrap() {
                for command in action["run"].as_array().unwrap() {
                    let command = command.as_str().unwrap();
                    // A script that two causes ask for is printed once.
                    let flag =
                        ["--records | sh", "--sql > marks.sql"].into_iter().find(|f| command.ends_with(f));
                    assert!(joined.contains(&bare(flag.unwrap_or(command))), "{name}: {command}\n{table}");
                }
            }
        }
    }
}

/// The report of a recording with something changed in it.
fn with_changes(name: &str, change: impl FnOnce(&mut serde_json::Value)) -> serde_json::Value {
    let text = std::fs::read_to_string(scenario(name)).unwrap();
    let mut evidence: serde_json::Value = serde_json::from_str(&text).unwrap();
    change(&mut evidence);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("changed.json");
    std::fs::write(&file, evidence.to_string()).unwrap();
    doctor(["--replay", file.to_str().unwrap(), "--json"]).finish().json()
}

fn container<'a>(evidence: &'a mut serde_json::Value, service: &str) -> &'a mut serde_json::Value {
    &mut evidence["runtimes"]["docker"]["known"]["workloads"][service]["instances"][0]
}

/// Every container of a recording.
fn instances(evidence: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    let workloads = evidence["runtimes"]["docker"]["known"]["workloads"].as_object();
    workloads.into_iter().flatten().flat_map(|(_, workload)| workload["instances"].as_array().unwrap())
}

#[test]
fn one_changed_fact_changes_the_report_accordingly() {
    let report = with_changes("healthy", |evidence| {
        let worker = container(evidence, "session-worker");
        worker["state"] = "exited".into();
        worker["exit"]["code"] = 143.into();
        worker["again"] = serde_json::Value::Null;
    });
    assert_eq!(report["exit_code"], 3);
    assert_eq!(causes(&report)[0], "worker-stopped");
    assert_eq!(report["causes"][0]["subjects"], serde_json::json!(["session-worker"]));
}

#[test]
fn a_worker_that_was_started_just_now_is_a_warning() {
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
    let said = support::instance(&report, "worker-settled", "session-worker");
    assert_eq!(said["observed"], "started 0 s ago, not yet in its group");
    // Between two looks somebody has restarted it.
    let report = with_changes("healthy", |evidence| {
        container(evidence, "session-worker")["state"] = "exited".into();
    });
    assert_eq!(report["outcome"], "healthy", "{}", report["headline"]);
}

#[test]
fn what_waits_through_a_restart_is_late_and_not_stuck() {
    let restarted = |evidence: &mut serde_json::Value, seconds: i64| {
        let taken: jiff::Timestamp = evidence["taken"].as_str().unwrap().parse().unwrap();
        let started = taken - jiff::SignedDuration::from_secs(seconds);
        let broker = container(evidence, "kafka");
        broker["finished"] = (started - jiff::SignedDuration::from_secs(1)).to_string().into();
        broker["started"] = started.to_string().into();
    };
    // Nobody hangs who has lost its broker half a minute ago; who is not back after
    // a minute and a half does.
    let report = with_changes("worker-frozen", |evidence| restarted(evidence, 30));
    assert!(!causes(&report).contains(&"worker-frozen".to_string()), "{}", report["headline"]);
    let report = with_changes("worker-frozen", |evidence| restarted(evidence, 90));
    assert_eq!(causes(&report)[0], "worker-frozen", "{}", report["headline"]);
    // What was stuck before the restart is stuck.
    let report = with_changes("broker-restarted", |evidence| {
        let extent = &mut evidence["databases"]["postgres"]["known"]["extents"]["purchase"]["known"];
        extent["since"] = "2026-11-25T16:10:00Z".into();
    });
    let said = support::instance(&report, "no-event-stuck", "purchase-worker");
    assert_eq!(said["verdict"], "fail", "{said}");
}

#[test]
fn recordings_hold_no_secret() {
    for name in scenarios() {
        let text = std::fs::read_to_string(scenario(&name)).unwrap();
        assert!(!text.contains("sandbox-only"), "{name}");
    }
}

#[test]
fn recordings_come_from_different_containers_of_one_sandbox() {
    for name in scenarios() {
        let text = std::fs::read_to_string(scenario(&name)).unwrap();
        let evidence: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(evidence["taken"].is_string() && evidence["tool"].is_string(), "{name}");
        if let Some(docker) = evidence["runtimes"]["docker"].get("known") {
            assert!(docker["engine"].is_string(), "{name}");
            for container in instances(&evidence) {
                assert_eq!(container["id"].as_str().unwrap().len(), 64, "{name}");
            }
        }
    }
}

#[test]
fn what_cannot_be_asked_is_unknown_and_not_missing() {
    for (name, system, cause) in
        [("kafka-down", "Kafka", "topics-missing"), ("postgres-down", "PostgreSQL", "schema-missing")]
    {
        let report = replay(name, &["--json"]).json();
        assert!(!causes(&report).contains(&cause.to_string()), "{name}: {:?}", causes(&report));
        let unseen = report["unseen"].as_array().unwrap();
        assert!(unseen.iter().any(|unseen| unseen["system"] == system), "{name}: {unseen:#?}");
    }
}

#[test]
fn a_system_that_is_left_out_is_unknown_and_named() {
    let without = |name: &str, system: &str| replay(name, &["--json", "--without", system]).json();
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
        let unseen = report["unseen"].as_array().unwrap();
        let told =
            unseen.iter().find(|unseen| unseen["system"] == shown).unwrap_or_else(|| panic!("{unseen:#?}"));
        assert_eq!(told["why"], format!("left out (--without {system})"));
    }
    // The socket leads to the logs, too; what others saw stays.
    let report = without("worker-stopped", "docker");
    assert_eq!(report["exit_code"], 3);
    assert_eq!(causes(&report)[0], "worker-away");
    let one_of = report["causes"][0]["one_of"].as_array().unwrap();
    assert!(one_of.iter().any(|told| told["id"] == "worker-stopped"), "{one_of:#?}");
}

/// Two looks of one test at one sandbox.
const RELATED: [&str; 2] = ["no-privilege", "row-security"];

/// Each fault has a sandbox of its own.
#[test]
fn no_container_is_in_two_unrelated_recordings() {
    let mut seen: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for name in scenarios() {
        let text = std::fs::read_to_string(scenario(&name)).unwrap();
        let evidence: serde_json::Value = serde_json::from_str(&text).unwrap();
        for container in instances(&evidence) {
            let id = container["id"].as_str().unwrap().to_string();
            let related =
                |other: &String| RELATED.contains(&other.as_str()) && RELATED.contains(&name.as_str());
            if let Some(other) =
                seen.insert(id, name.clone()).filter(|other| *other != name && !related(other))
            {
                panic!("{name} and {other} have a container in common");
            }
        }
    }
}

/// What a report must say, beside the cause and the verdict.
const SAID: &[(&str, &[&str])] = &[
    (
        "table-locked",
        &["pid ", "(app, migration) holds trainer_allocations in AccessExclusiveLock for ", "(55P03)"],
    ),
    (
        "others-read-too",
        &[
            "group archive: stable, 1 member (instance archive-1)",
            "group audit: stable, type consumer, 1 member",
        ],
    ),
    (
        "no-privilege",
        &["permission denied for table trainer_allocations (42501)", "Cannot tell: marked-unverified"],
    ),
    ("row-security", &["row-level security", "(42501)", "Cannot tell: marked-unverified"]),
    ("replica-behind", &["read from a replica", "not there yet, or never"]),
    ("connections-exhausted", &["(53300)"]),
    ("table-in-another-schema", &["there is one in schema archive"]),
    ("no-index-on-the-id", &["has no index on the id"]),
    ("database-clock-ahead", &["its clock is 90.0 s ahead of this machine's"]),
    (
        "rebuilt-not-redeployed",
        &[
            "IMAGE REBUILT, NOT REDEPLOYED",
            "allocation-worker: runs an image of",
            "older than the one its tag names",
        ],
    ),
    ("other-database", &["its POSTGRES_URL is postgres:5432/staging"]),
    ("offsets-reset", &["does not name the event; its container is older than the record"]),
    ("joined-too-late", &["has committed nothing on purchase-confirmed"]),
    ("group-name-typo", &["is a member of group purchase-creation-worker, not of purchase-creation-workers"]),
    ("topic-name-typo", &["is given purchase-confirmd, and none of its topics"]),
    ("worker-frozen", &["and silent for"]),
    (
        "broker-is-localhost",
        &["its KAFKA_BROKERS is localhost", "has \"before emission\"", "lacks \"after emission\""],
    ),
    ("database-name-unresolved", &["getaddrinfo ENOTFOUND db.prod.invalid"]),
    ("marked-by-hand", &["by fix-script (not its worker)"]),
    ("recorded-never-sent", &["the event's record is not on purchase-confirmed (", "all read"]),
    ("conflict-index-missing", &["no unique or exclusion constraint matching the ON CONFLICT"]),
    ("marked-unverified", &["lacks \"row verified\""]),
];

#[test]
fn reports_say_what_an_expert_would_point_at() {
    for (name, phrases) in SAID {
        let table = replay(name, &[]).stdout;
        let joined = table.split_whitespace().collect::<Vec<_>>().join(" ");
        for phrase in *phrases {
            assert!(joined.contains(phrase), "{name} does not say `{phrase}`:\n{table}");
        }
    }
}
