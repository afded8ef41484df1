//! Addresses of brokers: where to begin, and how to reach from here what a
//! broker advertises to its neighbours.

use crate::base::name::MAIN_BROKER;
use crate::base::secret::redact;
use crate::collect::runtime::docker::{Discovered, told_to};
use crate::config::Config;
use crate::evidence::{Instance, InstanceState, Mapped, Runtime, Seen, Why, WhyKind};
use crate::text::address::hosts_of;
use rdkafka::ClientContext;
use std::collections::BTreeMap;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// The port that Kafka's own configuration begins with.
const USUAL_PORT: u16 = 9092;
/// How long a name may take to resolve, if there is another way.
const PATIENCE: Duration = Duration::from_millis(300);

/// Where to begin: flag or environment or pipeline file, else what running
/// containers are told, else the ports of the broker's own container.
pub fn bootstrap(
    config: &Config,
    broker: &str,
    docker: Option<&(Seen<Runtime>, Discovered)>,
) -> Seen<Vec<String>> {
    let given = match broker {
        MAIN_BROKER => config.places.kafka.clone(),
        name => config.places.brokers.get(name).cloned(),
    };
    let discovered = || docker.and_then(|found| told(config, broker, found));
    let address = match broker {
        MAIN_BROKER => "Kafka address".to_string(),
        name => format!("address of broker {name}"),
    };
    if let Some(list) = given.or_else(discovered) {
        let brokers = split_list(&list);
        if brokers.is_empty() {
            let say = format!("the {address} `{}` names no broker", redact(&list));
            return Seen::unknown(WhyKind::Failed, say);
        }
        return Seen::Known(brokers);
    }
    let Some((docker, _)) = docker else {
        let say = format!("no {address}: Docker, which could tell one, has not answered");
        return Seen::unknown(WhyKind::NotConfigured, say);
    };
    match docker {
        Seen::Known(docker) => match of_container(config, broker, docker) {
            brokers if !brokers.is_empty() => Seen::Known(brokers),
            _ => {
                let flags = match broker {
                    MAIN_BROKER => "neither --kafka nor KAFKA_BROKERS".to_string(),
                    name => format!("no --broker {name}=HOST:PORT"),
                };
                Seen::not_asked(format!("no {address}: {flags}, and no running container tells one"))
            }
        },
        Seen::NotAsked(why) => Seen::NotAsked(no_address(&address, why)),
        Seen::Unknown(why) => Seen::Unknown(no_address(&address, why)),
    }
}

/// What running containers are told: of a pipeline with one broker most of them; else
/// the part that uses it, if that is named, else whoever names the broker's container.
fn told(config: &Config, broker: &str, (docker, discovered): &(Seen<Runtime>, Discovered)) -> Option<String> {
    let used_by = config.pipeline.broker(broker)?.used_by.as_ref();
    if used_by.is_none() && config.pipeline.broker.is_empty() {
        return discovered.kafka.clone();
    }
    let docker = docker.known()?;
    let own = container_of(config, broker, docker);
    let leads_there = |list: &String| {
        let mut found = hosts_of(list).into_iter().filter_map(|host| docker.answering_to(&host));
        own.is_some_and(|own| found.any(|container| container.id == own.id))
    };
    told_to(&discovered.brokers, used_by.map(|part| part.get_ref().as_str()), leads_there).cloned()
}

/// Docker's trouble is not Kafka's: nobody has asked the broker.
fn no_address(address: &str, docker: &Why) -> Why {
    let say = format!("no {address}, and Docker tells none: {}", docker.say);
    Why::new(WhyKind::NotConfigured, say)
}

fn is_running(container: &Instance) -> bool {
    container.state == InstanceState::Running
}

/// The broker's container, one that runs where there is one.
fn container_of<'a>(config: &Config, broker: &str, docker: &'a Runtime) -> Option<&'a Instance> {
    let service = config.pipeline.broker(broker)?.service.get_ref();
    let name = config.pipeline.service(service).and_then(|service| service.container.as_deref());
    docker.instances_of(service, name).into_iter().max_by_key(|container| is_running(container))
}

/// Every published port of the broker's container, the usual one first: the
/// client tries them until one answers. Else the container's own address.
fn of_container(config: &Config, broker: &str, docker: &Runtime) -> Vec<String> {
    let container = container_of(config, broker, docker).filter(|container| is_running(container));
    let Some(container) = container else { return Vec::new() };
    let mut ports: Vec<u16> = container.addresses.ports.iter().map(|port| port.container).collect();
    ports.sort_by_key(|port| (*port != USUAL_PORT, *port));
    ports.dedup();
    if ports.is_empty() {
        ports.push(USUAL_PORT);
    }
    let reached = ports.iter().filter_map(|port| docker.reach(&container.name, *port));
    reached.map(|mapped| mapped.to).collect()
}

