//! Finds brokers' bootstrap addresses, and maps advertised addresses to addresses that are
//! reachable from this host.

use crate::base::name::MAIN_BROKER;
use crate::base::secret::redact;
use crate::collect::runtime::docker::{EnvironmentAddresses, address_given_to};
use crate::config::Config;
use crate::evidence::{AddressMapping, Instance, InstanceState, Observed, Reason, ReasonKind, Runtime};
use crate::text::address::hosts_of;
use rdkafka::ClientContext;
use std::collections::BTreeMap;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Kafka's default port.
const DEFAULT_PORT: u16 = 9092;
/// Timeout for a DNS lookup, if the address can be mapped instead.
const DNS_TIMEOUT: Duration = Duration::from_millis(300);

/// Returns the bootstrap addresses from a flag, the environment or the pipeline file.
/// If none of these is set, uses the environments of running containers, or else the ports of the
/// broker's own container.
pub fn bootstrap(
    config: &Config,
    broker: &str,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
) -> Observed<Vec<String>> {
    let given = match broker {
        MAIN_BROKER => config.endpoints.kafka.clone(),
        name => config.endpoints.brokers.get(name).cloned(),
    };
    let discovered = || docker.and_then(|found| from_environments(config, broker, found));
    let subject = match broker {
        MAIN_BROKER => "Kafka address".to_string(),
        name => format!("address for broker {name}"),
    };
    if let Some(list) = given.or_else(discovered) {
        let brokers = split_list(&list);
        if brokers.is_empty() {
            let message = format!("the {subject} `{}` contains no broker", redact(&list));
            return Observed::unknown(ReasonKind::Failed, message);
        }
        return Observed::Known(brokers);
    }
    let Some((docker, _)) = docker else {
        let message = format!("no {subject} given, and Docker has not answered");
        return Observed::unknown(ReasonKind::NotConfigured, message);
    };
    match docker {
        Observed::Known(docker) => match container_addresses(config, broker, docker) {
            brokers if !brokers.is_empty() => Observed::Known(brokers),
            _ => {
                let flags = match broker {
                    MAIN_BROKER => "neither --kafka nor KAFKA_BROKERS is set".to_string(),
                    name => format!("--broker {name}=HOST:PORT is not set"),
                };
                Observed::not_asked(format!("no {subject}: {flags}, and no running container has one"))
            }
        },
        Observed::NotAsked(why) => Observed::NotAsked(no_address(&subject, why)),
        Observed::Unknown(why) => Observed::Unknown(no_address(&subject, why)),
    }
}

/// Returns the address from the environments of running containers. If there is only one broker,
/// this is the most common address. Otherwise, it is the address of the component in `used_by`, or
/// an address that leads to the broker's container.
fn from_environments(
    config: &Config,
    broker: &str,
    (docker, discovered): &(Observed<Runtime>, EnvironmentAddresses),
) -> Option<String> {
    let used_by = config.pipeline.broker(broker)?.used_by.as_ref();
    if used_by.is_none() && config.pipeline.broker.is_empty() {
        return discovered.kafka.clone();
    }
    let docker = docker.known()?;
    let container = container_of(config, broker, docker);
    let names_container = |list: &String| {
        let mut named = hosts_of(list).into_iter().filter_map(|host| docker.instance_at_host(&host));
        container.is_some_and(|container| named.any(|other| other.id == container.id))
    };
    address_given_to(
        &discovered.brokers,
        used_by.map(|component| component.get_ref().as_str()),
        names_container,
    )
    .cloned()
}

/// Returns the reason to report if there is no address because Docker is unavailable. Its
/// kind is `NotConfigured`, not Docker's, because the broker itself was not contacted.
fn no_address(subject: &str, docker: &Reason) -> Reason {
    let message = format!("no {subject} given, and Docker is unavailable: {}", docker.message);
    Reason::new(ReasonKind::NotConfigured, message)
}

fn is_running(container: &Instance) -> bool {
    container.state == InstanceState::Running
}

/// Returns the broker's container, preferably a running one.
fn container_of<'a>(config: &Config, broker: &str, docker: &'a Runtime) -> Option<&'a Instance> {
    let service = config.pipeline.broker(broker)?.service.get_ref();
    let name = config.pipeline.service(service).and_then(|service| service.container.as_deref());
    docker.instances_of(service, name).into_iter().max_by_key(|container| is_running(container))
}

