//! The pipelines beside the built-in one, and their faults.

use super::root;
use serde::Deserialize;
use serde_json::Value;

/// A fault of `tests/sandbox/pipelines/truth.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The pipeline's name, and its directory's.
    pub pipeline: String,
    /// The fault's name there.
    pub name: String,
    /// The cause that a human expert would name.
    pub cause: String,
    /// Causes that say the same, less exactly.
    #[serde(default, rename = "or")]
    pub or: Vec<String>,
    /// Whom they would name.
    pub subjects: Vec<String>,
    /// The steps that its event comes through.
    pub comes_through: Vec<String>,
    /// What was done.
    pub story: String,
}

impl Fault {
    /// Its recording's name.
    pub fn scenario(&self) -> String {
        format!("{}-{}", self.pipeline, self.name)
    }

    /// The report's first guess is this fault.
    #[track_caller]
    pub fn is_told_by(&self, report: &Value) {
        let first = &report["causes"][0];
        let id = first["id"].as_str().unwrap_or_default();
        assert!(id == self.cause || self.or.iter().any(|or| or == id), "{}: {report:#}", self.scenario());
        let told: Vec<&str> =
            first["subjects"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let named =
            |subject: &String| told.contains(&subject.as_str()) || first.to_string().contains(subject);
        assert!(self.subjects.iter().all(named), "{}: {first:#}", self.scenario());
    }
}

/// All faults of all pipelines.
pub fn faults() -> Vec<Fault> {
    #[derive(Deserialize)]
    struct File {
        fault: Vec<Fault>,
    }
    let text = std::fs::read_to_string(root().join("tests/sandbox/pipelines/truth.toml")).unwrap();
    toml::from_str::<File>(&text).unwrap().fault
}

/// The names of the pipelines.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = faults().into_iter().map(|fault| fault.pipeline).collect();
    names.dedup();
    names
}

/// The file that describes a pipeline.
pub fn config(pipeline: &str) -> String {
    format!("tests/sandbox/pipelines/{pipeline}/pipeline.toml")
}
