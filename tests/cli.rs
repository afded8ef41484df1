//! Tests of the command line: invalid input, output formats and exit codes. They need no
//! running systems.

mod support;

use std::fs;
use support::{doctor, root, scenario};

/// Asserts that the program rejects the arguments with exit code 2 and prints these strings on
/// stderr or, with `--json`, in a single document on stdout.
#[track_caller]
fn rejects(arguments: &[&str], texts: &[&str]) {
    let run = doctor(arguments).finish().code(2);
    assert_eq!(run.stdout, "");
    for text in texts {
        assert!(run.stderr.contains(text), "{text} in\n{}", run.stderr);
    }
    let run = doctor(arguments.iter().chain(&["--json"])).finish().code(2);
    let document = run.json();
    assert_eq!(document["schema_version"], 2);
    assert_eq!(document["error"]["exit_code"], 2);
    assert_eq!(run.stderr, "");
    let error = document["error"].to_string().replace("\\\"", "\"");
    for text in texts {
        assert!(error.contains(text), "{text} in\n{error}");
    }
}

#[test]
fn rejects_unknown_flag_with_a_suggestion() {
    rejects(&["--kafak", "x:1"], &["--kafak", "--kafka"]);
}

#[test]
fn rejects_invalid_id_and_says_what_was_expected() {
    rejects(&["42"], &["42", "payment id", "UUID"]);
    rejects(&["x\u{1b}[31m"], &["payment id"]);
}

#[test]
fn escapes_control_characters_in_an_invalid_id() {
    let run = doctor(["\u{1b}[2Jx"]).finish().code(2);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}

#[test]
fn rejects_directory_as_recording() {
    rejects(&["--replay", "tests"], &["--replay tests", "is a directory"]);
}

#[test]
fn rejects_missing_files() {
    rejects(&["--replay", "nowhere.json"], &["nowhere.json", "no such file"]);
    rejects(&["--config", "nowhere.toml"], &["nowhere.toml", "no such file"]);
    rejects(&["--checks", "nowhere"], &["nowhere", "no such file"]);
}

#[test]
fn rejects_files_that_are_not_recordings() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text, message) in [
        ("text.json", "not json", "is not JSON"),
        ("other.json", "{\"schema\": 99}", "schema 99"),
        ("empty.json", "{}", "no schema"),
        ("half.json", "{\"schema\": 1}", "is not evidence"),
    ] {
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        rejects(&["--replay", file.to_str().unwrap()], &[name, message]);
    }
}

#[test]
fn rejects_recording_that_is_not_utf_8() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bytes.json");
    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    rejects(&["--replay", file.to_str().unwrap()], &["bytes.json", "not UTF-8"]);
}

#[test]
fn reports_the_line_of_invalid_toml() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    fs::write(&file, "name = \"x\"\nnoun = [\n").unwrap();
    rejects(&["--config", file.to_str().unwrap()], &["mine.toml:"]);
}

#[test]
fn reports_all_mistakes_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(root().join("checks/1-workers.toml")).unwrap();
    let text = text
        .replacen("fact = \"container.state\"", "fact = \"container.sttae\"", 1)
        .replacen("at_least = \"running\"", "at_least = \"runing\"", 1)
        .replacen("step = 1\nfor_each", "step = 7\nfor_each", 1);
    fs::write(directory.path().join("1.toml"), text).unwrap();
    rejects(
        &["--checks", directory.path().to_str().unwrap(), "--window", "soon"],
        &[
            "1.toml:",
            "did you mean `container.state`?",
            "did you mean `running`?",
            "unknown step 7",
            "--window soon",
        ],
    );
}

