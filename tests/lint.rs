//! `lint` reports every planted mistake in one run, each with its line and a suggestion.

mod support;

use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::lint::read;
use std::fs;
use support::accept::assert_file;
use support::{Run, doctor, root};

/// Directories with planted mistakes in every kind of file, in values, and in references to
/// undeclared items.
const PLANTED: [&str; 3] = ["tests/lint", "tests/lint/values", "tests/lint/without"];

/// Lints only the files, without contacting Docker or PostgreSQL.
fn lint(arguments: &[&str]) -> Run {
    doctor(["lint", "--without", "postgres", "--without", "docker"].iter().chain(arguments))
}

/// Returns the flags for a directory's pipeline and, if present, its checks.
fn file_flags(folder: &str) -> Vec<String> {
    let checks = root().join(folder).join("rows.toml").is_file().then_some(["--checks", folder]);
    let pipeline = format!("{folder}/pipeline.toml");
    ["--config", &pipeline].into_iter().chain(checks.into_iter().flatten()).map(String::from).collect()
}

fn lint_planted(folder: &str, arguments: &[&str]) -> Run {
    let flags = file_flags(folder);
    lint(&flags.iter().map(String::as_str).chain(arguments.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn reports_every_planted_mistake_in_one_run() {
    for folder in PLANTED {
        let output = lint_planted(folder, &[]).finish().code(2).stdout;
        assert_file(&format!("{folder}/expected.txt"), &output);
    }
}

#[test]
fn every_mistake_has_an_excerpt_a_caret_and_a_suggestion() {
    for folder in PLANTED {
        let output = lint_planted(folder, &[]).finish().code(2).stdout;
        let mistakes = output.split("error: ").skip(1);
        for mistake in mistakes.map(|text| text.split("\nnote: ").next().unwrap()) {
            let lines: Vec<&str> = mistake.trim_end().lines().collect();
            assert!(lines[0].starts_with("tests/lint/"), "{mistake}");
            assert!(lines[2].contains(" | ") && lines[3].contains('^'), "{mistake}");
            assert!(lines.len() == 5 && lines[4].starts_with("  "), "{mistake}");
            assert!(lines[1..4].iter().all(|line| line.len() <= 80), "{mistake}");
        }
    }
}

#[test]
fn json_has_the_same_mistakes_in_one_document() {
    for folder in PLANTED {
        let document = lint_planted(folder, &["--json"]).finish().code(2).json();
        let text = lint_planted(folder, &[]).finish().code(2).stdout;
        let mistakes = document["mistakes"].as_array().unwrap();
        assert_eq!(mistakes.len(), text.lines().filter(|line| line.starts_with("error: ")).count());
        for mistake in mistakes {
            let position =
                format!("{}:{}:{}", mistake["file"].as_str().unwrap(), mistake["line"], mistake["column"]);
            let what = mistake["what"].as_str().unwrap();
            assert!(text.contains(&format!("error: {position}: {what}")), "{position}");
            assert!(mistake["help"].is_string(), "{position}");
        }
        assert!(!document["notes"].as_array().unwrap().is_empty());
    }
}

#[test]
fn the_default_command_reports_as_many_mistakes_as_lint() {
    let count = |text: &str| text.lines().filter(|line| line.starts_with("error: ")).count();
    for folder in PLANTED {
        let linted = lint_planted(folder, &[]).finish().code(2).stdout;
        let run = doctor(file_flags(folder)).finish().code(2);
        assert_eq!(count(&run.stderr), count(&linted), "{folder}");
    }
}

#[test]
fn the_built_in_files_have_no_mistakes() {
    let run = lint(&[]).finish().code(0);
    assert!(run.last_line().starts_with("no mistakes: 1 pipeline, "), "{}", run.stdout);
    assert!(run.stdout.contains("not prepared"), "{}", run.stdout);
    assert_eq!(run.stdout.matches("note: ").count(), 1, "{}", run.stdout);
    let document = lint(&["--json"]).finish().code(0).json();
    assert_eq!(document["mistakes"], serde_json::json!([]));
}

/// The commands that run Docker and Kafka's tools depend on the target, so the built-in rows
/// use placeholders for them.
#[test]
fn built_in_commands_use_placeholders_for_docker_and_kafka_tools() {
    let catalog = read(None, registry(), &mut Vec::new()).unwrap();
    let by_hand = catalog.steps.iter().map(|step| &step.by_hand);
    let by_hand = by_hand.chain(catalog.checks.iter().map(|check| &check.by_hand));
    let actions = catalog.causes.iter().flat_map(|cause| &cause.actions);
    let lines = by_hand.chain(actions.filter_map(|action| action.run.as_ref()));
    let mut placeholders = 0;
    for line in lines.map(|line| line.as_str()) {
        for word in line.split(|char: char| char.is_whitespace() || "|;&()`'\"".contains(char)) {
            let is_literal = word == "docker" || word.starts_with("docker-") || word.starts_with("kafka-");
            assert!(!is_literal, "{word} in {line}");
            placeholders += usize::from(word == "{docker}" || word == "{compose}");
        }
    }
    assert!(placeholders > 100, "{placeholders}");
}

#[test]
fn a_cause_that_no_check_can_raise_is_an_error_only_if_custom() {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(root().join("checks")).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            fs::copy(&file, directory.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let pipeline = directory.path().join("pipeline.toml");
    let text = fs::read_to_string(root().join("tests/support/shop.toml")).unwrap();
    fs::write(&pipeline, text.replace("\"api\"", "\"emitter\"")).unwrap();
    let pipeline = pipeline.to_str().unwrap();
    let custom =
        lint(&["--config", pipeline, "--checks", directory.path().to_str().unwrap()]).finish().code(2);
    assert!(custom.stdout.contains("no check can raise `api-down`"), "{}", custom.stdout);
    let built_in = lint(&["--config", pipeline, "--verbose"]).finish().code(0);
    assert!(built_in.stdout.contains("note: built-in/causes.toml:"), "{}", built_in.stdout);
}

#[test]
fn an_unreachable_database_is_only_a_note() {
    let address = "postgres://u:hunter2@127.0.0.1:1/d";
    let run = doctor(["lint", "--without", "docker", "--postgres", address]).finish().code(0);
    assert!(run.stdout.contains("not prepared: the database is unavailable"), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
}