/// Returns an address for each port of the broker's container, with the default port first.
/// The client tries them until one answers.
fn container_addresses(config: &Config, broker: &str, docker: &Runtime) -> Vec<String> {
    let container = container_of(config, broker, docker).filter(|container| is_running(container));
    let Some(container) = container else { return Vec::new() };
    let mut ports: Vec<u16> = container.addresses.ports.iter().map(|port| port.container).collect();
    ports.sort_by_key(|port| (*port != DEFAULT_PORT, *port));
    ports.dedup();
    if ports.is_empty() {
        ports.push(DEFAULT_PORT);
    }
    let addresses = ports.iter().filter_map(|port| docker.map_address(&container.name, *port));
    addresses.map(|mapped| mapped.to).collect()
}

/// Splits a list of brokers: `PLAINTEXT://a:9092, b` → `a:9092`, `b:9092`.
fn split_list(list: &str) -> Vec<String> {
    let brokers = list.split(',').map(str::trim);
    let brokers = brokers.map(|broker| broker.rsplit_once("://").map_or(broker, |(_, rest)| rest));
    let brokers = brokers.filter(|broker| !broker.is_empty());
    brokers
        .map(|broker| match split_host_port(broker) {
            Some(_) => broker.to_string(),
            None => format!("{broker}:{DEFAULT_PORT}"),
        })
        .collect()
}

/// Splits `host:port`.
pub fn split_host_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

/// Maps broker addresses to reachable addresses. librdkafka calls the map from its own threads
/// whenever it connects.
#[derive(Clone)]
pub struct AddressMap {
    flags: BTreeMap<String, String>,
    docker: Option<Runtime>,
    /// Where the cluster's only broker answered, for addresses that no flag or container covers.
    only_broker: Option<String>,
    state: Arc<Mutex<State>>,
}

/// State that all copies of a map share.
#[derive(Default)]
struct State {
    mapped: BTreeMap<String, AddressMapping>,
    has_reached_limit: bool,
}

impl AddressMap {
    /// Creates a map by the flags and containers.
    pub fn new(config: &Config, docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>) -> Self {
        AddressMap {
            flags: config.endpoints.kafka_addresses.clone(),
            docker: docker.and_then(|(docker, _)| docker.known().cloned()),
            only_broker: None,
            state: Arc::default(),
        }
    }

    /// Creates a map for the brokers of a cluster. `only` is the address at which the cluster's only broker answered.
    /// Both maps share the record of mapped addresses.
    pub fn to_brokers(&self, only: Option<&str>) -> Self {
        AddressMap { only_broker: only.map(String::from), ..self.clone() }
    }

    /// Returns the address to connect to instead of this one. It comes from a flag or, if the host
    /// does not resolve from here, belongs to a container or the only broker.
    pub fn map(&self, host: &str, port: u16, resolves: impl Fn(&str, u16) -> bool) -> String {
        let address = format!("{host}:{port}");
        let by_flag = self.flags.get(&address).map(|to| AddressMapping {
            from: address.clone(),
            to: to.clone(),
            by: "--kafka-address".into(),
        });
        let by_fallback = || self.container_or_only_broker(host, port).filter(|_| !resolves(host, port));
        match by_flag.or_else(by_fallback) {
            Some(mapped) => self.record(mapped),
            None => address,
        }
    }

    /// Returns the mapping to a container with this name, or to the target of the only
    /// broker's bootstrap address.
    fn container_or_only_broker(&self, host: &str, port: u16) -> Option<AddressMapping> {
        let docker = self.docker.as_ref();
        docker.and_then(|docker| docker.map_address(host, port)).or_else(|| {
            let address = self.only_broker.as_ref()?;
            let mapped = AddressMapping {
                from: format!("{host}:{port}"),
                to: self.target(address),
                by: AddressMapping::ONLY_BROKER.into(),
            };
            Some(mapped).filter(|mapped| mapped.from != mapped.to)
        })
    }

    /// Returns the addresses that have been mapped so far.
    pub fn mapped(&self) -> Vec<AddressMapping> {
        self.state().mapped.values().cloned().collect()
    }

