//! Facts about topics.

use crate::base::observed::Seen;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::topics::{InSync, TopicState};
use crate::text::plural;

fn for_topics(s: &Situation, tell: impl Fn(&TopicState) -> Seen<(Value, String)>) -> Vec<Fact> {
    s.topics.all.iter().map(|topic| Fact::of(topic.name, tell(topic), |told| told)).collect()
}

fn partitions(count: usize) -> String {
    plural::count(count as u64, "partition")
}

pub(super) fn exists(s: &Situation) -> Vec<Fact> {
    let unknown = "the broker answers \"unknown topic\" when asked by name";
    for_topics(s, |topic| {
        topic.partitions.clone().map(|count| match count {
            Some(count) => (Value::Bool(true), partitions(count)),
            None => (Value::Bool(false), unknown.to_string()),
        })
    })
}

pub(super) fn led(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| topic.led.clone().map(|(led, leaderless)| (Value::Bool(led), leaderless.words())))
}

pub(super) fn takes_writes(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        let writable = topic.writable.clone();
        writable.map(|in_sync| (Value::Bool(!matches!(in_sync, InSync::Few(..))), in_sync.words()))
    })
}

pub(super) fn under_replicated(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        let short = topic.under_replicated.clone();
        short.map(|count| (Value::Count(count as u64), format!("{} under-replicated", partitions(count))))
    })
}

/// Groups that the pipeline does not name and that read a topic of it.
pub(super) fn other_readers(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        topic.other_readers.clone().map(|readers| {
            let told: Vec<String> =
                readers.iter().map(|(name, state)| format!("group {name} {state}")).collect();
            let say = match told.is_empty() {
                true => "read by nobody else".to_string(),
                false => format!("read by {}", told.join("; ")),
            };
            (Value::Count(told.len() as u64), say)
        })
    })
}
