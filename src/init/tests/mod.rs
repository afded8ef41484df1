//! Pipelines as they would be seen, and what is guessed of them.

mod surveys;

use super::*;
use crate::evidence::{Seen, WhyKind};
use crate::init::draft::{Draft, Stage};
use crate::input::Source;
use crate::pipeline::Pipeline;
use surveys::{at, column, nameless, of_each, part, reports, row, shop, signup, table, topic, uuid};

/// What was guessed, in short: stage, topic, emitter, worker, effect, what is before it.
fn chain(draft: &Draft) -> Vec<String> {
    let stage = |stage: &Stage| {
        let topic = stage.topic.as_deref().unwrap_or("-");
        let after =
            stage.after.as_ref().map_or(String::new(), |after| format!(" after [{}]", after.join(", ")));
        format!("{}: {} {topic} {} {}{after}", stage.name, stage.emitter, stage.worker, stage.effect)
    };
    draft.stages.iter().map(stage).collect()
}

/// The file, which must be read without a mistake.
#[track_caller]
fn written(draft: &Draft) -> String {
    let text = write(draft);
    let mut mistakes = Vec::new();
    Pipeline::read(&Source { name: "pipeline.toml".into(), text: text.clone() }, &mut mistakes);
    let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{text}");
    text
}

/// The whole files, reviewed when they change: the command cannot be replayed.
#[test]
fn every_draft_is_as_it_was() {
    for (name, survey) in [("shop", shop()), ("reports", reports()), ("signup", signup())] {
        insta::assert_snapshot!(name, written(&guess(&survey)));
    }
}

