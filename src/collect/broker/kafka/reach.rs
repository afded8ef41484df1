//! Asks all bootstrap addresses at once for the cluster's metadata, so that a dead address costs no time. Also
//! checks that the cluster is not larger than librdkafka can describe within the memory limit.

use crate::base::panics::caught;
use crate::collect::broker::kafka::addresses::{self, AddressMap};
use crate::collect::broker::kafka::wire::metadata::{ClusterSize, Metadata};
use crate::collect::broker::kafka::wire::{Connection, Fault, MAX_FRAME_MB};
use crate::collect::own_limit::{internal_error, own_limit, thread_limit};
use crate::collect::tls_probe;
use crate::collect::{name_lookup, no_answer};
use crate::evidence::{Name, Reason, ReasonKind};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Maximum number of brokers: librdkafka starts a thread for each.
const MAX_BROKERS: usize = 500;
/// Maximum number of partitions of a topic.
const MAX_PARTITIONS: usize = 2_000;
/// Maximum number of partitions of all topics, if all are read.
const MAX_ALL_PARTITIONS: usize = 20_000;
/// Maximum number of partitions of the requested topics together, which must fit into one response.
const MAX_REQUESTED_PARTITIONS: usize = 100_000;
/// Maximum number of bootstrap addresses that are tried.
const MAX_BOOTSTRAP: usize = 32;
/// How long to check whether the broker closed a connection because it expects a login.
const LOGIN_TIMEOUT: Duration = Duration::from_millis(500);

/// A cluster as the first address that answered describes it.
#[derive(Debug)]
pub struct Reached {
    /// The bootstrap address that answered.
    pub bootstrap: String,
    /// The brokers and topics.
    pub metadata: Metadata,
    /// The topics that are too large to be read, with the reasons.
    pub too_large: BTreeMap<Name, Reason>,
}

/// A bootstrap address and its answer.
struct Answer {
    number: usize,
    outcome: Outcome,
}

enum Outcome {
    /// The name has been resolved.
    Resolved,
    Answered(Box<Reached>),
    Failed(Reason),
}

/// Asks the addresses for these topics, or for all (`None`), and returns the first answer.
pub fn reach(
    bootstrap: &[String],
    address_map: &AddressMap,
    topics: Option<&[&str]>,
    until: Instant,
) -> Result<Reached, Reason> {
    let start = Instant::now();
    let bootstrap = bootstrap.get(..MAX_BOOTSTRAP).unwrap_or(bootstrap);
    let (sender, answers) = channel();
    let topics: Option<Vec<String>> = topics.map(|topics| topics.iter().map(ToString::to_string).collect());
    let shared = Arc::new((address_map.clone(), topics));
    for (number, address) in bootstrap.iter().enumerate() {
        let (address, shared, sender) = (address.clone(), shared.clone(), sender.clone());
        let work = move || {
            let (address_map, topics) = &*shared;
            let topics: Option<Vec<&str>> =
                topics.as_ref().map(|topics| topics.iter().map(String::as_str).collect());
            let resolved = || drop(sender.send(Answer { number, outcome: Outcome::Resolved }));
            let ask = || {
                let connection = connect(&address, address_map, resolved, until)?;
                describe(connection, &address, address_map, topics.as_deref(), (start, until))
            };
            let outcome = match caught(ask) {
                Some(Ok(reached)) => Outcome::Answered(Box::new(reached)),
                Some(Err(why)) => Outcome::Failed(why),
                None => Outcome::Failed(internal_error("Kafka")),
            };
            // The receiver is gone if another address answered first.
            let _ = sender.send(Answer { number, outcome });
        };
        let thread = std::thread::Builder::new().name("kafka-reach".into());
        thread.spawn(work).map_err(|error| thread_limit(&error))?;
    }
    drop(sender);
    let mut pending = Pending { resolved: vec![false; bootstrap.len()], failed: BTreeMap::new() };
    pending.first_answer(&answers, until).ok_or_else(|| pending.reason(bootstrap, address_map, start))
}

/// What is known of the addresses that have not answered, by their numbers.
struct Pending {
    resolved: Vec<bool>,
    failed: BTreeMap<usize, Reason>,
}

impl Pending {
    /// Waits for the first answer. Returns `None` if all addresses have failed, or at the deadline.
    fn first_answer(&mut self, answers: &Receiver<Answer>, until: Instant) -> Option<Reached> {
        while self.failed.len() < self.resolved.len() {
            let left = until.saturating_duration_since(Instant::now());
            let Answer { number, outcome } = answers.recv_timeout(left).ok()?;
            match outcome {
                Outcome::Resolved => self.resolved[number] = true,
                Outcome::Failed(why) => drop(self.failed.insert(number, why)),
                Outcome::Answered(reached) => return Some(*reached),
            }
        }
        None
    }

