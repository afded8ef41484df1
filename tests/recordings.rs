//! Recordings in an earlier schema give the same reports before and after conversion by
//! `cargo run --example convert-recordings -- FILES`.

mod support;

use pipeline_doctor::evidence::{SCHEMA, recording};
use std::path::PathBuf;
use support::pipelines::config;
use support::{Finished, doctor, root};

/// The recordings kept both in schema 1 and in the current schema, each with its pipeline.
/// Some have several brokers, databases or ids.
const OLD: [(&str, &str); 8] = [
    ("dead-letter", ""),
    ("kafka-down", ""),
    ("replica-behind", ""),
    ("worker-command-broken", ""),
    ("traces/several", ""),
    ("pipelines/jobs-healthy", "jobs"),
    ("pipelines/onboarding-healthy", "onboarding"),
    ("pipelines/shop-healthy", "shop"),
];

fn schema_1_file(name: &str) -> PathBuf {
    root().join("tests/schema1").join(format!("{}.json", name.rsplit('/').next().unwrap()))
}

fn converted_file(name: &str) -> PathBuf {
    root().join("tests/scenarios").join(format!("{name}.json"))
}

fn replay(command: &[&str], file: &std::path::Path, pipeline: &str) -> Finished {
    let run = doctor(command.iter().copied().chain(["--replay", file.to_str().unwrap(), "--json"]));
    match pipeline {
        "" => run.finish(),
        pipeline => run.arg("--config").arg(&config(pipeline)).finish(),
    }
}

#[test]
fn schema_1_recordings_give_the_same_output_as_converted_ones() {
    for (name, pipeline) in OLD {
        for command in [&[][..], &["trace"]] {
            let old = replay(command, &schema_1_file(name), pipeline);
            let new = replay(command, &converted_file(name), pipeline);
            assert_eq!(old.code, new.code, "{name}: {}", old.stderr);
            assert_eq!(old.stdout, new.stdout, "{name}");
            assert!(old.stdout.starts_with('{'), "{name}: {}", old.stderr);
        }
    }
}

#[test]
fn converting_a_schema_1_recording_gives_the_committed_one() {
    for (name, _) in OLD {
        let text = std::fs::read_to_string(schema_1_file(name)).unwrap();
        let converted = std::fs::read_to_string(converted_file(name)).unwrap();
        assert_eq!(recording::write(&recording::read(&text).unwrap()).unwrap(), converted, "{name}");
    }
}

#[test]
fn reading_and_writing_a_recording_keeps_every_byte() {
    let mut directories = vec![root().join("tests/scenarios")];
    while let Some(directory) = directories.pop() {
        for file in std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() {
                directories.push(file);
            } else if file.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&file).unwrap();
                let evidence =
                    recording::read(&text).unwrap_or_else(|unread| panic!("{}: {unread:?}", file.display()));
                assert_eq!(evidence.schema, SCHEMA);
                assert_eq!(recording::write(&evidence).unwrap(), text, "{}", file.display());
            }
        }
    }
}
