//! The program as a user meets it: wrong input, formats, exit codes. Nothing
//! that runs is needed.

mod support;

use std::fs;
use support::{doctor, root, scenario};

/// One clear message on stderr, nothing on stdout, exit code 2; as JSON the same
/// in one document on stdout.
#[track_caller]
fn refused(arguments: &[&str], names: &[&str]) {
    let run = doctor(arguments).finish().code(2);
    assert_eq!(run.stdout, "");
    for name in names {
        assert!(run.stderr.contains(name), "{name} in\n{}", run.stderr);
    }
    let run = doctor(arguments.iter().chain(&["--json"])).finish().code(2);
    let document = run.json();
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["error"]["exit_code"], 2);
    assert_eq!(run.stderr, "");
    for name in names {
        let text = document["error"].to_string().replace("\\\"", "\"");
        assert!(text.contains(name), "{name} in\n{text}");
    }
}

#[test]
fn an_unknown_flag_is_named() {
    refused(&["--kafak", "x:1"], &["--kafak", "--kafka"]);
}

#[test]
fn a_bad_id_is_named_with_what_was_expected() {
    refused(&["42"], &["42", "payment id", "uuid"]);
    refused(&["x\u{1b}[31m"], &["payment id"]);
}

#[test]
fn an_id_that_could_harm_a_terminal_is_shown_harmless() {
    let run = doctor(["\u{1b}[2Jx"]).finish().code(2);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}

#[test]
fn a_directory_as_replay_is_refused() {
    refused(&["--replay", "tests"], &["--replay tests", "is a directory"]);
}

#[test]
fn a_missing_file_is_refused() {
    refused(&["--replay", "nowhere.json"], &["nowhere.json", "no such file"]);
    refused(&["--config", "nowhere.toml"], &["nowhere.toml", "no such file"]);
    refused(&["--checks", "nowhere"], &["nowhere", "no such file"]);
}

#[test]
fn what_is_no_evidence_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text, says) in [
        ("text.json", "not json", "is not JSON"),
        ("other.json", "{\"schema\": 99}", "schema 99"),
        ("empty.json", "{}", "no schema"),
        ("half.json", "{\"schema\": 1}", "is not evidence"),
    ] {
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        refused(&["--replay", file.to_str().unwrap()], &[name, says]);
    }
}

#[test]
fn an_unreadable_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bytes.json");
    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    refused(&["--replay", file.to_str().unwrap()], &["bytes.json", "not UTF-8"]);
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    fs::write(&file, "name = \"x\"\nnoun = [\n").unwrap();
    refused(&["--config", file.to_str().unwrap()], &["mine.toml:"]);
}

#[test]
fn all_mistakes_come_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(root().join("checks/1-workers.toml")).unwrap();
    let text = text
        .replacen("fact = \"container.rung\"", "fact = \"container.rnug\"", 1)
        .replacen("at_least = \"running\"", "at_least = \"runing\"", 1)
        .replacen("step = 1\nfor_each", "step = 7\nfor_each", 1);
    fs::write(directory.path().join("1.toml"), text).unwrap();
    refused(
        &["--checks", directory.path().to_str().unwrap(), "--window", "soon"],
        &[
            "1.toml:",
            "did you mean `container.rung`?",
            "did you mean `running`?",
            "unknown step 7",
            "--window soon",
        ],
    );
}

