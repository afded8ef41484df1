//! `lint`: every planted mistake is told in one run, each with its line and a way out.

mod support;

use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::lint::read;
use std::fs;
use support::{Run, doctor, root};

/// Folders of planted mistakes: in all files, in a pipeline's values, and of what it lacks.
const PLANTED: [&str; 3] = ["tests/lint", "tests/lint/values", "tests/lint/without"];

/// Nobody is asked but the files.
fn lint(arguments: &[&str]) -> Run {
    doctor(["lint", "--without", "postgres", "--without", "docker"].iter().chain(arguments))
}

/// The files of a folder: a pipeline, and checks where there are some.
fn files(folder: &str) -> Vec<String> {
    let checks = root().join(folder).join("rows.toml").is_file().then_some(["--checks", folder]);
    let pipeline = format!("{folder}/pipeline.toml");
    ["--config", &pipeline].into_iter().chain(checks.into_iter().flatten()).map(String::from).collect()
}

fn planted(folder: &str, arguments: &[&str]) -> Run {
    let files = files(folder);
    lint(&files.iter().map(String::as_str).chain(arguments.iter().copied()).collect::<Vec<_>>())
}

/// `PIPELINE_DOCTOR_EXPECTED=1` writes what is told, to be reviewed.
#[test]
fn every_planted_mistake_is_told_in_one_run() {
    for folder in PLANTED {
        let (told, expected) =
            (planted(folder, &[]).finish().code(2).stdout, format!("{folder}/expected.txt"));
        if std::env::var_os("PIPELINE_DOCTOR_EXPECTED").is_some() {
            fs::write(root().join(&expected), &told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(root().join(&expected)).unwrap(), "{expected}");
    }
}

#[test]
fn every_mistake_has_a_line_a_caret_and_a_way_out() {
    for folder in PLANTED {
        let told = planted(folder, &[]).finish().code(2).stdout;
        let mistakes = told.split("error: ").skip(1);
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
fn scripts_get_the_same_in_one_document() {
    for folder in PLANTED {
        let document = planted(folder, &["--json"]).finish().code(2).json();
        let text = planted(folder, &[]).finish().code(2).stdout;
        let mistakes = document["mistakes"].as_array().unwrap();
        assert_eq!(mistakes.len(), text.lines().filter(|line| line.starts_with("error: ")).count());
        for mistake in mistakes {
            let place =
                format!("{}:{}:{}", mistake["file"].as_str().unwrap(), mistake["line"], mistake["column"]);
            let what = mistake["what"].as_str().unwrap();
            assert!(text.contains(&format!("error: {place}: {what}")), "{place}");
            assert!(mistake["help"].is_string(), "{place}");
        }
        assert!(!document["notes"].as_array().unwrap().is_empty());
    }
}

#[test]
fn what_is_a_mistake_for_lint_is_one_for_every_command() {
    let count = |text: &str| text.lines().filter(|line| line.starts_with("error: ")).count();
    for folder in PLANTED {
        let told = planted(folder, &[]).finish().code(2).stdout;
        let refused = doctor(files(folder)).finish().code(2);
        assert_eq!(count(&refused.stderr), count(&told), "{folder}");
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

/// The engine's program and Kafka's tools are placeholders: another engine is another target.
#[test]
fn no_built_in_row_spells_the_program_that_the_target_names() {
    let catalog = read(None, registry(), &mut Vec::new()).unwrap();
    let by_hand = catalog.steps.iter().map(|step| &step.by_hand);
    let by_hand = by_hand.chain(catalog.checks.iter().map(|check| &check.by_hand));
    let actions = catalog.causes.iter().flat_map(|cause| &cause.actions);
    let lines = by_hand.chain(actions.filter_map(|action| action.run.as_ref()));
    let mut programs = 0;
    for line in lines.map(|line| line.as_str()) {
        for word in line.split(|char: char| char.is_whitespace() || "|;&()`'\"".contains(char)) {
            let spelt = word == "docker" || word.starts_with("docker-") || word.starts_with("kafka-");
            assert!(!spelt, "{word} in {line}");
            programs += usize::from(word == "{docker}" || word == "{compose}");
        }
    }
    assert!(programs > 100, "{programs}");
}

#[test]
fn a_cause_of_ones_own_that_nothing_can_raise_is_a_mistake() {
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
    let own = lint(&["--config", pipeline, "--checks", directory.path().to_str().unwrap()]).finish().code(2);
    assert!(own.stdout.contains("no check can raise `admin-service-down`"), "{}", own.stdout);
    let built_in = lint(&["--config", pipeline, "--verbose"]).finish().code(0);
    assert!(built_in.stdout.contains("note: built-in/causes.toml:"), "{}", built_in.stdout);
}

#[test]
fn a_database_that_does_not_answer_is_a_note() {
    let address = "postgres://u:hunter2@127.0.0.1:1/d";
    let run = doctor(["lint", "--without", "docker", "--postgres", address]).finish().code(0);
    assert!(run.stdout.contains("not prepared: no database"), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
}
