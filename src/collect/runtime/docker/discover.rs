//! Addresses that the project's containers carry in their environment.

use crate::base::name::MAIN_BROKER;
use crate::base::secret::Secret;
use crate::collect::addresses::{Variables, is_loopback};
use crate::evidence::{Instance, Name};
use crate::pipeline::Pipeline;
use crate::text::address::hosts_of;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Addresses that running containers carry in their environment.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// Of the database with the events, with its password.
    pub postgres: Option<Secret>,
    /// All by the service or worker that is told them.
    pub databases: BTreeMap<Name, Vec<Secret>>,
    /// The brokers: `host:port,…`.
    pub kafka: Option<String>,
    /// All by the service or worker that is told them.
    pub brokers: BTreeMap<Name, Vec<String>>,
    /// Whole environments (`Config.Env`) by the container's id.
    pub environments: BTreeMap<String, Vec<Secret>>,
}

/// Of what the parts are told (one of them, where it is named: `used_by`) the address that
/// fits; of a named part else the first.
pub fn told_to<'a, T>(
    told: &'a BTreeMap<Name, Vec<T>>,
    used_by: Option<&str>,
    fits: impl Fn(&T) -> bool,
) -> Option<&'a T> {
    let of_users = told.iter().filter(|(part, _)| used_by.is_none_or(|user| user == part.as_str()));
    let all: Vec<&T> = of_users.flat_map(|(_, addresses)| addresses).collect();
    let first = all.first().filter(|_| used_by.is_some());
    all.iter().find(|address| fits(address)).or(first).copied()
}

/// A container with its whole environment (`Config.Env`), secrets included.
pub(crate) type WithEnvironment = (Instance, Vec<String>);

/// The addresses that most containers use.
pub(crate) fn discover(containers: &[WithEnvironment], pipeline: &Pipeline) -> Discovered {
    let system = |service: &str| Names::of(service, containers, pipeline);
    let broker = pipeline.broker(MAIN_BROKER).map(|broker| system(broker.service.get_ref()));
    let database = system(pipeline.postgres.service.get_ref());
    let told = told(containers, pipeline);
    let brokers = |told: &Told| told.brokers.clone();
    let databases = |told: &Told| told.databases.clone();
    Discovered {
        postgres: most_common(&told, databases, &database).map(Secret::new),
        databases: of_parts(&told, |told| told.databases.iter().map(Secret::new).collect()),
        kafka: most_common(&told, brokers, &broker.unwrap_or_default()),
        brokers: of_parts(&told, brokers),
        environments: containers
            .iter()
            .map(|(container, environment)| {
                (container.id.clone(), environment.iter().map(Secret::new).collect())
            })
            .collect(),
    }
}

/// What a container is told.
struct Told {
    /// The service or worker that it is one of, if it is one.
    part: Option<Name>,
    on_host: bool,
    brokers: Vec<String>,
    databases: Vec<String>,
}

/// What the containers are told, in the order of the pipeline's parts; what is not part
/// of it comes last. A server is told of itself.
fn told(containers: &[WithEnvironment], pipeline: &Pipeline) -> Vec<Told> {
    let servers: Vec<&String> = pipeline.brokers().into_iter().chain(pipeline.databases()).collect();
    let mut all: Vec<(usize, Told)> = Vec::new();
    for (container, environment) in containers {
        let mut parts = pipeline.parts();
        let part = parts.position(|(name, own)| is_of(container, name, own));
        let name = part.and_then(|place| pipeline.parts().nth(place)).map(|(name, _)| name.to_string());
        if name.as_ref().is_some_and(|name| servers.contains(&name)) {
            continue;
        }
        let variables = Variables::of(environment.iter().filter_map(|variable| variable.split_once('=')));
        let told = Told {
            part: name,
            on_host: container.addresses.networks.contains_key("host"),
            brokers: variables.brokers().into_iter().map(|(_, list)| list).collect(),
            databases: variables.databases().into_iter().map(|(_, url)| url).collect(),
        };
        all.push((part.unwrap_or(usize::MAX), told));
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, told)| told).collect()
}

/// Under which names others find a server.
#[derive(Default)]
struct Names(Vec<Name>);

impl Names {
    fn of(service: &str, containers: &[WithEnvironment], pipeline: &Pipeline) -> Names {
        let own = pipeline.service(service).and_then(|service| service.container.as_deref());
        let mut names = vec![service.to_string()];
        for (container, _) in containers.iter().filter(|(container, _)| is_of(container, service, own)) {
            names.push(container.name.clone());
            names.extend(container.addresses.hostnames.iter().cloned());
        }
        Names(names)
    }

    fn has_one_of(&self, address: &str) -> bool {
        hosts_of(address).iter().any(|host| self.0.contains(host))
    }
}

/// Whether a container is one of a service or worker, by compose's name or its own.
fn is_of(container: &Instance, name: &str, own: Option<&str>) -> bool {
    container.details.service.as_deref() == Some(name) || own == Some(container.name.as_str())
}

/// The addresses that each part is told, if it is told any.
fn of_parts<T>(told: &[Told], addresses: impl Fn(&Told) -> Vec<T>) -> BTreeMap<Name, Vec<T>> {
    let mut parts: BTreeMap<Name, Vec<T>> = BTreeMap::new();
    for told in told {
        // Of several replicas the first.
        if let Some(part) = told.part.as_ref().filter(|part| !parts.contains_key(*part)) {
            parts.insert(part.clone(), addresses(told));
        }
    }
    parts.retain(|_, addresses| !addresses.is_empty());
    parts
}

/// The address that leads to the server's container, else the most common one; where
/// several are as common the first one. `localhost` inside of a container is the
/// container itself: taken only where there is nothing else.
fn most_common(told: &[Told], addresses: impl Fn(&Told) -> Vec<String>, server: &Names) -> Option<String> {
    let of_one = |told: &Told| {
        let on_host = told.on_host;
        addresses(told).into_iter().map(move |address| (!on_host && is_loopback(&address), address))
    };
    let found: Vec<(bool, String)> = told.iter().flat_map(of_one).collect();
    let count = |wanted: &str| found.iter().filter(|(_, address)| address == wanted).count();
    let rank = |(place, (loopback, address)): &(usize, &(bool, String))| {
        (!server.has_one_of(address), *loopback, Reverse(count(address)), *place)
    };
    found.iter().enumerate().min_by_key(rank).map(|(_, (_, address))| address.clone())
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
}
