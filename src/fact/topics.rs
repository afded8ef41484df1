//! Facts about topics.

use super::view::View;
use super::{Fact, Value};
use crate::evidence::{Partition, Seen, Topic, WhyKind};
use crate::plural;

fn for_topics(view: &View, tell: impl Fn(&Topic) -> (Value, String)) -> Vec<Fact> {
    let topics = view.pipeline.topic.iter();
    topics
        .map(|topic| {
            let seen = view.evidence.kafka.as_ref().and_then(|kafka| match kafka.topics.get(&topic.name) {
                Some(seen) => seen.as_ref(),
                None => Seen::unknown(WhyKind::Missing, format!("topic {} was not asked for", topic.name)),
            });
            Fact::of(topic.name.as_str(), seen, &tell)
        })
        .collect()
}

pub(super) fn exists(view: &View) -> Vec<Fact> {
    for_topics(view, |topic| match topic.exists {
        true => (Value::Bool(true), partitions(topic.partitions.len())),
        false => (Value::Bool(false), "the broker answers \"unknown topic\" when asked by name".to_string()),
    })
}

fn partitions(count: usize) -> String {
    plural::count(count as u64, "partition")
}

pub(super) fn led(view: &View) -> Vec<Fact> {
    for_topics(view, |topic| {
        let leaderless: Vec<String> =
            topic.partitions.iter().filter(|p| p.leader.is_none()).map(|p| p.id.to_string()).collect();
        let none = !topic.exists || topic.partitions.is_empty();
        let led = !none && leaderless.is_empty();
        let say = match (led, none) {
            (true, _) => "every partition led".to_string(),
            (false, true) => "no partitions".to_string(),
            (false, false) => format!("partition {} without a leader", leaderless.join(", ")),
        };
        (Value::Bool(led), say)
    })
}

pub(super) fn under_replicated(view: &View) -> Vec<Fact> {
    for_topics(view, |topic| {
        let short = |partition: &&Partition| partition.in_sync.len() < partition.replicas.len();
        let count = topic.partitions.iter().filter(short).count();
        (Value::Count(count as u64), format!("{} under-replicated", partitions(count)))
    })
}
