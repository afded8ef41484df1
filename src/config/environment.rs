//! The environment variables of the process.

use crate::pipeline::Pipeline;
use std::collections::BTreeMap;

/// Environment variables by name; a map, so that tests can pass their own.
pub type Environment = BTreeMap<String, String>;

/// Returns the address variables of the pipeline that are set in the environment, sorted.
/// Compose files may refer to them, too.
pub fn address_variables(pipeline: &Pipeline, environment: &Environment) -> Vec<String> {
    let mut names: Vec<String> = pipeline.address_variables().map(String::from).collect();
    names.sort();
    names.dedup();
    names.retain(|name| environment.contains_key(name));
    names
}
