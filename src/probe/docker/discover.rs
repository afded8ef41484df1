//! Addresses that the project's containers carry in their environment.

use super::container::KAFKA;
use crate::evidence::{Container, DATABASE_VARIABLES, Name, hosts_of, is_own};
use crate::pipeline::Pipeline;
use crate::secret::Secret;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Addresses that running containers carry in their environment.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// `POSTGRES_URL` or `DATABASE_URL`, with its password.
    pub postgres: Option<Secret>,
    /// The same by the service or worker that has it.
    pub databases: BTreeMap<Name, Secret>,
    /// `KAFKA_BROKERS`.
    pub kafka: Option<String>,
    /// The same by the service or worker that has it.
    pub brokers: BTreeMap<Name, String>,
    /// Whole environments (`Config.Env`) by the container's id.
    pub environments: BTreeMap<String, Vec<Secret>>,
}

/// A container with its whole environment (`Config.Env`), secrets included.
pub(super) type WithEnvironment = (Container, Vec<String>);

/// The addresses that most containers use.
pub(super) fn discover(containers: &[WithEnvironment], pipeline: &Pipeline) -> Discovered {
    Discovered {
        postgres: most_common(containers, pipeline, &DATABASE_VARIABLES).map(Secret::new),
        databases: of_parts(containers, pipeline, &DATABASE_VARIABLES, |url| Secret::new(url)),
        kafka: most_common(containers, pipeline, &[KAFKA]).map(String::from),
        brokers: of_parts(containers, pipeline, &[KAFKA], |list| list.to_string()),
        environments: containers
            .iter()
            .map(|(container, environment)| {
                (container.id.clone(), environment.iter().map(Secret::new).collect())
            })
            .collect(),
    }
}

/// What parts are told by the first of these variables that they have.
fn of_parts<T>(
    containers: &[WithEnvironment],
    pipeline: &Pipeline,
    variables: &[&str],
    keep: fn(&str) -> T,
) -> BTreeMap<Name, T> {
    let parts = pipeline.parts().filter_map(|(name, own)| {
        let mut of_part = containers.iter().filter(|(container, _)| is_of(container, name, own));
        let address = of_part
            .find_map(|(_, environment)| variables.iter().find_map(|variable| value(environment, variable)));
        Some((name.to_string(), keep(address?)))
    });
    parts.collect()
}

/// Whether a container is one of a service or worker, by compose's name or its own.
fn is_of(container: &Container, name: &str, own: Option<&str>) -> bool {
    container.service.as_deref() == Some(name) || own == Some(container.name.as_str())
}

/// The most common value, where several are as common the one of the
/// container that comes first in the pipeline. `localhost` inside of a
/// container is the container itself: taken only where there is nothing else.
fn most_common<'a>(
    containers: &'a [WithEnvironment],
    pipeline: &Pipeline,
    names: &[&str],
) -> Option<&'a str> {
    let mut found: Vec<(usize, &str, bool)> = containers
        .iter()
        .filter_map(|(container, environment)| {
            let value = names.iter().find_map(|name| value(environment, name))?;
            let on_host = container.networks.contains_key("host");
            Some((order(container, pipeline), value, !on_host && is_loopback(value)))
        })
        .collect();
    found.sort_by_key(|(order, ..)| *order);
    let count = |wanted: &str| found.iter().filter(|(_, value, _)| *value == wanted).count();
    let best = found
        .iter()
        .enumerate()
        .min_by_key(|(place, (_, value, loopback))| (*loopback, Reverse(count(value)), *place));
    best.map(|(_, (_, value, _))| *value)
}

fn value<'a>(environment: &'a [String], name: &str) -> Option<&'a str> {
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    let mut named = variables.filter(|(found, value)| *found == name && !value.is_empty());
    named.next().map(|(_, value)| value)
}

/// Its place in the pipeline; what is not part of it comes last.
fn order(container: &Container, pipeline: &Pipeline) -> usize {
    let mut parts = pipeline.parts();
    parts.position(|(name, own)| is_of(container, name, own)).unwrap_or(usize::MAX)
}

/// Whether every host of the address (a list of brokers, a database's URL) is
/// the machine itself.
pub(in crate::probe) fn is_loopback(address: &str) -> bool {
    let hosts = hosts_of(address);
    !hosts.is_empty() && hosts.iter().all(|host| is_own(host))
}

#[cfg(test)]
mod tests {
    use super::super::container::container;
    use super::super::project::tests::pipeline;
    use super::*;

    fn with(service: &str, environment: &[&str]) -> WithEnvironment {
        let seen = serde_json::json!({"Name": service, "Id": service,
            "Config": {"Labels": {"com.docker.compose.service": service}}});
        let seen = container(serde_json::from_value(seen).unwrap(), &pipeline(""));
        (seen, environment.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_most_common_address_is_taken_and_never_the_containers_own() {
        let containers = [
            with("web", &["KAFKA_BROKERS=localhost:9092", "DATABASE_URL=postgres://u:p@other/x"]),
            with("api", &["KAFKA_BROKERS=localhost:9092", "POSTGRES_URL=postgres://u:p@db/x"]),
            with("packer", &["KAFKA_BROKERS=kafka:9092", "POSTGRES_URL="]),
        ];
        let found = discover(&containers, &pipeline(""));
        assert_eq!(found.kafka.as_deref(), Some("kafka:9092"));
        assert_eq!(found.postgres.unwrap().expose(), "postgres://u:p@db/x");
        let found = discover(&containers[..1], &pipeline(""));
        assert_eq!(found.kafka.as_deref(), Some("localhost:9092"));
    }

    #[test]
    fn loopback_is_told_in_every_form_of_address() {
        for own in ["localhost:9092", "127.0.0.1:1,[::1]:2", "postgres://u:p@localhost/x"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["kafka:9092", "localhost:1,kafka:2", "postgres://localhost:p@db:5432/x"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