/// `PLAINTEXT://a:9092, b` → `a:9092`, `b:9092`.
fn split_list(list: &str) -> Vec<String> {
    let brokers = list.split(',').map(str::trim);
    let brokers = brokers.map(|broker| broker.rsplit_once("://").map_or(broker, |(_, rest)| rest));
    let brokers = brokers.filter(|broker| !broker.is_empty());
    brokers
        .map(|broker| match split(broker) {
            Some(_) => broker.to_string(),
            None => format!("{broker}:{USUAL_PORT}"),
        })
        .collect()
}

/// `host:port` in two.
pub fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

/// The ways to addresses. A client asks for one whenever it connects, from
/// threads of its own.
///
/// The client leaves the bootstrap addresses as soon as a broker has told it
/// the advertised ones. So there are two: one that goes back to the bootstrap
/// addresses whatever is advertised, because any broker tells all metadata; and
/// one that goes to the broker that it means, for offsets and groups.
#[derive(Clone)]
pub struct Ways {
    told: BTreeMap<String, String>,
    docker: Option<Runtime>,
    leads: Leads,
    found: Arc<Mutex<Found>>,
}

/// Where a broker's address leads that is neither told nor known to resolve.
#[derive(Clone)]
enum Leads {
    /// Nowhere else.
    Nowhere,
    /// Always to one of these, in turn.
    Back(Vec<String>),
    /// To the only broker of the cluster, which answered here.
    ToOnlyBroker(String),
}

/// What turns out on the way.
#[derive(Default)]
struct Found {
    used: BTreeMap<String, Mapped>,
    turns: usize,
    last_back: Option<String>,
}

impl Ways {
    /// Ways to the bootstrap addresses and to nowhere else.
    pub fn back_to(
        bootstrap: &[String],
        config: &Config,
        docker: Option<&(Seen<Runtime>, Discovered)>,
    ) -> Self {
        Ways {
            told: config.places.kafka_addresses.clone(),
            docker: docker.and_then(|(docker, _)| docker.known().cloned()),
            leads: Leads::Back(bootstrap.to_vec()),
            found: Arc::default(),
        }
    }

    /// Ways to the brokers themselves; `only`: where the only one answered.
    /// Both ways remember together which were used.
    pub fn on_from_here(&self, only: Option<&str>) -> Self {
        let leads = only.map_or(Leads::Nowhere, |at| Leads::ToOnlyBroker(at.to_string()));
        Ways { leads, ..self.clone() }
    }

    /// The address to connect to instead of this one: as flags tell; else, if
    /// it does not resolve from here, where a container or the only broker is.
    pub fn place_of(&self, host: &str, port: u16, resolves: impl Fn(&str, u16) -> bool) -> String {
        let asked = format!("{host}:{port}");
        let address = self.back(&asked).unwrap_or(asked);
        let Some((host, port)) = split(&address) else {
            return address;
        };
        let told = self.told.get(&address).map(|to| Mapped {
            from: address.clone(),
            to: to.clone(),
            by: "--kafka-address".into(),
        });
        let instead = || self.instead(host, port).filter(|_| !resolves(host, port));
        match told.or_else(instead) {
            Some(mapped) => self.use_way(mapped),
            None => address,
        }
    }

    /// A bootstrap address instead of an advertised one, if all ways lead back.
    fn back(&self, asked: &String) -> Option<String> {
        let Leads::Back(bootstrap) = &self.leads else {
            return None;
        };
        if bootstrap.contains(asked) {
            return None;
        }
        let mut found = self.found();
        let address = bootstrap.get(found.turns % bootstrap.len().max(1))?;
        found.turns += 1;
        found.last_back = Some(address.clone());
        Some(address.clone())
    }

    /// Another way: to a container of that name, or to the only broker, which
    /// is where the bootstrap address led.
    fn instead(&self, host: &str, port: u16) -> Option<Mapped> {
        let docker = self.docker.as_ref();
        docker.and_then(|docker| docker.reach(host, port)).or_else(|| {
            let Leads::ToOnlyBroker(at) = &self.leads else {
                return None;
            };
            let mapped =
                Mapped { from: format!("{host}:{port}"), to: self.place(at), by: Mapped::ONLY_BROKER.into() };
            Some(mapped).filter(|mapped| mapped.from != mapped.to)
        })
    }

    /// The bootstrap address behind the one that answered.
    pub fn bootstrap_of(&self, answered_at: &str) -> String {
        match &self.leads {
            Leads::Back(bootstrap) if !bootstrap.iter().any(|it| it == answered_at) => {
                let back = self.found().last_back.clone();
                back.unwrap_or_else(|| answered_at.to_string())
            }
            _ => answered_at.to_string(),
        }
    }

