//! The variables of the environment.

use crate::pipeline::Pipeline;
use std::collections::BTreeMap;

/// The environment, as a map, so that tests can give their own.
pub type Environment = BTreeMap<String, String>;

/// The address variables that are set here and that compose files read too.
pub fn address_variables(pipeline: &Pipeline, environment: &Environment) -> Vec<String> {
    let mut names: Vec<String> = pipeline.address_variables().map(String::from).collect();
    names.sort();
    names.dedup();
    names.retain(|name| environment.contains_key(name));
    names
}
