//! Remembers the secret values in flags and variables, so that they are masked wherever they occur.

use crate::base::secret::{
    Secret, add_environment, add_known, add_names, names_of_address, secrets_of_address,
};
use crate::config::endpoints::Endpoints;
use crate::config::environment::Environment;

/// Remembers the secrets in the addresses and the environment. The names in the pipeline file stay
/// readable, even if a password is the same.
pub(super) fn remember(endpoints: &Endpoints, pipeline_file: &str, environment: &Environment) {
    add_names(words(pipeline_file));
    let postgres = endpoints.postgres.iter().chain(endpoints.databases.values()).map(Secret::expose);
    let others = endpoints.docker.iter().chain(&endpoints.kafka).chain(endpoints.brokers.values());
    let others = others.chain(endpoints.http.values()).map(String::as_str);
    let addresses: Vec<&str> = postgres.chain(others).collect();
    add_names(addresses.iter().flat_map(|address| names_of_address(address)));
    add_known(addresses.iter().flat_map(|address| secrets_of_address(address)));
    add_environment(environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
}

/// Returns the words of a pipeline file, except in lines with addresses, which may hold passwords.
fn words(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter(|line| !line.contains("://") && !line.contains('@'));
    let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    lines.flat_map(move |line| line.split(move |c: char| !is_name(c))).map(String::from)
}
