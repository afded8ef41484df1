//! Recordings of an earlier schema: read as today's, and converted by
//! `cargo run --example convert-recordings -- FILES`.

mod support;

use pipeline_doctor::evidence::{SCHEMA, recording};
use std::path::PathBuf;
use support::pipelines::config;
use support::{Finished, doctor, root};

/// Recordings as schema 1 had them, and as they were converted; with several
/// brokers, databases and ids among them.
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

fn old(name: &str) -> PathBuf {
    root().join("tests/schema1").join(format!("{}.json", name.rsplit('/').next().unwrap()))
}

fn converted(name: &str) -> PathBuf {
    root().join("tests/scenarios").join(format!("{name}.json"))
}

fn replayed(command: &[&str], file: &std::path::Path, pipeline: &str) -> Finished {
    let run = doctor(command.iter().copied().chain(["--replay", file.to_str().unwrap(), "--json"]));
    match pipeline {
        "" => run.finish(),
        pipeline => run.arg("--config").arg(&config(pipeline)).finish(),
    }
}

#[test]
fn recordings_of_schema_1_are_told_as_the_converted_ones() {
    for (name, pipeline) in OLD {
        for command in [&[][..], &["trace"]] {
            let of_old = replayed(command, &old(name), pipeline);
            let of_new = replayed(command, &converted(name), pipeline);
            assert_eq!(of_old.code, of_new.code, "{name}: {}", of_old.stderr);
            assert_eq!(of_old.stdout, of_new.stdout, "{name}");
            assert!(of_old.stdout.starts_with('{'), "{name}: {}", of_old.stderr);
        }
    }
}

#[test]
fn recordings_are_as_the_converter_writes_them() {
    for (name, _) in OLD {
        let text = std::fs::read_to_string(old(name)).unwrap();
        let converted = std::fs::read_to_string(converted(name)).unwrap();
        assert_eq!(recording::write(&recording::read(&text).unwrap()).unwrap(), converted, "{name}");
    }
}

#[test]
fn what_is_read_is_written_as_it_was() {
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
