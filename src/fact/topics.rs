//! Facts about topics.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::topics::{InSync, TopicState};
use crate::text::plural;

fn for_topics(s: &Situation, read: impl Fn(&TopicState) -> Observed<(Value, String)>) -> Vec<Fact> {
    s.topics.all.iter().map(|topic| Fact::of(topic.name, read(topic), |value| value)).collect()
}

fn partitions(count: usize) -> String {
    plural::count(count as u64, "partition")
}

pub(super) fn exists(s: &Situation) -> Vec<Fact> {
    let unknown_topic = "the broker answers \"unknown topic\" when asked by name";
    for_topics(s, |topic| {
        topic.partitions.clone().map(|count| match count {
            Some(count) => (Value::Bool(true), partitions(count)),
            None => (Value::Bool(false), unknown_topic.to_string()),
        })
    })
}

pub(super) fn led(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        topic.led.clone().map(|(led, leaderless)| (Value::Bool(led), leaderless.describe()))
    })
}

pub(super) fn takes_writes(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        let writable = topic.writable.clone();
        writable.map(|in_sync| (Value::Bool(!matches!(in_sync, InSync::Few(..))), in_sync.describe()))
    })
}

pub(super) fn under_replicated(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        let short = topic.under_replicated.clone();
        short.map(|count| (Value::Count(count as u64), format!("{} under-replicated", partitions(count))))
    })
}

/// Counts the groups outside the pipeline that read each topic.
pub(super) fn other_readers(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        topic.other_readers.clone().map(|readers| {
            let descriptions: Vec<String> =
                readers.iter().map(|(name, state)| format!("group {name} {state}")).collect();
            let message = match descriptions.is_empty() {
                true => "no other groups read it".to_string(),
                false => format!("read by {}", descriptions.join("; ")),
            };
            (Value::Count(descriptions.len() as u64), message)
        })
    })
}
