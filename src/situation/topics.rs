//! The topics of the pipeline on their brokers, and who else reads them.

use crate::evidence::{Partition, Seen, Topic, WhyKind};
use crate::pipeline::Pipeline;
use crate::situation::progress::describe;
use crate::situation::settling::Settling;
use crate::situation::source::Source;

/// One topic.
pub struct TopicState<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its partitions; `None` where the broker knows no topic of that name.
    pub partitions: Seen<Option<usize>>,
    /// Whether each of its partitions has a leader, or could have had the time for one.
    pub led: Seen<(bool, Leaderless)>,
    /// Whether a write with acks=all would be taken.
    pub writable: Seen<InSync>,
    /// How many partitions have fewer replicas in sync than they should.
    pub under_replicated: Seen<usize>,
    /// Groups that the pipeline does not name and that read it, with their state in words.
    pub other_readers: Seen<Vec<(&'a str, String)>>,
}

/// Why a topic is not led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaderless {
    /// It has no partitions.
    NoPartitions,
    /// These have no leader; none: it is led.
    Partitions(Vec<i32>),
}

impl Leaderless {
    /// "partition 0, 2 without a leader".
    pub fn words(&self) -> String {
        match self {
            Leaderless::NoPartitions => "no partitions".to_string(),
            Leaderless::Partitions(ids) if ids.is_empty() => "every partition led".to_string(),
            Leaderless::Partitions(ids) => format!("partition {} without a leader", joined(ids)),
        }
    }
}

/// Whether enough replicas are in sync for a write with acks=all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InSync {
    /// All are, whatever the number is that is needed.
    All,
    /// So many as are needed.
    Enough(u64),
    /// These partitions have fewer than are needed.
    Few(Vec<i32>, u64),
}

impl InSync {
    /// "partition 1 has fewer than 2 replicas in sync".
    pub fn words(&self) -> String {
        match self {
            InSync::All => "every replica in sync".to_string(),
            InSync::Enough(least) => format!("at least {least} of its replicas in sync"),
            InSync::Few(ids, least) => {
                format!("partition {} has fewer than {least} replicas in sync", joined(ids))
            }
        }
    }
}

fn joined(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The topics.
pub struct Topics<'a> {
    /// Each of the pipeline's, in its order.
    pub all: Vec<TopicState<'a>>,
    /// Groups that the pipeline does not name and that read any of them, with their state
    /// in words.
    pub other_readers: Vec<(&'a str, String)>,
}

/// The topics as their brokers show them.
pub fn build<'a>(source: Source<'a>, settling: &Settling) -> Topics<'a> {
    let of = |name: &'a str| {
        let seen = source.topic(name);
        TopicState {
            name,
            partitions: seen.clone().map(|topic| topic.exists.then_some(topic.partitions.len())),
            led: led(source.pipeline, settling, name, seen.clone()),
            writable: seen.clone().and_then(writable),
            under_replicated: seen.map(|topic| topic.partitions.iter().filter(|p| is_short(p)).count()),
            other_readers: other_readers(source, name),
        }
    };
    let brokers = source.brokers().filter_map(Seen::known);
    let others = brokers.filter_map(|broker| broker.other_groups.known()).flatten();
    Topics {
        all: source.pipeline.topic.iter().map(|topic| of(&topic.name)).collect(),
        other_readers: others.map(|(name, group)| (name.as_str(), describe(group))).collect(),
    }
}

fn led(
    pipeline: &Pipeline,
    settling: &Settling,
    name: &str,
    topic: Seen<&Topic>,
) -> Seen<(bool, Leaderless)> {
    topic.and_then(|topic| {
        let leaderless: Vec<i32> =
            topic.partitions.iter().filter(|p| p.leader.is_none()).map(|p| p.id).collect();
        let none = !topic.exists || topic.partitions.is_empty();
        let led = !none && leaderless.is_empty();
        let leaderless = if none { Leaderless::NoPartitions } else { Leaderless::Partitions(leaderless) };
        // A broker that was started just now leads nothing yet.
        let broker = pipeline.broker(pipeline.broker_of_topic(name)).map(|broker| broker.service.get_ref());
        let young = broker.filter(|_| !led).and_then(|broker| Some((broker, settling.just_started(broker)?)));
        match young {
            Some((broker, age)) => {
                let say = format!("{}; {broker} was started {age} ago", leaderless.words());
                Seen::unknown(WhyKind::Young, say)
            }
            None => Seen::Known((led, leaderless)),
        }
    })
}

fn is_short(partition: &Partition) -> bool {
    partition.in_sync.len() < partition.replicas.len()
}

/// A write with acks=all needs so many replicas in sync; where all are, whatever
/// the number is.
fn writable(topic: &Topic) -> Seen<InSync> {
    let short: Vec<&Partition> =
        topic.partitions.iter().filter(|p| p.leader.is_some() && is_short(p)).collect();
    if short.is_empty() {
        return Seen::Known(InSync::All);
    }
    topic.min_in_sync.as_ref().map(|least| {
        let few = short.iter().filter(|p| (p.in_sync.len() as u64) < *least);
        let few: Vec<i32> = few.map(|p| p.id).collect();
        if few.is_empty() { InSync::Enough(*least) } else { InSync::Few(few, *least) }
    })
}

fn other_readers<'a>(source: Source<'a>, topic: &str) -> Seen<Vec<(&'a str, String)>> {
    let others = source.broker_of_topic(topic).and_then(|kafka| kafka.other_groups.as_ref());
    others.map(|others| {
        let reading = others.iter().filter(|(_, group)| group.reads(topic));
        reading.map(|(name, group)| (name.as_str(), describe(group))).collect()
    })
}
