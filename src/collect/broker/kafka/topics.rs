//! Topics: each asked for by name, and both ends of its partitions.

use crate::collect::broker::kafka::client::{self, Asked, Session};
use crate::collect::broker::kafka::sys::{Answer, Bound, Fault, Question};
use crate::evidence::{Broker, Name, Node, Partition, Seen, Topic, TopicPartition, Why, WhyKind};
use rdkafka::metadata::{Metadata, MetadataPartition};
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;

/// One topic, asked for by name. Its offsets are left `pending`.
pub fn look(session: &mut Session, name: &str, at: &[String], pending: &Why) -> Seen<Topic> {
    if !is_possible(name) {
        let say = format!("`{name}` is not a name that a topic can have");
        return Seen::unknown(WhyKind::Failed, say);
    }
    let metadata = session.metadata(name, at);
    metadata.and_then(|m| read(&m, name, pending)).into()
}

/// A topic of the metadata: absent, or with its partitions.
pub fn read(metadata: &Metadata, name: &str, pending: &Why) -> Result<Topic, Why> {
    let topic = metadata.topics().iter().find(|topic| topic.name() == name);
    let topic = topic.ok_or_else(|| Why::new(WhyKind::Failed, "the broker's answer lacks the topic"))?;
    let mut partitions = Vec::new();
    let exists = match topic.error().and_then(Fault::of) {
        None => {
            partitions.extend(topic.partitions().iter().map(|p| partition(p, pending)));
            partitions.sort_by_key(|partition| partition.id);
            true
        }
        Some(fault) if fault.code == RDKafkaErrorCode::UnknownTopicOrPartition => false,
        Some(fault) => return Err(client::refused_by_broker(&fault)),
    };
    Ok(Topic { exists, partitions, min_in_sync: Seen::Unknown(pending.clone()) })
}

fn partition(partition: &MetadataPartition, pending: &Why) -> Partition {
    let leader = Some(partition.leader()).filter(|id| *id >= 0);
    let offset = match leader {
        Some(_) => Seen::Unknown(pending.clone()),
        None => Seen::unknown(WhyKind::Missing, "nobody leads the partition"),
    };
    Partition {
        id: partition.id(),
        leader,
        replicas: partition.replicas().to_vec(),
        in_sync: partition.isr().to_vec(),
        earliest: offset.clone(),
        end: offset,
    }
}

/// Both ends of all led partitions: two questions to each leader, so that one
/// that cannot be reached keeps only its own back. And the topics' settings, of
/// whichever broker answers.
pub fn questions(kafka: &Broker) -> Vec<Asked> {
    let mut asked = ends(kafka, &[Bound::Earliest, Bound::End], led(kafka));
    let there = kafka.topics.iter().filter(|(_, topic)| topic.known().is_some_and(|topic| topic.exists));
    let names: Vec<Name> = there.map(|(name, _)| name.clone()).collect();
    if !names.is_empty() {
        asked.push(Asked { question: Question::MinInSync(names), at: kafka.addresses() });
    }
    asked
}

/// Puts the topics' settings, or the reason why there are none, to their topics.
pub fn enter_settings(topics: &mut BTreeMap<Name, Seen<Topic>>, asked: &[Name], answer: Result<Answer, Why>) {
    let mut set = |name: &Name, value: Seen<u64>| {
        if let Some(Seen::Known(topic)) = topics.get_mut(name) {
            topic.min_in_sync = value;
        }
    };
    match answer {
        Ok(Answer::MinInSync(values)) => values.into_iter().for_each(|(name, value)| {
            set(&name, value.map_err(|fault| client::refused_by_broker(&fault)).into());
        }),
        Ok(_) => {}
        Err(why) => asked.iter().for_each(|name| set(name, Seen::Unknown(why.clone()))),
    }
}

/// The partitions by their leaders.
fn led(kafka: &Broker) -> BTreeMap<i32, Vec<TopicPartition>> {
    let mut led: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
    for (name, topic) in &kafka.topics {
        let partitions = topic.known().map(|topic| topic.partitions.as_slice());
        for partition in partitions.unwrap_or_default() {
            if let Some(leader) = partition.leader {
                led.entry(leader)
                    .or_default()
                    .push(TopicPartition { topic: name.clone(), partition: partition.id });
            }
        }
    }
    led
}

/// The ends of all led partitions once more.
pub fn ends_again(kafka: &Broker) -> Vec<Asked> {
    ends(kafka, &[Bound::End], led(kafka))
}

