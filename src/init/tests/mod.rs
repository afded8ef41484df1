//! Tests the drafts of several discovered pipelines.

mod discoveries;

use super::*;
use crate::evidence::{Observed, ReasonKind};
use crate::init::draft::{Draft, Stage};
use crate::input::Source;
use crate::pipeline::Pipeline;
use discoveries::{
    at, column, component, one_row_each, reports, row, shop, signup, table, topic, unrelated_names, uuid,
};

/// Summarizes each stage: name, emitter, topic, worker, effect and predecessors.
fn stage_lines(draft: &Draft) -> Vec<String> {
    let stage = |stage: &Stage| {
        let topic = stage.topic.as_deref().unwrap_or("-");
        let after =
            stage.after.as_ref().map_or(String::new(), |after| format!(" after [{}]", after.join(", ")));
        format!("{}: {} {topic} {} {}{after}", stage.name, stage.emitter, stage.worker, stage.effect)
    };
    draft.stages.iter().map(stage).collect()
}

/// Returns the text of the file, and checks that it parses without mistakes.
#[track_caller]
fn written(draft: &Draft) -> String {
    let text = write(draft);
    let mut mistakes = Vec::new();
    Pipeline::read(&Source { name: "pipeline.toml".into(), text: text.clone() }, &mut mistakes);
    let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{text}");
    text
}