#[test]
fn a_shop_with_an_outbox_and_two_databases_is_guessed() {
    let draft = guess(&shop());
    assert_eq!(
        chain(&draft),
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
    // "refused" sounds bad.
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
fn a_pipeline_without_kafka_and_marks_is_guessed() {
    let draft = guess(&reports());
    assert_eq!(
        chain(&draft),
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
fn branches_and_what_joins_them_are_guessed() {
    let draft = guess(&signup());
    assert_eq!(
        chain(&draft),
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
fn a_row_is_of_the_worker_that_could_know_of_it() {
    for [first, second] in [["axel", "berta"], ["berta", "axel"]] {
        for time in ["created_at", "assigned_on", "assignedAt", "moment"] {
            for [red, blue] in [["red", "blue"], ["blue", "red"]] {
                let tables = vec![
                    of_each(red, "its_entry uuid", Some((time, 0.012))),
                    of_each(blue, "for_entry uuid", Some((time, 0.026))),
                ];
                let draft = guess(&nameless([first, second], tables));
                assert_eq!(
                    chain(&draft),
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
fn what_was_there_before_a_worker_could_know_of_it_is_not_his() {
    let tables = vec![of_each("red", "its_entry text", Some(("created_at", 0.012)))];
    let draft = guess(&nameless(["axel", "berta"], tables));
    assert_eq!(chain(&draft), ["axel: desk zoo axel red", "berta: axel air berta nothing yet"]);
    // PostgreSQL compares no text with a uuid.
    assert!(draft.stages[0].sql.starts_with("select its_entry::uuid as id"), "{}", draft.stages[0].sql);
    assert!(draft.stages[1].sql.starts_with("select null::uuid as id"), "{}", draft.stages[1].sql);
    // What the service writes is nobody's.
    let tables = vec![of_each("red", "its_entry uuid", Some(("created_at", 0.001)))];
    let draft = guess(&nameless(["axel", "berta"], tables));
    assert!(draft.stages.iter().all(|stage| stage.to_fill), "{:?}", chain(&draft));
}

#[test]
fn what_is_written_at_once_is_one_workers() {
    let tables = vec![
        of_each("blue", "its_entry uuid", Some(("created_at", 0.026))),
        of_each("green", "its_entry uuid", Some(("created_at", 0.026))),
    ];
    let draft = guess(&nameless(["axel", "berta"], tables));
    assert_eq!(chain(&draft), ["axel: desk zoo axel nothing yet", "berta: axel air berta blue"]);
    let green = draft.left_out.iter().find(|(name, _)| name == "green").unwrap();
    assert_eq!(green.1, "its rows are written at once with those of blue");
}

#[test]
fn of_two_that_read_the_same_the_log_tells() {
    let tables = || {
        vec![
            of_each("red_things", "its_entry uuid", Some(("created_at", 0.030))),
            of_each("blue_things", "its_entry uuid", Some(("created_at", 0.030_5))),
        ]
    };
    let mut survey = nameless(["axel", "berta"], tables());
    let cluster = survey.kafka.known_mut().unwrap();
    cluster.groups.get_mut("g2").unwrap().topics = ["zoo".to_string()].into();
    let guessed = guess(&survey);
    assert!(guessed.stages[0].why.ends_with("_things could be as well"), "{}", guessed.stages[0].why);
    survey.parts[3].log = vec![format!("wrote a blue thing for {}", uuid(1))];
    let guessed = guess(&survey);
    assert_eq!(
        (guessed.stages[0].worker.as_str(), guessed.stages[0].effect.as_str()),
        ("berta", "red_things")
    );
    assert_eq!(guessed.stages[1].why, "its column its_entry has the id");
}

#[test]
fn of_no_events_it_is_said_that_some_are_needed() {
    let mut survey = nameless(["axel", "berta"], vec![of_each("red", "entry_no uuid", None)]);
    assert_eq!(guess(&survey).few, None);
    for table in survey.databases[0].tables.known_mut().unwrap() {
        table.rows.clear();
    }
    survey.kafka.known_mut().unwrap().topics.values_mut().for_each(|topic| topic.records.clear());
    let draft = guess(&survey);
    assert!(draft.few.as_ref().unwrap().starts_with("No rows or records of an event were seen"));
    // Where its id is unique an event begins.
    assert_eq!(draft.event.sql, "select entry_no as id, created_at as at\n  from entries");
    assert!(written(&draft).contains("# No rows or records of an event were seen"));
    // Whom it is for is there before.
    let people = table("people", &["id integer unique"], |e| row(&[&e.to_string()]));
    let tables = survey.databases[0].tables.known_mut().unwrap();
    tables[0].columns.push(column("person_id integer > people.id"));
    tables.push(people);
    let draft = guess(&survey);
    assert_eq!(draft.id.name, "person id");
    assert!(draft.few.unwrap().starts_with("No rows or records of an event were seen"));
}

#[test]
fn a_container_that_is_told_an_address_is_told_with_all_beside_it() {
    let mut survey = nameless(["axel", "berta"], Vec::new());
    let told = [
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
    survey.parts[3] = part("axel", "o", None, &told);
    let draft = guess(&survey);
    let axel = draft.workers.iter().find(|worker| worker.name == "axel").unwrap();
    let expected = ["PGDATABASE", "PGHOST", "PGPASSWORD", "PGUSER", "STORE__DEFAULT", "STREAM_HOST"];
    assert_eq!(axel.environment[..6], expected);
    assert_eq!(axel.environment[6..], ["STREAM_PORT"]);
    // What a container is told a run finds by itself.
    assert!(!written(&draft).contains("address ="), "{}", written(&draft));
}

#[test]
fn dead_letters_are_known_by_a_word_where_nobody_reads_them() {
    let mut survey = nameless(["axel", "berta"], Vec::new());
    let headers = [("x-cause", "it failed"), ("x-origin", "axel")];
    let cluster = survey.kafka.known_mut().unwrap();
    cluster.topics.insert("things.errors".into(), topic(9.0, &headers, uuid));
    let dead = parts::dead_letters(Some(cluster)).unwrap();
    assert_eq!(
        (dead.topic.as_str(), dead.reason.as_deref(), dead.worker.as_deref()),
        ("things.errors", Some("x-cause"), Some("x-origin"))
    );
    cluster.groups.get_mut("g2").unwrap().topics.insert("things.errors".into());
    assert!(parts::dead_letters(Some(cluster)).is_none());
}

#[test]
fn names_with_capitals_are_names() {
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
    let mut entries = of_each("\"Entry\"", "entryNo uuid unique", Some(("createdAt", 0.0)));
    entries.name = "Entry".into();
    let mut survey = nameless(["axel", "berta"], vec![marks, outbox]);
    survey.databases[0].tables.known_mut().unwrap()[0] = entries;
    let draft = guess(&survey);
    assert_eq!(draft.id.name, "entry no");
    assert_eq!(draft.marks.as_ref().unwrap().processed_at, "\"consumedAt\"");
    assert!(draft.left_out.iter().any(|(name, _)| name == "\"Outbound\""), "{:?}", draft.left_out);
    // A quote at the end does not stand before three others.
    assert!(written(&draft).contains("from \"Entry\"\n\"\"\"\n"), "{}", written(&draft));
}

#[test]
fn of_nothing_but_a_compose_file_a_file_is_written_all_the_same() {
    let mut survey = shop();
    survey.docker = Seen::unknown(WhyKind::Permission, "no permission on /var/run/docker.sock");
    survey.kafka = Seen::unknown(WhyKind::NoAnswer, "no answer from kafka:9092 in 3.0 s");
    for database in &mut survey.databases {
        database.tables = Seen::unknown(WhyKind::Auth, "db:5432: password authentication failed");
    }
    let draft = guess(&survey);
    assert_eq!(draft.unseen.len(), 4, "{:?}", draft.unseen);
    assert!(draft.stages.iter().all(|stage| stage.to_fill) && draft.stages.len() == 3);
    let text = written(&draft);
    assert!(text.contains("# not seen: Docker: no permission on /var/run/docker.sock"), "{text}");
    assert!(text.contains("# to fill in: nothing was found that this worker leaves"), "{text}");
}

#[test]
fn of_empty_tables_their_form_tells() {
    let mut survey = reports();
    for table in survey.databases[0].tables.known_mut().unwrap() {
        table.rows.clear();
    }
    let draft = guess(&survey);
    assert_eq!(draft.id.name, "report id");
    assert_eq!(draft.event.sql, "select id as id, created_at as at\n  from reports");
    assert!(draft.stages.iter().any(|stage| stage.worker == "mail-worker" && stage.effect == "mails"));
    written(&draft);
}

#[test]
fn names_that_mean_something_in_toml_stay_names() {
    let mut survey = signup();
    survey.project = Some("a\"b\n[kafka]\\'''".into());
    survey.parts[2].image = "x\"\"\"\n# no".into();
    survey.databases[0].name = "x\ny = 1".into();
    let text = written(&guess(&survey));
    let read: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(read["name"].as_str(), survey.project.as_deref());
}