    /// Returns why no address has answered.
    fn reason(&self, bootstrap: &[String], address_map: &AddressMap, start: Instant) -> Reason {
        let waited = start.elapsed();
        let reasons = bootstrap.iter().enumerate().map(|(number, address)| match self.failed.get(&number) {
            Some(why) => why.clone(),
            None if self.resolved[number] => no_answer(&address_map.display(address), waited),
            None => name_lookup::silent(host_of(address), waited),
        });
        let reasons: Vec<Reason> = reasons.collect();
        // An unexpected answer is more informative than no answer.
        let worst = reasons.iter().find(|why| !why.is_unreachable()).or(reasons.first());
        let kind = worst.map_or(ReasonKind::NotConfigured, |why| why.kind);
        let messages: Vec<&str> = reasons.iter().map(|why| why.message.as_str()).collect();
        Reason::new(kind, messages.join("; "))
    }
}

fn host_of(address: &str) -> &str {
    addresses::split_host_port(address).map_or(address, |(host, _)| host)
}

/// Connects to an address, and calls `resolved` once its name has been resolved.
fn connect(
    address: &str,
    address_map: &AddressMap,
    resolved: impl Fn(),
    until: Instant,
) -> Result<Connection, Reason> {
    let start = Instant::now();
    let (host, port) = addresses::split_host_port(address)
        .ok_or_else(|| Reason::new(ReasonKind::NotConfigured, format!("{address} is not HOST:PORT")))?;
    let target = address_map.map(host, port, addresses::resolves);
    let shown = address_map.display(address);
    let found: Vec<SocketAddr> = match target.to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => return Err(unresolved(&error, address, &shown, start.elapsed())),
    };
    resolved();
    let mut last = Error::from(ErrorKind::NotFound);
    for (tried, socket) in found.iter().enumerate() {
        let untried = u32::try_from(found.len() - tried).unwrap_or(1);
        let left = until.saturating_duration_since(Instant::now()) / untried;
        match TcpStream::connect_timeout(socket, left.max(Duration::from_millis(1))) {
            Ok(stream) => {
                return Connection::open(stream, until)
                    .map_err(|fault| first_fault(fault, &target, &shown, start.elapsed()));
            }
            Err(error) => last = error,
        }
    }
    Err(socket_error(&last, &shown, start.elapsed()))
}

fn unresolved(error: &Error, address: &str, shown: &str, waited: Duration) -> Reason {
    let why = name_lookup::failed(error, host_of(address), waited);
    match why.kind {
        ReasonKind::Unresolved => {
            Reason::new(ReasonKind::Unresolved, format!("{shown} does not resolve from here"))
        }
        _ => why,
    }
}

/// Explains why the first request got no response.
fn first_fault(fault: Fault, target: &str, shown: &str, waited: Duration) -> Reason {
    match fault {
        Fault::Closed(0) if tls_probe::expects_tls(target) => {
            Reason::new(ReasonKind::Auth, format!("{shown} requires TLS"))
        }
        Fault::Closed(0) => {
            let message = format!(
                "{shown} closes the connection at once, like a published port with nothing listening behind it"
            );
            Reason::new(ReasonKind::Refused, message)
        }
        fault => explain(fault, shown, waited),
    }
}

fn explain(fault: Fault, shown: &str, waited: Duration) -> Reason {
    let (kind, message) = match fault {
        Fault::Silent => return no_answer(shown, waited),
        Fault::Socket(error) => return socket_error(&error, shown, waited),
        Fault::NotKafka => (ReasonKind::Failed, format!("{shown} answered, but not as Kafka")),
        Fault::TooLong(size) => {
            let bound = format!("more than the bound of {MAX_FRAME_MB} MB");
            (ReasonKind::Limit, format!("{shown} answered with a frame of {size} bytes, {bound}"))
        }
        Fault::Closed(0) => {
            (ReasonKind::Refused, format!("{shown} closed the connection when asked for metadata"))
        }
        Fault::Closed(received) => {
            let message =
                format!("{shown} cut the connection in the middle of an answer, after {received} bytes");
            (ReasonKind::Refused, message)
        }
    };
    Reason::new(kind, message)
}

