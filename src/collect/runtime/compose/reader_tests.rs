use crate::collect::runtime::compose::earlier_look::State;
use crate::collect::runtime::compose::file_selection::files_from_labels;
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::plugin_reader::Outcome;
use crate::collect::runtime::compose::*;
use crate::collect::runtime::docker::shown_path;
use crate::evidence::test_samples;
use crate::evidence::{NamedBy, Reason, Runtime};
use crate::input::Source;
use crate::pipeline::Pipeline;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::time::{Duration, Instant};

const BASE: &str = "\
name: shop
x-common: &common
  restart: always
services:
  api:
    <<: *common
    image: shop:${TAG:-1}
    container_name: shop-api
    environment:
      TOKEN: hunter2
  packer:
    extends: api
    container_name: shop-packer
    deploy:
      replicas: 0
  debug:
    image: debug
    profiles: [tools]
";
const OVERRIDE: &str = "\
services:
  api:
    image: shop:${TAG:-2}
  packer:
    deploy:
      replicas: 1
  cleaner:
    image: cleaner
    scale: 2
";

fn files(directory: &Path, texts: &[&str]) -> Files {
    let paths = texts.iter().enumerate().map(|(number, text)| {
        let path = directory.join(format!("{number}.yaml"));
        std::fs::write(&path, text).unwrap();
        path
    });
    Files {
        paths: paths.collect(),
        environment_files: Vec::new(),
        named_by: NamedBy::Asked,
        directory: directory.to_path_buf(),
        project: None,
        ignored_variables: Vec::new(),
    }
}

fn built_in(files: &Files) -> Result<ReadFiles, Reason> {
    built_in_reader::read(files, &Variables::new([], &files.directory))
}

#[test]
fn later_files_override_and_env_file_sets_variables() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".env"), "TAG=7\n").unwrap();
    let read = built_in(&files(directory.path(), &[BASE, OVERRIDE])).unwrap();
    assert_eq!(read.project.as_deref(), Some("shop"));
    let names: Vec<&String> = read.services.keys().collect();
    assert_eq!(names, ["api", "cleaner", "debug", "packer"]);
    assert_eq!(read.services["api"].image.as_deref(), Some("shop:7"));
    assert_eq!(read.services["packer"].image.as_deref(), Some("shop:7"));
    assert_eq!(read.services["packer"].replicas, 1);
    assert_eq!(read.services["cleaner"].replicas, 2);
    assert!(!read.services["debug"].active && read.services["api"].active);
    assert!(!format!("{read:?}").contains("hunter2"));
}

/// Needs the docker compose plugin, which `tests/sandbox/install` installs.
#[tokio::test]
async fn both_readers_agree() {
    let third = "services:\n  api: {profiles: [a, b], image: a}\n  packer: {scale: 2, image: p}\n";
    for (number, texts) in [&[BASE][..], &[BASE, OVERRIDE], &[third]].iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".env"), "COMPOSE_PROFILES=b\nTAG='5'\n").unwrap();
        let files = files(directory.path(), texts);
        let mut by_plugin = match with_plugin(&files).await {
            Outcome::Read(read) => read,
            Outcome::Rejected(why) => panic!("file {number}: {}", why.message),
            Outcome::Unavailable => panic!("no docker compose plugin: see tests/sandbox/install"),
        };
        let read = built_in(&files).unwrap();
        for service in by_plugin.services.values_mut() {
            // Only the plugin can compute the hash.
            assert!(service.config_hash.take().is_some(), "file {number}");
        }
        assert_eq!(read.services, by_plugin.services, "file {number}");
        assert_eq!(read.project, by_plugin.project, "file {number}");
    }
}

#[test]
fn extends_a_service_of_a_file_named_by_a_variable() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("common.yml"), "services:\n  b: {image: app, scale: 0}\n").unwrap();
    let text = "services:\n  a: {extends: {file: '${COMMON:-common.yml}', service: '${B-b}'}}\n";
    let read = built_in(&files(directory.path(), &[text])).unwrap();
    assert_eq!((read.services["a"].replicas, read.services["a"].image.as_deref()), (0, Some("app")));
    let text = "services:\n  a: {extends: {file: '${COMMON:?}', service: b}}\n";
    let why = built_in(&files(directory.path(), &[text])).unwrap_err();
    assert!(why.message.contains("required variable COMMON is not set"), "{}", why.message);
}

/// Reads files with the plugin, which `tests/sandbox/install` installs.
async fn with_plugin(files: &Files) -> Outcome {
    let variables = Variables::new([], &files.directory);
    let until = Instant::now() + Duration::from_secs(30);
    plugin_reader::read(files, &variables, (&plugin_reader::Environments::new(), true), until).await
}

/// Needs the docker compose plugin. Its hash in the label is of the service without the file's variables.
#[tokio::test]
async fn a_service_with_env_file_has_no_comparable_hash() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.env"), "A=1\n").unwrap();
    let text = "services:\n  a: {image: x, env_file: a.env}\n  b: {image: x}\n";
    let Outcome::Read(read) = with_plugin(&files(directory.path(), &[text])).await else {
        panic!("not read by the plugin")
    };
    assert_eq!(read.services["a"].config_hash, None);
    assert!(read.services["b"].config_hash.is_some());
    assert_eq!(read.services["a"].layout.env_files, ["a.env"]);
}

