//! Pipeline files, own rows and compose files.

use crate::input::{Change, changed, changes};
use crate::support::{example_rows, root};
use crate::watch::{assert_visible, run};
use pipeline_doctor::base::error::{Error, Mistake};
use pipeline_doctor::collect::runtime::compose::built_in_reader::services;
use pipeline_doctor::fact::registry;
use pipeline_doctor::input::Source;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::runbook::lint;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;

/// Reads files, relative to the project directory.
fn read(files: &[&str]) -> Vec<String> {
    files.iter().map(|file| fs::read_to_string(root().join(file)).unwrap()).collect()
}

/// Shows the mistakes as a terminal gets them.
fn assert_shown(mistakes: Vec<Mistake>) {
    assert_visible(&Error::Usage(mistakes).to_string());
}

#[test]
fn toml_files() {
    let pipelines =
        read(&["tests/support/shop.toml", "examples/jobs/pipeline.toml", "examples/shop/pipeline.toml"]);
    let mut rows = read(&["checks/logs.toml", "tests/lint/rows.toml", "tests/lint/values/rows.toml"]);
    rows.push(example_rows());
    let strategy = (any::<bool>(), any::<Index>(), changes(5));
    run("TOML files", 100_000, &strategy, |(is_pipeline, which, changes): (bool, Index, Vec<Change>)| {
        let texts = if is_pipeline { &pipelines } else { &rows };
        let text = changed(&texts[which.index(texts.len())], &changes);
        let source = Source { name: "x.toml".into(), text };
        let mut mistakes = Vec::new();
        match is_pipeline {
            true => drop(Pipeline::read(&source, &mut mistakes)),
            false => drop(lint::from_sources(&[], &[source], registry(), &mut mistakes)),
        }
        assert_shown(mistakes);
    });
}

#[test]
fn compose_files() {
    let mut files = read(&[
        "examples/shop/docker-compose.yml",
        "examples/jobs/docker-compose.yml",
        "tests/sandbox/docker-compose.yml",
    ]);
    files.push(
        "x-base: &base\n  image: \"${IMAGE:-a/${B:?no}}\"\n  profiles: [x]\nservices:\n  a:\n    <<: *base\n    \
         extends: {service: b}\n  b:\n    deploy: {replicas: 2}\n    environment:\n      - A=1\n      - B\n"
            .to_string(),
    );
    let environment = "A=1\nexport B='x y'\nC=\"${A}-${B:-z}\"\nD=${D}\n# x\nE=$$\n".to_string();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("compose.yml");
    let strategy = (any::<Index>(), changes(5), changes(3));
    run("compose files", 100_000, &strategy, |(which, of_file, of_environment)| {
        fs::write(&file, changed(&files[which.index(files.len())], &of_file)).unwrap();
        fs::write(directory.path().join(".env"), changed(&environment, &of_environment)).unwrap();
        if let Err(why) = services(&file) {
            assert!(!why.describe().is_empty());
        }
    });
}
