//! Replays recordings of the pipelines other than the built-in one. Healthy runs are
//! reported as healthy, and each fault's cause is ranked first.

mod support;

use support::pipelines::{config, faults, names};
use support::{doctor, root, scenario, scenarios};

#[test]
fn reports_healthy_pipelines_as_healthy() {
    for pipeline in names() {
        let file = scenario(&format!("pipelines/{pipeline}-healthy"));
        let run = doctor(["--replay", file.to_str().unwrap(), "--config", &config(&pipeline), "--json"]);
        let report = run.finish().code(0).json();
        assert_eq!(report["outcome"], "healthy", "{pipeline}: {report:#}");
    }
}

#[test]
fn ranks_the_cause_of_each_fault_first() {
    for fault in faults() {
        let file = scenario(&format!("pipelines/{}", fault.scenario()));
        let run =
            doctor(["--replay", file.to_str().unwrap(), "--config", &config(&fault.pipeline), "--json"]);
        fault.assert_ranked_first(&run.finish().code(3).json());
    }
}

/// Replays a recording of the built-in pipeline with another pipeline file.
fn replay_with(recording: &str, file: &toml::Table) -> serde_json::Value {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipeline.toml");
    std::fs::write(&path, toml::to_string(file).unwrap()).unwrap();
    let recording = scenario(recording);
    let run = doctor(["--replay", recording.to_str().unwrap(), "--config", path.to_str().unwrap(), "--json"])
        .finish();
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
}

/// The built-in pipeline without these tables.
fn built_in_without(tables: &[&str]) -> toml::Table {
    let text = std::fs::read_to_string(root().join("checks/pipeline.toml")).unwrap();
    let mut file: toml::Table = text.parse().unwrap();
    for table in tables {
        assert!(file.remove(*table).is_some(), "no [{table}] in the built-in pipeline");
    }
    // They name lines, the call and marks.
    for stage in file.get_mut("stage").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        let stage = stage.as_table_mut().unwrap();
        stage.remove("hops");
        stage.remove("marked_by");
    }
    file
}

#[test]
fn causes_that_cannot_be_in_a_pipeline_are_not_listed() {
    let file = built_in_without(&["marks", "dead_letters", "call", "line"]);
    let impossible = [
        "marked-by-other",
        "marked-by-hand",
        "marked-unverified",
        "stale-mark",
        "marked-for-nothing",
        "given-up",
        "api-silent",
        "api-never-called",
        "api-cut-off",
    ];
    for name in scenarios() {
        let report = replay_with(&name, &file);
        let causes = report["causes"].as_array().unwrap().iter().map(|cause| cause["id"].as_str().unwrap());
        let listed: Vec<&str> = causes.filter(|cause| impossible.contains(cause)).collect();
        assert!(listed.is_empty(), "{name}: {listed:?}");
    }
}

#[test]
fn a_pipeline_that_watches_nothing_is_never_healthy() {
    let file = built_in_without(&["marks", "dead_letters", "call", "line", "worker", "stage"]);
    let report = replay_with("healthy", &file);
    assert_eq!(report["exit_code"], 5, "{report:#}");
    let headline = report["headline"].as_str().unwrap();
    assert!(headline.starts_with("UNCLEAR"), "{headline}");
}