/// Needs the docker compose plugin. The variable belongs to a service that is no part of the pipeline.
#[tokio::test]
async fn a_required_variable_that_is_not_set_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let text = "services:\n  a: {image: app}\n  grafana: {image: g, environment: {GF_PASSWORD: '${GF_PASSWORD:?set it}'}}\n";
    let files = files(directory.path(), &[text]);
    let Outcome::Rejected(why) = with_plugin(&files).await else { panic!("not rejected by the plugin") };
    assert!(why.message.contains("GF_PASSWORD"), "{}", why.message);
    // Without the plugin, only the fields that are read count.
    assert_eq!(built_in(&files).unwrap().services.len(), 2);
}

#[test]
fn tags_that_change_how_files_merge_need_the_plugin() {
    let directory = tempfile::tempdir().unwrap();
    let first = "services:\n  a: {image: app, profiles: [jobs], container_name: shop-a}\n";
    for second in [
        "services:\n  a:\n    profiles: !reset []\n",
        "services:\n  a:\n    deploy: !override {replicas: 2}\n",
    ] {
        let why = built_in(&files(directory.path(), &[first, second])).unwrap_err();
        assert!(why.message.contains("requires the docker compose plugin"), "{}", why.message);
    }
}

#[test]
fn reads_the_layout_of_a_service_in_each_form() {
    let directory = tempfile::tempdir().unwrap();
    let first = "services:\n  a: {image: x, networks: [back], env_file: .env.prod, build: ./app}\n  \
                 b: {image: x, networks: {front: {aliases: [b]}, back: }, env_file: [{path: b.env, required: false}], \
                 build: {context: ., target: run}}\n  c: {image: x, networks: [default]}\n";
    let second = "services:\n  a: {networks: [front], env_file: ['more-${N-1}.env']}\n";
    let read = built_in(&files(directory.path(), &[first, second])).unwrap();
    let shown = |name: &str| serde_json::to_string(&read.services[name].layout).unwrap();
    assert_eq!(
        shown("a"),
        r#"{"networks":["back","front"],"env_files":[".env.prod","more-1.env"],"build":{"context":"./app"}}"#
    );
    assert_eq!(
        shown("b"),
        r#"{"networks":["back","front"],"env_files":["b.env"],"build":{"context":".","target":"run"}}"#
    );
    assert_eq!(shown("c"), "{}");
}

#[test]
fn what_was_read_counts_until_a_file_or_a_container_changes() {
    let directory = tempfile::tempdir().unwrap();
    let text = "services:\n  a: {image: x}\n";
    let files = files(directory.path(), &[text]);
    let container = |id: &str| {
        let container = test_samples::container(serde_json::json!({ "id": id, "name": "a" }));
        Runtime { workloads: BTreeMap::new(), ..test_samples::runtime("") }.with_instances([container])
    };
    let state = || State::of(&files, Some(&container("1"))).unwrap();
    let read = built_in(&files).unwrap();
    state().remember(&read);
    assert_eq!(state().earlier(), Some(read.clone()));
    assert_eq!(State::of(&files, Some(&container("2"))).unwrap().earlier(), None);
    std::fs::write(&files.paths[0], "services:\n  a: {image: y}\n").unwrap();
    assert_eq!(state().earlier(), None);
    state().remember(&read);
    std::fs::write(directory.path().join(".env"), "TAG=2\n").unwrap();
    assert_eq!(state().earlier(), None);
    // The stamps of other files are not known.
    std::fs::write(&files.paths[0], "services:\n  a: {extends: {file: b.yaml, service: b}}\n").unwrap();
    assert_eq!(State::of(&files, None), None);
}

#[test]
fn yaml_error_names_file_and_line_without_excerpt() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["services:\n  api:\n    image: [hunter2\n", "services:\n  api: hunter2\n"] {
        let why = built_in(&files(directory.path(), &[text])).unwrap_err();
        assert!(why.message.contains("0.yaml:"), "{}", why.message);
        assert!(!why.message.contains("hunter2"), "{}", why.message);
    }
}

#[test]
fn rejects_service_that_extends_itself() {
    let directory = tempfile::tempdir().unwrap();
    let text = "services:\n  a: {extends: b}\n  b: {extends: {service: a}}\n";
    assert!(built_in(&files(directory.path(), &[text])).is_err());
}

#[test]
fn selects_files_of_newest_container_and_workers() {
    let directory = tempfile::tempdir().unwrap();
    let files = files(directory.path(), &[BASE, OVERRIDE, "", "services: {}"]);
    let shown: Vec<String> = files.paths.iter().map(|path| shown_path(path)).collect();
    let container = |name: &str, minute: u8, files: &[String]| {
        test_samples::container(serde_json::json!({
            "id": name, "name": name, "service": name, "config_files": files,
            "working_dir": "/nowhere", "created": format!("2026-01-07T10:{minute:02}:00Z"),
        }))
    };
    let docker = Runtime { workloads: BTreeMap::new(), ..test_samples::runtime("") }.with_instances([
        container("order-worker", 1, &shown[2..3]),
        container("kafka", 2, &shown[3..]),
        container("shop", 3, &[shown[0].clone(), "gone.yaml".to_string(), shown[1].clone()]),
    ]);
    let source =
        Source { name: "shop.toml".into(), text: include_str!("../../../../tests/support/shop.toml").into() };
    let pipeline = Pipeline::read(&source, &mut Vec::new()).unwrap();
    let found = files_from_labels(&docker, &pipeline).unwrap();
    assert_eq!(found.paths, files.paths[..3]);
    assert_eq!(found.directory, directory.path());
    assert_eq!(found.project.as_deref(), Some("shop"));
}
