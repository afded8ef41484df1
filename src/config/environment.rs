//! The environment variables of the process.

use crate::pipeline::Pipeline;
use std::collections::BTreeMap;

/// Environment variables by name. Tests can pass their own map.
pub type Environment = BTreeMap<String, String>;

/// Returns the address variables of the pipeline that are set in the environment, sorted.
/// Compose files may also refer to them.
pub fn address_variables(pipeline: &Pipeline, environment: &Environment) -> Vec<String> {
    let mut names: Vec<String> = pipeline.address_variables().map(String::from).collect();
    names.sort();
    names.dedup();
    names.retain(|name| environment.contains_key(name));
    names
}