#[test]
fn reports_all_mistakes_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(root().join("checks")).unwrap() {
        let file = file.unwrap().path();
        // Skip the schema directory.
        if file.is_file() {
            fs::copy(&file, directory.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let causes = directory.path().join("causes.toml");
    let text = fs::read_to_string(&causes).unwrap();
    let text = text
        .replacen("confidence = 95", "confidence = 950", 1)
        .replacen("always = [\"topic-exists\"", "always = [\"topic-exits\"", 1)
        .replacen("means = \"", "meens = \"", 1);
    fs::write(&causes, text).unwrap();
    let messages = ["950 is not between 1 and 99", "did you mean `topic-exists`?", "did you mean `means`?"];
    rejects(&["--checks", directory.path().to_str().unwrap()], &messages);
}

#[test]
fn rejects_invalid_addresses() {
    rejects(&["--postgres", "postgres://u:hunter2@h/d?sslmode=sometimes"], &["sslmode", "sometimes"]);
    rejects(&["-f", "nowhere.yml"], &["nowhere.yml"]);
}

#[test]
fn masks_passwords_in_errors() {
    for arguments in [
        vec!["--postgres", "postgres://u:hunter2@h/d?sslmode=sometimes"],
        vec!["--postgres", "postgres://u:hunter2@@h/d?sslmode=sometimes"],
        vec!["--postgres", "://u:hunter2@h"],
        vec!["--http", "nobody=http://u:hunter2@h:1"],
        vec!["--kafka", "u:hunter2@h:9092"],
        vec!["postgres://u:hunter2@h/d"],
        vec!["--frob", "x", "postgres://u:hunter2@h/d"],
    ] {
        let run = doctor(&arguments).finish().code(2);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn help_shows_no_environment_values() {
    let run = doctor(["--help"]).env("POSTGRES_URL", "postgres://u:hunter2@h/d").finish().code(0);
    assert!(!run.stdout.contains("hunter2"));
    assert!(run.stdout.contains("Exit codes:"));
}

#[test]
fn suggests_the_closest_known_name() {
    rejects(&["explain", "worker-runing"], &["worker-runing", "did you mean `worker-running`?"]);
    rejects(&["demo", "heathy"], &["heathy", "did you mean `healthy`?"]);
}

#[test]
fn explain_requires_a_name_and_rejects_remedies_with_markdown() {
    rejects(&["explain"], &["NAME"]);
    for remedy in ["--yaml", "--offsets", "--sql", "--records"] {
        rejects(&["explain", "kafka-down", "--markdown", remedy], &["--markdown", remedy]);
    }
    rejects(&["explain", "--markdown", "worker-runing"], &["did you mean `worker-running`?"]);
}

#[test]
fn demo_exits_with_0_and_prints_the_replay() {
    let demo = doctor(["demo"]).finish().code(0);
    assert!(demo.last_line().ends_with("purchase-worker: workers not deployed (95 %)"), "{}", demo.stdout);
    assert!(demo.stderr.contains("would exit with 3"), "{}", demo.stderr);
    let replayed = doctor(["--replay", scenario("workers-not-deployed").to_str().unwrap()]).finish().code(3);
    assert_eq!(replayed.stdout, demo.stdout);
}

#[test]
fn every_demo_incident_can_be_shown() {
    for incident in pipeline_doctor::run::demo::INCIDENTS {
        let run = doctor(["demo", incident.name]).finish().code(0);
        assert!(run.stdout.starts_with("pipeline-doctor"), "{}", incident.name);
    }
}

#[test]
fn ignores_a_closed_pipe_but_fails_on_a_full_disk() {
    let binary = env!("CARGO_BIN_EXE_pipeline-doctor");
    let shown = support::shell(&format!("{binary} demo --json 2>/dev/null | head -1"));
    assert_eq!(shown, "{");
    let full = support::shell(&format!("{binary} demo 2>&1 >/dev/full || echo $?"));
    assert!(full.ends_with("\n1"), "{full}");
}

#[test]
fn unavailable_systems_make_the_report_inconclusive() {
    let elsewhere = tempfile::tempdir().unwrap();
    let run = doctor(["--docker", "unix:///nonexistent.sock", "--json"]).current_dir(elsewhere.path());
    let report = run.finish().code(5).json();
    assert_eq!(report["outcome"], "inconclusive");
    assert_eq!(report["causes"], serde_json::json!([]));
    let unavailable: Vec<&str> = report["unseen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unavailable| unavailable["system"].as_str().unwrap())
        .collect();
    assert_eq!(&unavailable[..3], ["Docker", "Kafka", "PostgreSQL"]);
}

#[test]
fn rejects_unwritable_recording_file() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sub/e.json");
    rejects(&["--record", target.to_str().unwrap()], &["e.json", "its directory does not exist"]);
    rejects(&["--record", "tests"], &["--record tests", "is a directory"]);
}

#[test]
fn rejects_recording_of_another_event() {
    let file = scenario("healthy");
    let id = "00000000-0000-4000-8000-000000000000";
    rejects(&[id, "--replay", file.to_str().unwrap()], &["was recorded for", id]);
}

#[test]
fn rejects_durations_that_are_too_long() {
    rejects(&["--wait", "18446744073709551615"], &["--wait", "not a valid duration"]);
}

#[test]
fn explains_every_check_and_cause() {
    let catalog =
        pipeline_doctor::runbook::lint::read(None, pipeline_doctor::fact::registry(), &mut Vec::new())
            .unwrap();
    for id in catalog.names() {
        let run = doctor(["explain", id]).finish().code(0);
        assert!(run.stdout.contains(id), "{id}");
    }
}

#[test]
fn init_does_not_overwrite_an_existing_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pipeline.toml");
    fs::write(&file, "mine").unwrap();
    let run = doctor(["init", "--docker", "unix:///nonexistent.sock"]).current_dir(directory.path()).finish();
    let run = run.code(2);
    assert!(run.stderr.contains("pipeline.toml: already exists"), "{}", run.stderr);
    assert!(run.stderr.contains("--output") && run.stdout.is_empty(), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    // An output path in a missing directory is rejected.
    let other = directory.path().join("sub/other.toml");
    let run = doctor(["init", "--docker", "unix:///nonexistent.sock", "--output", other.to_str().unwrap()]);
    let run = run.current_dir(directory.path()).finish().code(2);
    assert!(run.stderr.contains("cannot be written: its directory does not exist"), "{}", run.stderr);
}

#[test]
fn init_writes_a_valid_pipeline_from_a_compose_file_alone() {
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

/// The whole argument looks like no address, and its address hides nothing.
#[test]
fn an_address_without_a_login_is_repeated_as_it_is() {
    let flags = ["--docker", "unix:///nowhere.sock", "--kafka", "localhost:1"];
    let run = doctor(flags.into_iter().chain(["--http", "admin-service=http://localhost:1", "--json"]));
    let printed = run.finish().stdout;
    assert!(printed.contains("--http admin-service=http://localhost:1"), "{printed}");
    assert!(!printed.contains("<secret"), "{printed}");
}