    /// The ways used so far.
    pub fn used(&self) -> Vec<Mapped> {
        self.found().used.values().cloned().collect()
    }

    /// Where an address is looked for: elsewhere, if it was mapped.
    pub fn place(&self, address: &str) -> String {
        let found = self.found();
        let way = found.used.get(address);
        way.map_or_else(|| address.to_string(), |way| way.to.clone())
    }

    /// An address as it is shown: with its place, if that is elsewhere.
    pub fn shown(&self, address: &str) -> String {
        match self.place(address) {
            place if place == address => place,
            place => format!("{address} (looked for at {place})"),
        }
    }

    fn use_way(&self, mapped: Mapped) -> String {
        let to = mapped.to.clone();
        self.found().used.insert(mapped.from.clone(), mapped);
        to
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a host resolves from here, soon: where no name server answers, the
/// system would wait for seconds although another way is known.
pub fn resolves_soon(host: &str, port: u16) -> bool {
    let (tell, told) = mpsc::channel();
    let asked = (host.to_string(), port);
    let lookup = move || tell.send(asked.to_socket_addrs().is_ok());
    let thread = std::thread::Builder::new().name("kafka-name".into());
    thread.spawn(lookup).is_ok() && told.recv_timeout(PATIENCE) == Ok(true)
}

/// Events are read from the client's queue; none of the callbacks is called.
impl ClientContext for Ways {}

#[cfg(test)]
mod tests {
    use super::*;

    fn docker() -> Runtime {
        crate::evidence::samples::runtime("unix:///var/run/docker.sock")
    }

    fn ways(told: &[(&str, &str)], docker: Option<Runtime>, bootstrap: &str) -> Ways {
        let told = told.iter().map(|(from, to)| (from.to_string(), to.to_string()));
        Ways {
            told: told.collect(),
            docker,
            leads: Leads::Back(vec![bootstrap.into()]),
            found: Arc::default(),
        }
    }

    #[test]
    fn lists_of_brokers_are_taken_as_people_write_them() {
        assert_eq!(split_list("a:1, PLAINTEXT://b:2,,c, "), ["a:1", "b:2", "c:9092"]);
        assert_eq!(split_list(" , "), Vec::<String>::new());
        assert_eq!(split("[::1]:9092"), Some(("[::1]", 9092)));
        assert_eq!(split(":9092"), None);
    }

    fn place(ways: &Ways, host: &str) -> String {
        ways.place_of(host, 9092, |host, _| host == "localhost")
    }

    #[test]
    fn metadata_comes_from_the_bootstrap_addresses_whatever_is_advertised() {
        let mut ways = ways(&[], None, "a:9092");
        ways.leads = Leads::Back(vec!["a:9092".into(), "b:2".into()]);
        assert_eq!(place(&ways, "kafka"), "a:9092");
        assert_eq!(place(&ways, "kafka"), "b:2");
        assert_eq!(place(&ways, "a"), "a:9092");
        assert_eq!(ways.bootstrap_of("kafka:9092"), "b:2");
        assert_eq!(ways.bootstrap_of("a:9092"), "a:9092");
        assert_eq!(place(&ways.on_from_here(None), "kafka"), "kafka:9092");
        assert_eq!(ways.used(), []);
    }

    #[test]
    fn flags_come_first_then_containers_then_the_only_broker() {
        let told = [("inner:9092", "127.0.0.1:7")];
        let ways = ways(&told, Some(docker()), "localhost:19092");
        let several = ways.on_from_here(None);
        assert_eq!(place(&several, "inner"), "127.0.0.1:7");
        assert_eq!(place(&several, "kafka"), "localhost:19092");
        assert_eq!(place(&several, "elsewhere"), "elsewhere:9092");
        let only = ways.on_from_here(Some("localhost:19092"));
        assert_eq!(place(&only, "elsewhere"), "localhost:19092");
        assert_eq!(ways.used().len(), 3);
        assert_eq!(ways.shown("elsewhere:9092"), "elsewhere:9092 (looked for at localhost:19092)");
    }

    #[test]
    fn what_resolves_here_is_left_as_it_is() {
        let ways = ways(&[], Some(docker()), "a:1").on_from_here(Some("a:1"));
        assert_eq!(place(&ways, "localhost"), "localhost:9092");
        let ways = ways.on_from_here(None);
        assert_eq!(ways.place_of("kafka", 9092, |_, _| true), "kafka:9092");
    }

    #[test]
    fn the_only_broker_is_where_its_bootstrap_address_was_mapped_to() {
        let ways = ways(&[], Some(docker()), "kafka:9092");
        assert_eq!(place(&ways, "kafka"), "localhost:19092");
        let ways = ways.on_from_here(Some("kafka:9092"));
        assert_eq!(place(&ways, "inner"), "localhost:19092");
    }
}