fn socket_error(error: &Error, shown: &str, waited: Duration) -> Reason {
    if let Some(limit) = own_limit(error) {
        return limit;
    }
    let (kind, message) = match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => return no_answer(shown, waited),
        ErrorKind::ConnectionRefused => (ReasonKind::Refused, format!("{shown} refuses connections")),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (ReasonKind::NoAnswer, format!("no route to {shown}"))
        }
        _ => (ReasonKind::Refused, format!("no connection to {shown}: {error}")),
    };
    Reason::new(kind, message)
}

/// Asks a broker for the topics, and reads its answer unless the cluster is too large.
fn describe(
    mut connection: Connection,
    address: &str,
    address_map: &AddressMap,
    topics: Option<&[&str]>,
    (start, until): (Instant, Instant),
) -> Result<Reached, Reason> {
    let shown = address_map.display(address);
    let fault = |fault| explain(fault, &shown, start.elapsed());
    let response = match connection.metadata(topics) {
        Ok(Some(response)) => response,
        Ok(None) => {
            let message = format!("{shown} is not supported: expected Apache Kafka 1.0 or later");
            return Err(Reason::new(ReasonKind::Failed, message));
        }
        Err(Fault::Closed(0)) if expects_login(&address_map.target(address), until) => {
            let message = format!("{shown} closes the connection because it requires a login (SASL)");
            return Err(Reason::new(ReasonKind::Auth, message));
        }
        Err(why) => return Err(fault(why)),
    };
    let too_large = check_size(response.size().map_err(fault)?, topics.is_none())?;
    let metadata = response.read().map_err(fault)?;
    Ok(Reached { bootstrap: address.to_string(), metadata, too_large })
}

/// Reports whether a broker expects a login. Such a broker closes the connection if another request
/// comes first.
fn expects_login(target: &str, until: Instant) -> bool {
    let connection = connect_once(target, until.min(Instant::now() + LOGIN_TIMEOUT));
    connection.is_some_and(|mut connection| connection.expects_login())
}

/// Connects to an address that has answered before, for requests that librdkafka lacks.
pub fn connect_once(target: &str, until: Instant) -> Option<Connection> {
    let stream = target.to_socket_addrs().ok()?.find_map(|socket| {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        TcpStream::connect_timeout(&socket, left).ok()
    });
    Connection::open(stream?, until).ok()
}

fn check_size(size: ClusterSize, all: bool) -> Result<BTreeMap<Name, Reason>, Reason> {
    let limit = |message: String| Reason::new(ReasonKind::Limit, message);
    if size.brokers > MAX_BROKERS {
        let brokers = size.brokers;
        return Err(limit(format!(
            "the cluster has {brokers} brokers, more than the bound of {MAX_BROKERS}"
        )));
    }
    let partitions: usize = size.partitions.values().filter(|count| all || **count <= MAX_PARTITIONS).sum();
    let (of, bound) = match all {
        true => ("the cluster has", MAX_ALL_PARTITIONS),
        false => ("the pipeline's topics have", MAX_REQUESTED_PARTITIONS),
    };
    if partitions > bound {
        return Err(limit(format!("{of} {partitions} partitions, more than the bound of {bound}")));
    }
    let too_large = size.partitions.into_iter().filter(|(_, count)| *count > MAX_PARTITIONS);
    let too_large = too_large.map(|(name, count)| {
        let bound = format!("more than the bound of {MAX_PARTITIONS}");
        let why = limit(format!("topic {name} has {count} partitions, {bound}"));
        (name, why)
    });
    Ok(too_large.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_the_size_of_a_cluster() {
        let size = |brokers, partitions| ClusterSize {
            brokers,
            partitions: [("orders".to_string(), partitions), ("small".to_string(), 3)].into(),
        };
        assert_eq!(check_size(size(500, 2_000), false).unwrap(), BTreeMap::new());
        let why = check_size(size(5_000, 3), false).unwrap_err();
        assert_eq!(why.message, "the cluster has 5000 brokers, more than the bound of 500");
        let too_large = check_size(size(3, 10_000), false).unwrap();
        assert_eq!(too_large.len(), 1);
        assert_eq!(
            too_large["orders"],
            Reason::new(ReasonKind::Limit, "topic orders has 10000 partitions, more than the bound of 2000")
        );
        let many = |topics: usize| ClusterSize {
            brokers: 3,
            partitions: (0..topics).map(|n| (format!("orders-{n}"), MAX_PARTITIONS)).collect(),
        };
        assert!(check_size(many(50), false).is_ok());
        let why = check_size(many(51), false).unwrap_err();
        let expected = "the pipeline's topics have 102000 partitions, more than the bound of 100000";
        assert_eq!(why.message, expected);
        assert!(check_size(size(3, 19_997), true).is_ok());
        assert!(check_size(size(3, 19_998), true).is_err());
    }
}
