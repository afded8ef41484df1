//! Topics, each requested by name, with the earliest and end offsets of their
//! partitions.

use crate::collect::broker::kafka::client::{self, RoutedRequest};
use crate::collect::broker::kafka::ffi::events::TopicSettings;
use crate::collect::broker::kafka::ffi::{OffsetSpec, Request, Response};
use crate::collect::broker::kafka::wire::metadata::{Metadata, PartitionMetadata};
use crate::evidence::{Broker, Name, Node, Observed, Partition, Reason, ReasonKind, Topic, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// Error codes of the Kafka protocol.
const UNKNOWN_TOPIC: i16 = 3;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

/// Reads a topic from the metadata, either as absent or with its partitions. Its offsets stay `pending`.
pub fn from_metadata(metadata: &Metadata, name: &str, pending: &Reason) -> Result<Topic, Reason> {
    if !is_valid_name(name) {
        return Err(Reason::new(ReasonKind::Failed, format!("`{name}` is not a valid topic name")));
    }
    let topic = metadata.topics.iter().find(|topic| topic.name == name);
    let topic = topic
        .ok_or_else(|| Reason::new(ReasonKind::Failed, "the broker's response does not include the topic"))?;
    let (exists, partitions) = match topic.error {
        0 => (true, topic.partitions.iter().map(|p| partition(p, pending)).collect()),
        UNKNOWN_TOPIC => (false, Vec::new()),
        TOPIC_AUTHORIZATION_FAILED => {
            let message = format!("the broker denied access: operation Describe on topic {name}");
            return Err(Reason::new(ReasonKind::Permission, message));
        }
        code => {
            let message = format!("the broker answered with error {code} for topic {name}");
            return Err(Reason::new(ReasonKind::Failed, message));
        }
    };
    let (min_in_sync, compacted) = (Observed::Unknown(pending.clone()), Observed::Unknown(pending.clone()));
    Ok(Topic { exists, partitions, min_in_sync, compacted, similar: Vec::new() })
}

fn partition(partition: &PartitionMetadata, pending: &Reason) -> Partition {
    let leader = Some(partition.leader).filter(|id| *id >= 0);
    let offset = match leader {
        Some(_) => Observed::Unknown(pending.clone()),
        None => Observed::unknown(ReasonKind::Missing, "the partition has no leader"),
    };
    Partition {
        id: partition.id,
        leader,
        replicas: partition.replicas.clone(),
        in_sync: partition.in_sync.clone(),
        earliest: offset.clone(),
        last_stable: offset.clone(),
        open_transaction: None,
        end: offset,
    }
}

/// Returns the requests for the earliest and end offsets of all partitions with a leader.
/// There are three per leader, so that an unreachable leader affects only its own partitions.
/// Adds a request for the topics' settings, which any broker can answer.
pub fn requests(kafka: &Broker) -> Vec<RoutedRequest> {
    let specs = [OffsetSpec::Earliest, OffsetSpec::Latest, OffsetSpec::LastStable];
    let mut requests = offset_requests(kafka, partitions_by_leader(kafka), &specs);
    let existing = kafka.topics.iter().filter(|(_, topic)| topic.known().is_some_and(|topic| topic.exists));
    let names: Vec<Name> = existing.map(|(name, _)| name.clone()).collect();
    if !names.is_empty() {
        requests.push(RoutedRequest { request: Request::TopicSettings(names), brokers: kafka.addresses() });
    }
    requests
}

/// Stores the settings of the requested topics, or the reason if there are none.
pub fn store_settings(
    topics: &mut BTreeMap<Name, Observed<Topic>>,
    requested: &[Name],
    response: Result<Response, Reason>,
) {
    let mut set = |name: &Name, settings: Observed<TopicSettings>| {
        if let Some(Observed::Known(topic)) = topics.get_mut(name) {
            topic.compacted = settings.as_ref().map(|settings| settings.compacted);
            topic.min_in_sync = settings.map(|settings| settings.min_in_sync);
        }
    };
    match response {
        Ok(Response::TopicSettings(values)) => values.into_iter().for_each(|(name, value)| {
            set(&name, value.map_err(|error| client::broker_error(&error)).into());
        }),
        Ok(_) => {}
        Err(why) => requested.iter().for_each(|name| set(name, Observed::Unknown(why.clone()))),
    }
}

/// Returns the partitions, grouped by their leader's node id.
fn partitions_by_leader(kafka: &Broker) -> BTreeMap<i32, Vec<TopicPartition>> {
    let mut by_leader: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
    for (name, topic) in &kafka.topics {
        let partitions = topic.known().map(|topic| topic.partitions.as_slice());
        for partition in partitions.unwrap_or_default() {
            if let Some(leader) = partition.leader {
                by_leader
                    .entry(leader)
                    .or_default()
                    .push(TopicPartition { topic: name.clone(), partition: partition.id });
            }
        }
    }
    by_leader
}

/// Returns the requests for only the end offsets of the partitions of these topics that have a leader.
pub fn end_requests(kafka: &Broker, topics: &BTreeSet<&Name>) -> Vec<RoutedRequest> {
    let mut partitions = partitions_by_leader(kafka);
    partitions.values_mut().for_each(|places| places.retain(|place| topics.contains(&place.topic)));
    partitions.retain(|_, places| !places.is_empty());
    offset_requests(kafka, partitions, &[OffsetSpec::Latest])
}

fn offset_requests(
    kafka: &Broker,
    by_leader: BTreeMap<i32, Vec<TopicPartition>>,
    specs: &[OffsetSpec],
) -> Vec<RoutedRequest> {
    let requests = by_leader.into_iter().flat_map(|(leader, partitions)| {
        let brokers = addresses(&kafka.nodes, leader);
        let requests = specs.iter().map(|spec| RoutedRequest {
            request: Request::Offsets(*spec, partitions.clone()),
            brokers: brokers.clone(),
        });
        requests.collect::<Vec<_>>()
    });
    requests.collect()
}

fn addresses(brokers: &[Node], id: i32) -> Vec<String> {
    let leader = brokers.iter().filter(|broker| broker.id == id);
    leader.map(|broker| broker.address.clone()).collect()
}

/// Stores the offsets of the requested partitions, or the reason if there are none.
pub fn store_offsets(
    topics: &mut BTreeMap<Name, Observed<Topic>>,
    spec: OffsetSpec,
    requested: &[TopicPartition],
    response: Result<Response, Reason>,
) {
    match response {
        Ok(Response::Offsets(offsets)) => {
            for (partition, offset) in offsets {
                let offset = offset.map_err(|error| client::broker_error(&error));
                set_offset(topics, spec, &partition, offset.into());
            }
        }
        Ok(_) => {}
        Err(why) => {
            for partition in requested {
                set_offset(topics, spec, partition, Observed::Unknown(why.clone()));
            }
        }
    }
}

fn set_offset(
    topics: &mut BTreeMap<Name, Observed<Topic>>,
    spec: OffsetSpec,
    place: &TopicPartition,
    offset: Observed<i64>,
) {
    let Some(Observed::Known(topic)) = topics.get_mut(&place.topic) else {
        return;
    };
    let mut partitions = topic.partitions.iter_mut();
    if let Some(partition) = partitions.find(|partition| partition.id == place.partition) {
        match spec {
            OffsetSpec::Earliest => partition.earliest = offset,
            OffsetSpec::Latest => partition.end = offset,
            OffsetSpec::LastStable => partition.last_stable = offset,
            OffsetSpec::Timestamp(_) => {}
        }
    }
}

/// Maximum number of similar names to keep.
const MAX_SIMILAR: usize = 3;

/// Returns the names that differ from `name` only in case, dots, dashes or underscores.
pub fn similar<'a>(name: &str, all: impl Iterator<Item = &'a String>) -> Vec<Name> {
    let plain = |name: &str| name.replace(['.', '-', '_'], "").to_lowercase();
    let wanted = plain(name);
    all.filter(|other| *other != name && plain(other) == wanted).take(MAX_SIMILAR).cloned().collect()
}

