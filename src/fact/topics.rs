//! Facts about topics.

use crate::evidence::{Partition, Seen, Topic, WhyKind};
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::text::plural;

fn for_topics(s: &Situation, tell: impl Fn(&Topic) -> (Value, String)) -> Vec<Fact> {
    let topics = s.pipeline.topic.iter();
    topics.map(|topic| Fact::of(topic.name.as_str(), s.source.topic(&topic.name), &tell)).collect()
}

pub(super) fn exists(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| match topic.exists {
        true => (Value::Bool(true), partitions(topic.partitions.len())),
        false => (Value::Bool(false), "the broker answers \"unknown topic\" when asked by name".to_string()),
    })
}

fn partitions(count: usize) -> String {
    plural::count(count as u64, "partition")
}

pub(super) fn led(s: &Situation) -> Vec<Fact> {
    // A broker that was started just now leads nothing yet.
    let young = |topic: &str| {
        let broker = s.pipeline.broker(s.pipeline.broker_of_topic(topic))?.service.get_ref();
        Some((broker, s.settling.just_started(broker)?))
    };
    let wait = |fact: Fact| match (&fact.value, young(&fact.subject)) {
        (Seen::Known(Value::Bool(false)), Some((broker, age))) => {
            let say = format!("{}; {broker} was started {age} ago", fact.say);
            Fact::unseen::<()>(fact.subject.as_str(), &Seen::unknown(WhyKind::Young, say))
        }
        _ => fact,
    };
    led_now(s).into_iter().map(wait).collect()
}

fn led_now(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
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

/// A write with acks=all needs so many replicas in sync; where all are, whatever
/// the number is.
pub(super) fn takes_writes(s: &Situation) -> Vec<Fact> {
    let topics = s.pipeline.topic.iter();
    let tell = |topic: &Topic| {
        let short: Vec<&Partition> = topic
            .partitions
            .iter()
            .filter(|p| p.leader.is_some() && p.in_sync.len() < p.replicas.len())
            .collect();
        if short.is_empty() {
            return Seen::Known((Value::Bool(true), "every replica in sync".to_string()));
        }
        topic.min_in_sync.as_ref().map(|least| {
            let few = short.iter().filter(|p| (p.in_sync.len() as u64) < *least);
            let few: Vec<String> = few.map(|p| p.id.to_string()).collect();
            let say = match few.is_empty() {
                true => format!("at least {least} of its replicas in sync"),
                false => format!("partition {} has fewer than {least} replicas in sync", few.join(", ")),
            };
            (Value::Bool(few.is_empty()), say)
        })
    };
    let told = topics.map(|topic| {
        let seen = s.source.topic(&topic.name).and_then(tell);
        Fact::of(topic.name.as_str(), seen, |told| told)
    });
    told.collect()
}

pub(super) fn under_replicated(s: &Situation) -> Vec<Fact> {
    for_topics(s, |topic| {
        let short = |partition: &&Partition| partition.in_sync.len() < partition.replicas.len();
        let count = topic.partitions.iter().filter(short).count();
        (Value::Count(count as u64), format!("{} under-replicated", partitions(count)))
    })
}
