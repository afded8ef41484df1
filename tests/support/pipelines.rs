//! The pipelines other than the built-in one, and their faults.

use super::{recordings, root};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

/// A fault in `tests/sandbox/pipelines/truth.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The name of the pipeline and of its directory.
    pub pipeline: String,
    /// The fault's name in its pipeline.
    pub name: String,
    /// The cause that a human expert would name.
    pub cause: String,
    /// Causes that are also correct, but less exact.
    #[serde(default, rename = "or")]
    pub or: Vec<String>,
    /// The subjects that the expert would name.
    pub subjects: Vec<String>,
    /// The steps that the stuck event has completed.
    pub comes_through: Vec<String>,
    /// The changes made to the pipeline, and their consequences.
    pub story: String,
}

impl Fault {
    /// Returns the name of the fault's recording.
    pub fn scenario(&self) -> String {
        format!("{}-{}", self.pipeline, self.name)
    }

    /// Asserts that the report's first cause is this fault's, with its subjects.
    #[track_caller]
    pub fn assert_ranked_first(&self, report: &Value) {
        let first = &report["causes"][0];
        let id = first["id"].as_str().unwrap_or_default();
        assert!(id == self.cause || self.or.iter().any(|or| or == id), "{}: {report:#}", self.scenario());
        // A locked table is not the subject of a check, but the observation mentions it.
        let named = format!("{}{}{}", first["subjects"], first["title"], first["because"]);
        let is_named = |subject: &String| named.contains(subject);
        assert!(self.subjects.iter().all(is_named), "{}: {first:#}", self.scenario());
    }
}

/// Returns the faults of all pipelines.
pub fn faults() -> Vec<Fault> {
    #[derive(Deserialize)]
    struct File {
        fault: Vec<Fault>,
    }
    let text = std::fs::read_to_string(root().join("tests/sandbox/pipelines/truth.toml")).unwrap();
    toml::from_str::<File>(&text).unwrap().fault
}

/// Returns the names of the pipelines.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = faults().into_iter().map(|fault| fault.pipeline).collect();
    names.dedup();
    names
}

/// Returns the path of a pipeline's file, relative to the project directory.
pub fn config(pipeline: &str) -> String {
    format!("examples/{pipeline}/pipeline.toml")
}

/// A pipeline and its recordings.
pub struct Recorded {
    /// The path of its file, relative to the project directory.
    pub config: String,
    /// The paths of its recordings.
    pub recordings: Vec<PathBuf>,
}

/// Returns all pipelines that have recordings; the built-in one comes first.
pub fn recorded() -> Vec<Recorded> {
    let folder = |folder: &str| {
        let names = recordings(folder, "").into_iter();
        let paths = names.map(|name| root().join(folder).join(format!("{name}.json")));
        paths.collect::<Vec<PathBuf>>()
    };
    let mut of_purchases = folder("tests/scenarios");
    of_purchases.extend(folder("tests/scenarios/traces"));
    let mut all = vec![Recorded { config: "checks/pipeline.toml".to_string(), recordings: of_purchases }];
    for name in names() {
        let prefix = format!("{name}-");
        let names = recordings("tests/scenarios/pipelines", &prefix).into_iter();
        let files = names.map(|name| root().join("tests/scenarios/pipelines").join(format!("{name}.json")));
        all.push(Recorded { config: config(&name), recordings: files.collect() });
    }
    all
}