fn ends(kafka: &Broker, bounds: &[Bound], led: BTreeMap<i32, Vec<TopicPartition>>) -> Vec<Asked> {
    let asked = led.into_iter().flat_map(|(leader, partitions)| {
        let at = addresses(&kafka.nodes, leader);
        let asked = bounds
            .iter()
            .map(|bound| Asked { question: Question::Offsets(*bound, partitions.clone()), at: at.clone() });
        asked.collect::<Vec<_>>()
    });
    asked.collect()
}

fn addresses(brokers: &[Node], id: i32) -> Vec<String> {
    let leader = brokers.iter().filter(|broker| broker.id == id);
    leader.map(|broker| broker.address.clone()).collect()
}

/// Puts offsets, or the reason why there are none, to their partitions.
pub fn enter(
    topics: &mut BTreeMap<Name, Seen<Topic>>,
    bound: Bound,
    asked: &[TopicPartition],
    answer: Result<Answer, Why>,
) {
    match answer {
        Ok(Answer::Offsets(offsets)) => {
            for (partition, offset) in offsets {
                let offset = offset.map_err(|fault| client::refused_by_broker(&fault));
                set(topics, bound, &partition, offset.into());
            }
        }
        Ok(_) => {}
        Err(why) => {
            for partition in asked {
                set(topics, bound, partition, Seen::Unknown(why.clone()));
            }
        }
    }
}

fn set(topics: &mut BTreeMap<Name, Seen<Topic>>, bound: Bound, at: &TopicPartition, offset: Seen<i64>) {
    let Some(Seen::Known(topic)) = topics.get_mut(&at.topic) else {
        return;
    };
    let mut partitions = topic.partitions.iter_mut();
    if let Some(partition) = partitions.find(|partition| partition.id == at.partition) {
        match bound {
            Bound::Earliest => partition.earliest = offset,
            Bound::End => partition.end = offset,
            Bound::At(_) => {}
        }
    }
}

/// Whether Kafka's rules for names allow it (librdkafka ends badly on others).
fn is_possible(name: &str) -> bool {
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
            earliest: Seen::unknown(WhyKind::NoAnswer, "pending"),
            end: Seen::unknown(WhyKind::NoAnswer, "pending"),
        };
        let broker = |id: i32| Node { id, address: format!("b{id}:9092") };
        let topic = Topic {
            exists: true,
            partitions: vec![partition(0, Some(1)), partition(1, None), partition(2, Some(2))],
            min_in_sync: Seen::default(),
        };
        Broker {
            bootstrap: "b1:9092".into(),
            nodes: vec![broker(1), broker(2)],
            topics: [("orders".to_string(), Seen::Known(topic))].into(),
            ..Broker::default()
        }
    }

    fn of(partition: i32) -> TopicPartition {
        TopicPartition { topic: "orders".into(), partition }
    }

    #[test]
    fn each_leader_is_asked_for_what_it_leads() {
        let asked = questions(&kafka());
        let offsets = asked.iter().filter(|a| matches!(a.question, Question::Offsets(..)));
        let asked: Vec<_> = offsets.map(|a| (&a.question, a.at.join(","))).collect();
        let expected = [(0, "b1:9092"), (2, "b2:9092")].map(|(partition, at)| {
            [Bound::Earliest, Bound::End].map(|bound| {
                let question = Question::Offsets(bound, vec![of(partition)]);
                (question, at.to_string())
            })
        });
        let expected = expected.as_flattened().iter();
        assert!(asked.iter().map(|(q, at)| (*q, at)).eq(expected.map(|(q, at)| (q, at))));
    }

    #[test]
    fn one_leader_that_does_not_answer_leaves_the_others_offsets() {
        let mut topics = kafka().topics;
        let offsets = Answer::Offsets(vec![(of(0), Ok(7))]);
        enter(&mut topics, Bound::End, &[of(0)], Ok(offsets));
        let gone = Why::new(WhyKind::Refused, "b2:9092 refuses connections");
        enter(&mut topics, Bound::End, &[of(2)], Err(gone.clone()));
        let partitions = &topics["orders"].known().unwrap().partitions;
        assert_eq!(partitions[0].end, Seen::Known(7));
        assert_eq!(partitions[2].end, Seen::Unknown(gone));
        assert_eq!(partitions[0].earliest.why().unwrap().say, "pending");
    }

    #[test]
    fn names_that_no_topic_can_have_are_not_asked_for() {
        for name in ["orders", "a.b_c-9"] {
            assert!(is_possible(name), "{name}");
        }
        for name in ["", ".", "..", "a b", "a\0", &"x".repeat(250)] {
            assert!(!is_possible(name), "{name}");
        }
    }
}