/// Reports whether Kafka allows the topic name. librdkafka mishandles invalid names.
pub fn is_valid_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&name.len()) && name.chars().all(legal) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka() -> Broker {
        let partition = |id, leader| Partition {
            id,
            leader,
            replicas: vec![1],
            in_sync: vec![1],
            earliest: Observed::unknown(ReasonKind::NoAnswer, "pending"),
            end: Observed::unknown(ReasonKind::NoAnswer, "pending"),
            last_stable: Observed::default(),
            open_transaction: None,
        };
        let broker = |id: i32| Node { id, address: format!("b{id}:9092") };
        let topic = Topic {
            exists: true,
            partitions: vec![partition(0, Some(1)), partition(1, None), partition(2, Some(2))],
            min_in_sync: Observed::default(),
            compacted: Observed::default(),
            similar: Vec::new(),
        };
        Broker {
            bootstrap: "b1:9092".into(),
            nodes: vec![broker(1), broker(2)],
            topics: [("orders".to_string(), Observed::Known(topic))].into(),
            ..Broker::default()
        }
    }

    fn partition_of_orders(partition: i32) -> TopicPartition {
        TopicPartition { topic: "orders".into(), partition }
    }

    #[test]
    fn requests_offsets_from_the_leader_of_each_partition() {
        let requests = requests(&kafka());
        let offsets = requests.iter().filter(|r| matches!(r.request, Request::Offsets(..)));
        let sent: Vec<_> = offsets.map(|r| (&r.request, r.brokers.join(","))).collect();
        let expected = [(0, "b1:9092"), (2, "b2:9092")].map(|(partition, address)| {
            [OffsetSpec::Earliest, OffsetSpec::Latest, OffsetSpec::LastStable].map(|spec| {
                let request = Request::Offsets(spec, vec![partition_of_orders(partition)]);
                (request, address.to_string())
            })
        });
        let expected = expected.as_flattened().iter();
        assert!(sent.iter().map(|(r, address)| (*r, address)).eq(expected.map(|(r, address)| (r, address))));
    }

    #[test]
    fn similar_names_differ_only_in_case_and_separators() {
        let all = ["orders", "order.placed", "Order_Placed", "order-placed", "order-placed-2"];
        let all = all.map(String::from);
        assert_eq!(similar("order-placed", all.iter()), ["order.placed", "Order_Placed"]);
        assert_eq!(similar("payments", all.iter()), [""; 0]);
    }

    #[test]
    fn unreachable_leader_affects_only_its_own_partitions() {
        let mut topics = kafka().topics;
        let offsets = Response::Offsets(vec![(partition_of_orders(0), Ok(7))]);
        store_offsets(&mut topics, OffsetSpec::Latest, &[partition_of_orders(0)], Ok(offsets));
        let unreachable = Reason::new(ReasonKind::Refused, "b2:9092 refuses connections");
        store_offsets(&mut topics, OffsetSpec::Latest, &[partition_of_orders(2)], Err(unreachable.clone()));
        let partitions = &topics["orders"].known().unwrap().partitions;
        assert_eq!(partitions[0].end, Observed::Known(7));
        assert_eq!(partitions[2].end, Observed::Unknown(unreachable));
        assert_eq!(partitions[0].earliest.reason().unwrap().message, "pending");
    }

    #[test]
    fn rejects_invalid_topic_names() {
        for name in ["orders", "a.b_c-9"] {
            assert!(is_valid_name(name), "{name}");
        }
        for name in ["", ".", "..", "a b", "a\0", &"x".repeat(250)] {
            assert!(!is_valid_name(name), "{name}");
        }
    }
}