    /// Returns the address that this address was mapped to, or else the address itself.
    pub fn target(&self, address: &str) -> String {
        let state = self.state();
        let mapped = state.mapped.get(address);
        mapped.map_or_else(|| address.to_string(), |mapped| mapped.to.clone())
    }

    /// Records that a lookup failed because this process cannot open any more files.
    pub fn record_limit(&self) {
        self.state().has_reached_limit = true;
    }

    /// Reports whether a lookup has failed because of this process's own limit.
    pub fn has_reached_limit(&self) -> bool {
        self.state().has_reached_limit
    }

    /// Formats the address for messages, with its target if it was mapped.
    pub fn display(&self, address: &str) -> String {
        match self.target(address) {
            target if target == address => target,
            target => format!("{address} (mapped to {target})"),
        }
    }

    fn record(&self, mapped: AddressMapping) -> String {
        let to = mapped.to.clone();
        self.state().mapped.insert(mapped.from.clone(), mapped);
        to
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports whether a host resolves from here within a short timeout. Without the timeout, the
/// system resolver would block for seconds if no name server answers.
pub fn resolves(host: &str, port: u16) -> bool {
    let (sender, receiver) = mpsc::channel();
    let address = (host.to_string(), port);
    let lookup = move || sender.send(address.to_socket_addrs().is_ok());
    let thread = std::thread::Builder::new().name("kafka-name".into());
    thread.spawn(lookup).is_ok() && receiver.recv_timeout(DNS_TIMEOUT) == Ok(true)
}

/// Uses no callbacks, because events are read from the client's queue.
impl ClientContext for AddressMap {}

#[cfg(test)]
mod tests {
    use super::*;

    fn docker() -> Runtime {
        crate::evidence::test_samples::runtime("unix:///var/run/docker.sock")
    }

    fn address_map(flags: &[(&str, &str)], docker: Option<Runtime>) -> AddressMap {
        let flags = flags.iter().map(|(from, to)| (from.to_string(), to.to_string()));
        AddressMap { flags: flags.collect(), docker, only_broker: None, state: Arc::default() }
    }

    #[test]
    fn splits_lists_of_brokers() {
        assert_eq!(split_list("a:1, PLAINTEXT://b:2,,c, "), ["a:1", "b:2", "c:9092"]);
        assert_eq!(split_list(" , "), Vec::<String>::new());
        assert_eq!(split_host_port("[::1]:9092"), Some(("[::1]", 9092)));
        assert_eq!(split_host_port(":9092"), None);
    }

    fn map(address_map: &AddressMap, host: &str) -> String {
        address_map.map(host, 9092, |host, _| host == "localhost")
    }

    #[test]
    fn prefers_flags_then_containers_then_the_only_broker() {
        let flags = [("inner:9092", "127.0.0.1:7")];
        let address_map = address_map(&flags, Some(docker()));
        let several = address_map.to_brokers(None);
        assert_eq!(map(&several, "inner"), "127.0.0.1:7");
        assert_eq!(map(&several, "kafka"), "localhost:19092");
        assert_eq!(map(&several, "elsewhere"), "elsewhere:9092");
        let only = address_map.to_brokers(Some("localhost:19092"));
        assert_eq!(map(&only, "elsewhere"), "localhost:19092");
        assert_eq!(address_map.mapped().len(), 3);
        assert_eq!(address_map.display("elsewhere:9092"), "elsewhere:9092 (mapped to localhost:19092)");
    }

    #[test]
    fn keeps_addresses_that_resolve() {
        let address_map = address_map(&[], Some(docker())).to_brokers(Some("a:1"));
        assert_eq!(map(&address_map, "localhost"), "localhost:9092");
        let address_map = address_map.to_brokers(None);
        assert_eq!(address_map.map("kafka", 9092, |_, _| true), "kafka:9092");
    }

    #[test]
    fn only_broker_uses_the_mapped_bootstrap_address() {
        let address_map = address_map(&[], Some(docker()));
        assert_eq!(map(&address_map, "kafka"), "localhost:19092");
        let address_map = address_map.to_brokers(Some("kafka:9092"));
        assert_eq!(map(&address_map, "inner"), "localhost:19092");
    }
}
