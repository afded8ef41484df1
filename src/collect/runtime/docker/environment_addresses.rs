//! Discovers addresses in the environments of the project's containers.

use crate::base::name::MAIN_BROKER;
use crate::base::secret::Secret;
use crate::collect::env_addresses::{Variables, is_loopback};
use crate::evidence::{Instance, Name};
use crate::pipeline::Pipeline;
use crate::text::address::hosts_of;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Addresses found in the environments of running containers.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentAddresses {
    /// The address of the main database, which holds the events, including the password.
    pub postgres: Option<Secret>,
    /// All databases, keyed by the service or worker that uses them.
    pub databases: BTreeMap<Name, Vec<Secret>>,
    /// The main broker: `host:port,…`.
    pub kafka: Option<String>,
    /// All brokers, keyed by the service or worker that uses them.
    pub brokers: BTreeMap<Name, Vec<String>>,
    /// Complete environments (`Config.Env`) by container id.
    pub environments: BTreeMap<String, Vec<Secret>>,
}

/// Returns the first matching address of the component `used_by`, or of any component if
/// `used_by` is not given. If none of that component's addresses matches, returns its first address.
pub fn address_given_to<'a, T>(
    addresses: &'a BTreeMap<Name, Vec<T>>,
    used_by: Option<&str>,
    matches: impl Fn(&T) -> bool,
) -> Option<&'a T> {
    let of_users =
        addresses.iter().filter(|(component, _)| used_by.is_none_or(|user| user == component.as_str()));
    let all: Vec<&T> = of_users.flat_map(|(_, addresses)| addresses).collect();
    let first = all.first().filter(|_| used_by.is_some());
    all.iter().find(|address| matches(address)).or(first).copied()
}

/// A container with its complete environment (`Config.Env`), including secrets.
pub(crate) type InstanceWithEnvironment = (Instance, Vec<String>);

/// Collects the addresses in the environments and picks those of the main database and
/// broker.
pub(crate) fn discover(containers: &[InstanceWithEnvironment], pipeline: &Pipeline) -> EnvironmentAddresses {
    let names_of = |service: &str| ServerNames::new(service, containers, pipeline);
    let broker = pipeline.broker(MAIN_BROKER).map(|broker| names_of(broker.service.get_ref()));
    let database = names_of(pipeline.postgres.service.get_ref());
    let by_container = container_addresses(containers, pipeline);
    let brokers = |found: &ContainerAddresses| found.brokers.clone();
    let databases = |found: &ContainerAddresses| found.databases.clone();
    EnvironmentAddresses {
        postgres: most_common(&by_container, databases, &database).map(Secret::new),
        databases: by_component(&by_container, |found| found.databases.iter().map(Secret::new).collect()),
        kafka: most_common(&by_container, brokers, &broker.unwrap_or_default()),
        brokers: by_component(&by_container, brokers),
        environments: containers
            .iter()
            .map(|(container, environment)| {
                (container.id.clone(), environment.iter().map(Secret::new).collect())
            })
            .collect(),
    }
}

/// Addresses in the environment of a container.
struct ContainerAddresses {
    /// The service or worker that the container belongs to, if any.
    component: Option<Name>,
    /// Whether the container uses the host network.
    on_host_network: bool,
    brokers: Vec<String>,
    databases: Vec<String>,
}