#[test]
fn one_mistake_in_a_file_does_not_hide_the_next() {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(root().join("checks")).unwrap() {
        let file = file.unwrap().path();
        // Not the folder of schemas.
        if file.is_file() {
            fs::copy(&file, directory.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let causes = directory.path().join("causes.toml");
    let text = fs::read_to_string(&causes).unwrap();
    let text = text
        .replacen("confidence = 95", "confidence = 950", 1)
        .replacen("always = [\"topic-exists\"", "always = [\"topic-exits\"", 1)
        .replacen("means = \"Somebody", "meens = \"Somebody", 1);
    fs::write(&causes, text).unwrap();
    let says = ["950 is not between 1 and 99", "did you mean `topic-exists`?", "did you mean `means`?"];
    refused(&["--checks", directory.path().to_str().unwrap()], &says);
}

#[test]
fn wrong_addresses_are_refused_before_anything_is_contacted() {
    refused(&["--postgres", "postgres://u:hunter2@h/d?sslmode=sometimes"], &["sslmode", "sometimes"]);
    refused(&["-f", "nowhere.yml"], &["nowhere.yml"]);
}

#[test]
fn no_error_shows_a_password() {
    for arguments in [
        vec!["--postgres", "postgres://u:hunter2@h/d?sslmode=sometimes"],
        vec!["--postgres", "postgres://u:hunter2@@h/d?sslmode=sometimes"],
        vec!["--postgres", "://u:hunter2@h"],
        vec!["--http", "nobody=http://u:hunter2@h:1"],
        vec!["--kafka", "u:hunter2@h:9092"],
        vec!["postgres://u:hunter2@h/d"],
        vec!["--frob", "x", "postgres://u:hunter2@h/d"],
    ] {
        let run = doctor(&arguments).finish();
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn help_shows_no_value_of_the_environment() {
    let run = doctor(["--help"]).env("POSTGRES_URL", "postgres://u:hunter2@h/d").finish().code(0);
    assert!(!run.stdout.contains("hunter2"));
    assert!(run.stdout.contains("Exit codes:"));
}

#[test]
fn an_unknown_name_gets_the_nearest_one() {
    refused(&["explain", "worker-runing"], &["worker-runing", "did you mean `worker-running`?"]);
    refused(&["demo", "heathy"], &["heathy", "did you mean `healthy`?"]);
}

#[test]
fn explain_wants_a_name_or_the_whole_runbook_and_then_no_remedy() {
    refused(&["explain"], &["NAME"]);
    for remedy in ["--yaml", "--offsets", "--sql", "--records"] {
        refused(&["explain", "kafka-down", "--markdown", remedy], &["--markdown", remedy]);
    }
    refused(&["explain", "--markdown", "worker-runing"], &["did you mean `worker-running`?"]);
}

#[test]
fn the_demo_is_a_show_and_not_an_alarm() {
    let demo = doctor(["demo"]).finish().code(0);
    assert!(demo.last_line().starts_with("BROKEN: workers not deployed (95 %)."), "{}", demo.stdout);
    assert!(demo.stderr.contains("would exit with 3"), "{}", demo.stderr);
    let replayed = doctor(["--replay", scenario("workers-not-deployed").to_str().unwrap()]).finish().code(3);
    assert_eq!(replayed.stdout, demo.stdout);
}

#[test]
fn every_incident_of_the_demo_can_be_shown() {
    for incident in pipeline_doctor::run::demo::INCIDENTS {
        let run = doctor(["demo", incident.name]).finish().code(0);
        assert!(run.stdout.starts_with("pipeline-doctor"), "{}", incident.name);
    }
}

#[test]
fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
    let binary = env!("CARGO_BIN_EXE_pipeline-doctor");
    let shown = support::shell(&format!("{binary} demo --json 2>/dev/null | head -1"));
    assert_eq!(shown, "{");
    let full = support::shell(&format!("{binary} demo 2>&1 >/dev/full || echo $?"));
    assert!(full.ends_with("\n1"), "{full}");
}

#[test]
fn what_nobody_could_be_asked_about_is_neither_failure_nor_health() {
    let elsewhere = tempfile::tempdir().unwrap();
    let run = doctor(["--docker", "unix:///nonexistent.sock", "--json"]).current_dir(elsewhere.path());
    let report = run.finish().code(5).json();
    assert_eq!(report["outcome"], "inconclusive");
    assert_eq!(report["causes"], serde_json::json!([]));
    let unseen: Vec<&str> = report["unseen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unseen| unseen["system"].as_str().unwrap())
        .collect();
    assert_eq!(&unseen[..3], ["Docker", "Kafka", "PostgreSQL"]);
}

#[test]
fn a_recording_that_has_no_place_is_refused_before_anything_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sub/e.json");
    refused(&["--record", target.to_str().unwrap()], &["e.json", "its directory is not there"]);
    refused(&["--record", "tests"], &["--record tests", "is a directory"]);
}

#[test]
fn a_recording_of_another_event_is_refused() {
    let file = scenario("healthy");
    let id = "00000000-0000-4000-8000-000000000000";
    refused(&[id, "--replay", file.to_str().unwrap()], &["was recorded of", id]);
}

#[test]
fn a_time_too_long_is_refused() {
    refused(&["--wait", "18446744073709551615"], &["--wait", "not a length of time"]);
}

#[test]
fn every_id_that_a_report_can_print_can_be_explained() {
    let catalog =
        pipeline_doctor::runbook::lint::read(None, pipeline_doctor::fact::registry(), &mut Vec::new())
            .unwrap();
    for id in catalog.names() {
        let run = doctor(["explain", id]).finish().code(0);
        assert!(run.stdout.contains(id), "{id}");
    }
}

#[test]
fn init_leaves_a_file_alone_that_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pipeline.toml");
    fs::write(&file, "mine").unwrap();
    let run = doctor(["init", "--docker", "unix:///nonexistent.sock"]).current_dir(directory.path()).finish();
    let run = run.code(2);
    assert!(run.stderr.contains("pipeline.toml: is there already"), "{}", run.stderr);
    assert!(run.stderr.contains("--output") && run.stdout.is_empty(), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    // What was said where nothing may be written is no file either.
    let other = directory.path().join("sub/other.toml");
    let run = doctor(["init", "--docker", "unix:///nonexistent.sock", "--output", other.to_str().unwrap()]);
    let run = run.current_dir(directory.path()).finish().code(2);
    assert!(run.stderr.contains("cannot be written: no such file"), "{}", run.stderr);
}

#[test]
fn init_writes_a_file_that_can_be_read_from_a_compose_file_alone() {
    let directory = tempfile::tempdir().unwrap();
    let compose = "
name: parcels
services:
  kafka: { image: 'apache/kafka:4', ports: ['9092:9092'] }
  db: { image: 'postgres:16' }
  shop: { image: parcels, ports: ['8080:80'], environment: { KAFKA_BROKERS: 'kafka:9092' } }
  packer:
    image: parcels
    command: packer --all
    environment: ['KAFKA_BROKERS=kafka:9092', 'DATABASE_URL=postgres://u:hunter2@db/parcels']
";
    fs::write(directory.path().join("compose.yaml"), compose).unwrap();
    let flags = ["--docker", "unix:///nonexistent.sock", "--without", "kafka", "--without", "postgres"];
    let run = doctor(["init"].iter().chain(&flags)).current_dir(directory.path()).finish().code(0);
    assert!(run.stdout.starts_with("Found 3 services, 1 worker, 0 topics, 1 stage."), "{}", run.stdout);
    assert!(run.stdout.contains("pipeline-doctor --config pipeline.toml"), "{}", run.stdout);
    assert!(run.stderr.contains("not seen: Docker: no Docker Engine"), "{}", run.stderr);
    let text = fs::read_to_string(directory.path().join("pipeline.toml")).unwrap();
    assert!(text.contains("name = \"packer\"") && !text.contains("hunter2"), "{text}");
    let shown =
        doctor(["init", "--stdout"].iter().chain(&flags)).current_dir(directory.path()).finish().code(0);
    assert_eq!(shown.stdout, text);
    let judged =
        doctor(["--config", "pipeline.toml"].iter().chain(&flags)).current_dir(directory.path()).finish();
    judged.code(5);
}