/// Snapshots whole files, because `init` cannot be replayed.
#[test]
fn drafts_match_snapshots() {
    for (name, discovery) in [("shop", shop()), ("reports", reports()), ("signup", signup())] {
        let text = written(&build_draft(&discovery));
        assert_eq!(crate::base::secret::withhold(&text), text, "{name}");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn infers_outbox_and_two_databases() {
    let draft = build_draft(&shop());
    assert_eq!(
        stage_lines(&draft),
        [
            "order-relay: order-api - order-relay sent from outbox",
            "shipping: order-api orders.placed shipping-worker shipments",
            "notification: shipping-worker shipments.created notification-worker notifications",
        ]
    );
    assert_eq!((draft.id.format.as_str(), draft.id.name.as_str()), ("text", "order no"));
    assert_eq!(draft.id.pattern.as_deref(), Some(r"^ORD-[0-9]{4}-[0-9]{6}$"));
    assert_eq!(draft.noun, ("order".to_string(), "orders".to_string()));
    assert_eq!(draft.event.sql, "select order_no as id, placed_at as at\n  from sales.orders");
    let marks = draft.marks.clone().unwrap();
    assert_eq!((marks.table.as_str(), marks.source.as_str()), ("logistics.handled", "handler"));
    assert_eq!(marks.database.as_deref(), Some("shipping"));
    let shipping = &draft.stages[1];
    assert_eq!(shipping.database.as_deref(), Some("shipping"));
    assert_eq!(shipping.event, "ORDER_PLACED");
    // "refused" suggests a failure.
    assert_eq!(shipping.good_status, ["ready"]);
    assert_eq!(shipping.marked_by, ["shipping-worker"]);
    let dead = draft.dead_letters.clone().unwrap();
    assert_eq!((dead.topic.as_str(), dead.reason.as_deref()), ("shop.dead-letters", Some("error")));
    assert_eq!(draft.stages[2].grace_s, 7);
    assert_eq!(draft.workers[1].started.as_deref(), Some(r"\[ShippingWorker\] Started"));
    assert_eq!(draft.lines[0].pattern, r"\[ShippingWorker\] shipment created for");
    let text = written(&draft);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("[database.shipping]"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 110), "{text}");
}

#[test]
fn infers_pipeline_without_kafka_and_marks() {
    let draft = build_draft(&reports());
    assert_eq!(
        stage_lines(&draft),
        ["draw: report-api - draw-worker documents", "mail: draw-worker - mail-worker mails",]
    );
    assert_eq!((draft.id.format.as_str(), draft.id.name.as_str()), ("number", "report id"));
    assert_eq!(draft.event.sql, "select id as id, created_at as at\n  from reports");
    assert!(draft.kafka.is_none() && draft.marks.is_none());
    let text = written(&draft);
    for absent in ["\n[kafka]", "\n[marks]", "group =", "topic =", "[[topic]]", "marked_by"] {
        assert!(!text.contains(absent), "{absent}\n{text}");
    }
}

#[test]
fn infers_branches_and_their_join() {
    let draft = build_draft(&signup());
    assert_eq!(
        stage_lines(&draft),
        [
            "credit: signup-api signup-requested credit-worker credit_checks",
            "identity: signup-api signup-requested identity-worker identity_checks after []",
            "account: identity-worker identity-checked account-worker accounts after [credit, identity]",
        ]
    );
    assert_eq!((draft.id.format.as_str(), draft.id.name.as_str()), ("ulid", "signup id"));
    written(&draft);
}

#[test]
fn assigns_tables_by_time() {
    for [first, second] in [["axel", "berta"], ["berta", "axel"]] {
        for time in ["created_at", "assigned_on", "assignedAt", "moment"] {
            for [red, blue] in [["red", "blue"], ["blue", "red"]] {
                let tables = vec![
                    one_row_each(red, "its_entry uuid", Some((time, 0.012))),
                    one_row_each(blue, "for_entry uuid", Some((time, 0.026))),
                ];
                let draft = build_draft(&unrelated_names([first, second], tables));
                assert_eq!(
                    stage_lines(&draft),
                    [
                        format!("{first}: desk zoo {first} {red}"),
                        format!("{second}: {first} air {second} {blue}")
                    ],
                    "{time}"
                );
                assert_eq!((draft.id.name.as_str(), draft.noun.0.as_str()), ("entry no", "entry"));
            }
        }
    }
}

#[test]
fn does_not_assign_rows_older_than_the_workers_input() {
    let tables = vec![one_row_each("red", "its_entry text", Some(("created_at", 0.012)))];
    let draft = build_draft(&unrelated_names(["axel", "berta"], tables));
    assert_eq!(stage_lines(&draft), ["axel: desk zoo axel red", "berta: axel air berta nothing yet"]);
    // PostgreSQL does not compare text with uuid.
    assert!(draft.stages[0].sql.starts_with("select its_entry::uuid as id"), "{}", draft.stages[0].sql);
    assert!(draft.stages[1].sql.starts_with("select null::uuid as id"), "{}", draft.stages[1].sql);
    // Rows written with the event belong to no worker.
    let tables = vec![one_row_each("red", "its_entry uuid", Some(("created_at", 0.001)))];
    let draft = build_draft(&unrelated_names(["axel", "berta"], tables));
    assert!(draft.stages.iter().all(|stage| stage.incomplete), "{:?}", stage_lines(&draft));
}

#[test]
fn assigns_only_one_of_the_tables_written_together() {
    let tables = vec![
        one_row_each("blue", "its_entry uuid", Some(("created_at", 0.026))),
        one_row_each("green", "its_entry uuid", Some(("created_at", 0.026))),
    ];
    let draft = build_draft(&unrelated_names(["axel", "berta"], tables));
    assert_eq!(stage_lines(&draft), ["axel: desk zoo axel nothing yet", "berta: axel air berta blue"]);
    let green = draft.left_out.iter().find(|(name, _)| name == "green").unwrap();
    assert_eq!(green.1, "its rows are written together with those of blue");
}

#[test]
fn log_decides_between_workers_with_the_same_input() {
    let tables = || {
        vec![
            one_row_each("red_things", "its_entry uuid", Some(("created_at", 0.030))),
            one_row_each("blue_things", "its_entry uuid", Some(("created_at", 0.030_5))),
        ]
    };
    let mut discovery = unrelated_names(["axel", "berta"], tables());
    let cluster = discovery.kafka.known_mut().unwrap();
    cluster.groups.get_mut("g2").unwrap().topics = ["zoo".to_string()].into();
    let draft = build_draft(&discovery);
    assert!(draft.stages[0].comment.contains("; could also be "), "{}", draft.stages[0].comment);
    discovery.components[3].log = vec![format!("wrote a blue thing for {}", uuid(1))];
    let draft = build_draft(&discovery);
    assert_eq!((draft.stages[0].worker.as_str(), draft.stages[0].effect.as_str()), ("berta", "red_things"));
    assert_eq!(draft.stages[1].comment, "column its_entry holds the id");
}

#[test]
fn asks_for_more_events_if_none_were_seen() {
    let mut discovery = unrelated_names(["axel", "berta"], vec![one_row_each("red", "entry_no uuid", None)]);
    assert_eq!(build_draft(&discovery).more_events_hint, None);
    for table in discovery.databases[0].tables.known_mut().unwrap() {
        table.rows.clear();
    }
    discovery.kafka.known_mut().unwrap().topics.values_mut().for_each(|topic| topic.records.clear());
    let draft = build_draft(&discovery);
    assert!(
        draft.more_events_hint.as_ref().unwrap().starts_with("No rows or records for an event were seen")
    );
    // Without rows, the table with the unique id is the event's.
    assert_eq!(draft.event.sql, "select entry_no as id, created_at as at\n  from entries");
    assert!(written(&draft).contains("# No rows or records for an event were seen"));
    // Rows in `people` exist before any event, so they do not count as events.
    let people = table("people", &["id integer unique"], |e| row(&[&e.to_string()]));
    let tables = discovery.databases[0].tables.known_mut().unwrap();
    tables[0].columns.push(column("person_id integer > people.id"));
    tables.push(people);
    let draft = build_draft(&discovery);
    assert_eq!(draft.id.name, "person id");
    assert!(draft.more_events_hint.unwrap().starts_with("No rows or records for an event were seen"));
}

#[test]
fn environment_includes_variables_that_complete_an_address() {
    let mut discovery = unrelated_names(["axel", "berta"], Vec::new());
    let variables = [
        ("PGHOST", "postgres"),
        ("PGUSER", "o"),
        ("PGPASSWORD", "hunter2"),
        ("PGDATABASE", "things"),
        ("STORE__DEFAULT", "Host=postgres;Port=5432;Username=o;Password=hunter2"),
        ("STREAM_HOST", "kafka"),
        ("STREAM_PORT", "9092"),
        ("NAME", "axel"),
        ("MODE", "fast"),
    ];
    discovery.components[3] = component("axel", "o", None, &variables);
    let draft = build_draft(&discovery);
    let axel = draft.workers.iter().find(|worker| worker.name == "axel").unwrap();
    let expected = ["PGDATABASE", "PGHOST", "PGPASSWORD", "PGUSER", "STORE__DEFAULT", "STREAM_HOST"];
    assert_eq!(axel.environment[..6], expected);
    assert_eq!(axel.environment[6..], ["STREAM_PORT"]);
    // An address in a container's environment is not repeated in the file.
    assert!(!written(&draft).contains("address ="), "{}", written(&draft));
}

#[test]
fn unread_topic_with_a_failure_word_is_the_dead_letter_topic() {
    let mut discovery = unrelated_names(["axel", "berta"], Vec::new());
    let headers = [("x-cause", "it failed"), ("x-origin", "axel")];
    let cluster = discovery.kafka.known_mut().unwrap();
    cluster.topics.insert("things.errors".into(), topic(9.0, &headers, uuid));
    let dead = components::find_dead_letters(Some(cluster)).unwrap();
    assert_eq!(
        (dead.topic.as_str(), dead.reason.as_deref(), dead.worker.as_deref()),
        ("things.errors", Some("x-cause"), Some("x-origin"))
    );
    cluster.groups.get_mut("g2").unwrap().topics.insert("things.errors".into());
    assert!(components::find_dead_letters(Some(cluster)).is_none());
}

#[test]
fn quotes_names_with_capitals() {
    let marks = table(
        "\"InboxEntry\"",
        &[
            "entryNo uuid",
            "messageId uuid",
            "messageType text",
            "consumer text",
            "consumedAt timestamp with time zone",
            "lockedAt timestamp with time zone",
        ],
        |e| row(&[&uuid(e), "m", "Zoo", "axel", &at(e, 0.02).to_string(), ""]),
    );
    let outbox = table(
        "\"Outbound\"",
        &["aggregateId uuid", "body jsonb", "publishedAt timestamp with time zone"],
        |e| row(&[&uuid(e), "{}", &at(e, 0.02).to_string()]),
    );
    let mut entries = one_row_each("\"Entry\"", "entryNo uuid unique", Some(("createdAt", 0.0)));
    entries.name = "Entry".into();
    let mut discovery = unrelated_names(["axel", "berta"], vec![marks, outbox]);
    discovery.databases[0].tables.known_mut().unwrap()[0] = entries;
    let draft = build_draft(&discovery);
    assert_eq!(draft.id.name, "entry no");
    assert_eq!(draft.marks.as_ref().unwrap().processed_at, "\"consumedAt\"");
    assert!(draft.left_out.iter().any(|(name, _)| name == "\"Outbound\""), "{:?}", draft.left_out);
    // A quote at the end of the SQL does not merge with the closing quotes.
    assert!(written(&draft).contains("from \"Entry\"\n\"\"\"\n"), "{}", written(&draft));
}

#[test]
fn writes_file_from_compose_file_alone() {
    let mut discovery = shop();
    discovery.docker = Observed::unknown(ReasonKind::Permission, "no permission on /var/run/docker.sock");
    discovery.kafka = Observed::unknown(ReasonKind::NoAnswer, "no answer from kafka:9092 in 3.0 s");
    for database in &mut discovery.databases {
        database.tables = Observed::unknown(ReasonKind::Auth, "db:5432: password authentication failed");
    }
    let draft = build_draft(&discovery);
    assert_eq!(draft.unavailable.len(), 4, "{:?}", draft.unavailable);
    assert!(draft.stages.iter().all(|stage| stage.incomplete) && draft.stages.len() == 3);
    let text = written(&draft);
    assert!(text.contains("# not seen: Docker: no permission on /var/run/docker.sock"), "{text}");
    assert!(text.contains("# TODO: no rows written by this worker were found"), "{text}");
}

#[test]
fn infers_tables_without_rows_from_their_columns() {
    let mut discovery = reports();
    for table in discovery.databases[0].tables.known_mut().unwrap() {
        table.rows.clear();
    }
    let draft = build_draft(&discovery);
    assert_eq!(draft.id.name, "report id");
    assert_eq!(draft.event.sql, "select id as id, created_at as at\n  from reports");
    assert!(draft.stages.iter().any(|stage| stage.worker == "mail-worker" && stage.effect == "mails"));
    written(&draft);
}

#[test]
fn leaves_out_or_escapes_names_that_contain_toml_syntax() {
    let mut discovery = signup();
    discovery.project = Some("a\"b\n[kafka]\\'''".into());
    discovery.components[2].image = "x\"\"\"\n# no".into();
    discovery.databases[0].name = "x\ny = 1".into();
    let text = written(&build_draft(&discovery));
    let read: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!((read["name"].as_str(), read.get("compose")), (Some("pipeline"), None));
}