/// Returns each container's addresses in the order of the pipeline's components. Other
/// containers come last. Skips brokers and databases, whose variables refer to themselves.
fn container_addresses(
    containers: &[InstanceWithEnvironment],
    pipeline: &Pipeline,
) -> Vec<ContainerAddresses> {
    let servers: Vec<&String> = pipeline.brokers().into_iter().chain(pipeline.databases()).collect();
    let mut all: Vec<(usize, ContainerAddresses)> = Vec::new();
    for (container, environment) in containers {
        let mut components = pipeline.components();
        let component = components.position(|(name, declared)| belongs_to(container, name, declared));
        let name =
            component.and_then(|index| pipeline.components().nth(index)).map(|(name, _)| name.to_string());
        if name.as_ref().is_some_and(|name| servers.contains(&name)) {
            continue;
        }
        let variables = Variables::new(environment.iter().filter_map(|variable| variable.split_once('=')));
        let found = ContainerAddresses {
            component: name,
            on_host_network: container.addresses.networks.contains_key("host"),
            brokers: variables.brokers().into_iter().map(|(_, list)| list).collect(),
            databases: variables.databases().into_iter().map(|(_, url)| url).collect(),
        };
        all.push((component.unwrap_or(usize::MAX), found));
    }
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, found)| found).collect()
}

/// Host names by which containers reach a server.
#[derive(Default)]
struct ServerNames(Vec<Name>);

impl ServerNames {
    fn new(service: &str, containers: &[InstanceWithEnvironment], pipeline: &Pipeline) -> ServerNames {
        let container_name = pipeline.service(service).and_then(|service| service.container.as_deref());
        let mut names = vec![service.to_string()];
        for (container, _) in
            containers.iter().filter(|(container, _)| belongs_to(container, service, container_name))
        {
            names.push(container.name.clone());
            names.extend(container.addresses.hostnames.iter().cloned());
        }
        ServerNames(names)
    }

    fn matches(&self, address: &str) -> bool {
        hosts_of(address).iter().any(|host| self.0.contains(host))
    }
}

/// Reports whether a container belongs to a service or worker, judging by its compose
/// service or declared container name.
fn belongs_to(container: &Instance, name: &str, declared: Option<&str>) -> bool {
    container.details.service.as_deref() == Some(name) || declared == Some(container.name.as_str())
}

/// Groups the addresses by component; components without addresses are left out.
fn by_component<T>(
    containers: &[ContainerAddresses],
    addresses: impl Fn(&ContainerAddresses) -> Vec<T>,
) -> BTreeMap<Name, Vec<T>> {
    let mut components: BTreeMap<Name, Vec<T>> = BTreeMap::new();
    for found in containers {
        // Only the first of several replicas counts.
        if let Some(component) =
            found.component.as_ref().filter(|component| !components.contains_key(*component))
        {
            components.insert(component.clone(), addresses(found));
        }
    }
    components.retain(|_, addresses| !addresses.is_empty());
    components
}

/// Returns the address that names the server's container, or else the most common one.
/// If several addresses are equally common, returns the first. `localhost` in a container means the
/// container itself, so it is used only if there is no other address.
fn most_common(
    containers: &[ContainerAddresses],
    addresses: impl Fn(&ContainerAddresses) -> Vec<String>,
    server: &ServerNames,
) -> Option<String> {
    let of_container = |found: &ContainerAddresses| {
        let on_host_network = found.on_host_network;
        addresses(found).into_iter().map(move |address| (!on_host_network && is_loopback(&address), address))
    };
    let found: Vec<(bool, String)> = containers.iter().flat_map(of_container).collect();
    let count = |wanted: &str| found.iter().filter(|(_, address)| address == wanted).count();
    let rank = |(index, (loopback, address)): &(usize, &(bool, String))| {
        (!server.matches(address), *loopback, Reverse(count(address)), *index)
    };
    found.iter().enumerate().min_by_key(rank).map(|(_, (_, address))| address.clone())
}

#[cfg(test)]
mod tests {
    use super::super::container::container;
    use super::super::project_selection::tests::pipeline;
    use super::*;

    fn with(service: &str, environment: &[&str]) -> InstanceWithEnvironment {
        let response = serde_json::json!({"Name": service, "Id": service,
            "Config": {"Labels": {"com.docker.compose.service": service}}});
        let instance = container(serde_json::from_value(response).unwrap(), &pipeline(""));
        (instance, environment.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn prefers_most_common_address_over_localhost() {
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
