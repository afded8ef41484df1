//! Finds transactions that are still open, behind which consumers of committed records wait.

use crate::collect::broker::kafka::client::Session;
use crate::collect::broker::kafka::reach::connect_once;
use crate::collect::broker::kafka::wire::Connection;
use crate::collect::broker::kafka::wire::transactions::ActiveProducer;
use crate::evidence::{Broker, Node, Observed, OpenTransaction, Partition};
use jiff::Timestamp;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Maximum number of partitions whose transactions are described.
const MAX_PARTITIONS: usize = 20;
/// Maximum number of brokers that are asked for transactional ids.
const MAX_BROKERS: usize = 9;
/// Time limit for one request to one broker.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Describes the oldest open transaction of each partition. Returns a session that also reads the
/// records of open transactions, or `None` if there are no such transactions.
pub fn collect(kafka: &mut Broker, session: &Session, until: Instant) -> Option<Session> {
    let (addresses, nodes) = (kafka.addresses(), kafka.nodes.clone());
    let mut topics: Vec<(&String, &mut Partition)> = Vec::new();
    for (name, topic) in &mut kafka.topics {
        let Observed::Known(topic) = topic else { continue };
        topics.extend(topic.partitions.iter_mut().filter(|p| is_blocked(p)).map(|p| (name, p)));
    }
    if topics.is_empty() {
        return None;
    }
    let uncommitted = Session::open_uncommitted(&addresses, session.address_map().clone(), until).ok()?;
    for (topic, partition) in topics.into_iter().take(MAX_PARTITIONS) {
        let Some(&offset) = partition.last_stable.known() else { continue };
        let producer = producer_at(session, &nodes, (topic, &*partition), until);
        let transactional_id =
            producer.and_then(|producer| transactional_id(session, &nodes, producer, until));
        partition.open_transaction = Some(OpenTransaction {
            offset,
            since: time_of(&uncommitted, (topic, partition.id), offset, until),
            producer,
            transactional_id,
        });
    }
    Some(uncommitted)
}

fn is_blocked(partition: &Partition) -> bool {
    let offsets = partition.last_stable.known().zip(partition.end.known());
    offsets.is_some_and(|(stable, end)| stable < end)
}

/// Reads the time of a transaction's first record.
fn time_of(
    session: &Session,
    (topic, partition): (&str, i32),
    offset: i64,
    until: Instant,
) -> Option<Timestamp> {
    let mut at_ms = None;
    let until = until.min(Instant::now() + 4 * TIMEOUT);
    let read = session.read(topic, partition, offset, until, &mut |record| {
        at_ms = record.at_ms;
        ControlFlow::Break(())
    });
    read.ok().and(at_ms).and_then(|at| Timestamp::from_millisecond(at).ok())
}

/// Returns the id of the producer whose transaction is the oldest that is open on a partition.
fn producer_at(
    session: &Session,
    nodes: &[Node],
    (topic, partition): (&str, &Partition),
    until: Instant,
) -> Option<i64> {
    let leader = nodes.iter().find(|node| Some(node.id) == partition.leader)?;
    let producers = connect(session, leader, until)?.active_producers(topic, partition.id).ok()??;
    let open = producers.into_iter().filter(|producer| producer.transaction_start >= 0);
    let oldest: Option<ActiveProducer> = open.min_by_key(|producer| producer.transaction_start);
    oldest.map(|producer| producer.id)
}

/// Returns the transactional id of a producer. Only the broker that coordinates it knows the id.
fn transactional_id(session: &Session, nodes: &[Node], producer: i64, until: Instant) -> Option<String> {
    nodes
        .iter()
        .take(MAX_BROKERS)
        .find_map(|node| connect(session, node, until)?.transactional_id(producer).ok()?)
}

fn connect(session: &Session, node: &Node, until: Instant) -> Option<Connection> {
    connect_once(&session.address_map().target(&node.address), until.min(Instant::now() + TIMEOUT))
}
