//! Facts about topics.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::base::unavailable_reason::ReasonKind;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::settling::grace;
use crate::situation::topics::{InSync, TopicState};
use crate::situation::workload::age;
use crate::text::plural;
use jiff::SignedDuration;

fn for_topics(s: &Situation, read: impl Fn(&TopicState) -> Observed<(Value, String)>) -> Vec<Fact> {
    s.topics.all.iter().map(|topic| Fact::of(topic.name, read(topic), |value| value)).collect()
}

fn partitions(count: usize) -> String {
    plural::count(count as u64, "partition")
}

pub(super) fn exists(s: &Situation) -> Vec<Fact> {
    let unknown_topic = |similar: &[Name]| {
        let unknown = "the broker answers \"unknown topic\" when asked by name";
        match similar {
            [] => unknown.to_string(),
            [one] => format!("{unknown}, but it has the similar {one}"),
            several => format!("{unknown}, but it has the similar {}", several.join(", ")),
        }
    };
    for_topics(s, |topic| {
        topic.partitions.clone().map(|count| match count {
            Some(count) => (Value::Bool(true), partitions(count)),
            None => (Value::Bool(false), unknown_topic(topic.similar)),
        })
    })
}

pub(super) fn led(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        topic.led.clone().map(|(led, leaderless)| (Value::Bool(led), leaderless.describe()))
    })
}

/// Reports whether consumers of committed records can read each topic to its end.
pub(super) fn unblocked(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        let open = topic.open_transactions.clone();
        let Some((partition, transaction)) = open.known().and_then(|open| open.first().copied()) else {
            return open.map(|_| (Value::Bool(true), "no transaction is open".to_string()));
        };
        let mut producer = transaction.producer.map(|id| format!("producer {id}")).unwrap_or_default();
        if let Some(id) = &transaction.transactional_id {
            producer = format!("{producer}, transactional.id {id}");
        }
        let place = format!("{}/{partition} offset {}", topic.name, transaction.offset);
        let by = if producer.is_empty() { String::new() } else { format!(" by {producer}") };
        let Some(since) = transaction.since else {
            let message = format!("a transaction is open at {place}{by}; since when is unknown");
            return Observed::unknown(ReasonKind::Missing, message);
        };
        let now = s.clocks.observed_at;
        let message = format!(
            "a transaction has been open at {place} since {} ({}){by}",
            since.strftime("%H:%M:%S"),
            age(now, since)
        );
        match now.duration_since(since) > longest_grace(s, topic.name) {
            true => Observed::Known((Value::Bool(false), message)),
            false => Observed::unknown(ReasonKind::Young, message),
        }
    })
}

/// How long a transaction may be open on a topic that belongs to no stage.
const USUAL_TRANSACTION: SignedDuration = SignedDuration::from_secs(60);

/// Returns the longest grace period of the stages that read a topic.
fn longest_grace(s: &Situation, topic: &str) -> SignedDuration {
    let stages = s.pipeline.stage.iter().filter(|stage| stage.topic_name() == topic);
    stages.map(grace).max().unwrap_or(USUAL_TRANSACTION)
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
