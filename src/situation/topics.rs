//! The topics of the pipeline as their brokers report them, and other groups that read them.

use crate::evidence::{Name, Observed, OpenTransaction, Partition, ReasonKind, Topic};
use crate::pipeline::Pipeline;
use crate::situation::group_progress::describe;
use crate::situation::inputs::Inputs;
use crate::situation::settling::Settling;

/// The state of one topic.
pub struct TopicState<'a> {
    /// The name of the topic.
    pub name: &'a str,
    /// The number of its partitions; `None` if the broker does not know the topic.
    pub partitions: Observed<Option<usize>>,
    /// Whether each partition has a leader; unknown if the broker has just started.
    pub led: Observed<(bool, Leaderless)>,
    /// Whether enough replicas are in sync for a write with acks=all.
    pub writable: Observed<InSync>,
    /// How many partitions are under-replicated.
    pub under_replicated: Observed<usize>,
    /// The oldest open transaction of each partition that has one, the oldest first.
    pub open_transactions: Observed<Vec<(i32, &'a OpenTransaction)>>,
    /// Other topics with similar names, if the topic does not exist.
    pub similar: &'a [Name],
    /// Groups outside the pipeline that read the topic, with a description of their state.
    pub other_readers: Observed<Vec<(&'a str, String)>>,
}

/// Which partitions of a topic have no leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaderless {
    /// The topic has no partitions.
    NoPartitions,
    /// The ids of the partitions without a leader; empty if each partition has one.
    Partitions(Vec<i32>),
}

impl Leaderless {
    /// Describes the partitions: "partition 0, 2 without a leader".
    pub fn describe(&self) -> String {
        match self {
            Leaderless::NoPartitions => "no partitions".to_string(),
            Leaderless::Partitions(ids) if ids.is_empty() => "every partition has a leader".to_string(),
            Leaderless::Partitions(ids) => format!("partition {} without a leader", joined(ids)),
        }
    }
}

/// Whether enough replicas are in sync for a write with acks=all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InSync {
    /// All replicas are in sync.
    All,
    /// At least the required number of replicas are in sync.
    Enough(u64),
    /// These partitions have fewer replicas in sync than required.
    Few(Vec<i32>, u64),
}

impl InSync {
    /// Describes the replicas: "partition 1 has fewer than 2 replicas in sync".
    pub fn describe(&self) -> String {
        match self {
            InSync::All => "every replica is in sync".to_string(),
            InSync::Enough(least) => format!("at least {least} of its replicas are in sync"),
            InSync::Few(ids, least) => {
                format!("partition {} has fewer than {least} replicas in sync", joined(ids))
            }
        }
    }
}

fn joined(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The topics of the pipeline and their other readers.
pub struct Topics<'a> {
    /// All topics, in the pipeline's order.
    pub all: Vec<TopicState<'a>>,
    /// Groups outside the pipeline that read any of the topics, with a
    /// description of their state.
    pub other_readers: Vec<(&'a str, String)>,
}

/// Reads the topics as their brokers report them.
pub fn build<'a>(inputs: Inputs<'a>, settling: &Settling) -> Topics<'a> {
    let of = |name: &'a str| {
        let seen = inputs.topic(name);
        TopicState {
            name,
            partitions: seen.clone().map(|topic| topic.exists.then_some(topic.partitions.len())),
            open_transactions: seen.clone().and_then(open_transactions),
            similar: similar(seen.known().copied()),
            led: led(inputs.pipeline, settling, name, seen.clone()),
            writable: seen.clone().and_then(writable),
            under_replicated: seen.map(|topic| topic.partitions.iter().filter(|p| is_short(p)).count()),
            other_readers: other_readers(inputs, name),
        }
    };
    let brokers = inputs.brokers().filter_map(Observed::known);
    let others = brokers.filter_map(|broker| broker.other_groups.known()).flatten();
    Topics {
        all: inputs.pipeline.topic.iter().map(|topic| of(&topic.name)).collect(),
        other_readers: others.map(|(name, group)| (name.as_str(), describe(group))).collect(),
    }
}

fn led(
    pipeline: &Pipeline,
    settling: &Settling,
    name: &str,
    topic: Observed<&Topic>,
) -> Observed<(bool, Leaderless)> {
    topic.and_then(|topic| {
        let leaderless: Vec<i32> =
            topic.partitions.iter().filter(|p| p.leader.is_none()).map(|p| p.id).collect();
        let missing = !topic.exists || topic.partitions.is_empty();
        let led = !missing && leaderless.is_empty();
        let leaderless = if missing { Leaderless::NoPartitions } else { Leaderless::Partitions(leaderless) };
        // A broker that has just started does not lead any partitions yet, but it knows which topics there are.
        let broker = pipeline.broker(pipeline.broker_of_topic(name)).map(|broker| broker.service.get_ref());
        let young = broker
            .filter(|_| topic.exists && !led)
            .and_then(|broker| Some((broker, settling.just_started(broker)?)));
        match young {
            Some((broker, age)) => {
                let message = format!("{}; {broker} started {age} ago", leaderless.describe());
                Observed::unknown(ReasonKind::Young, message)
            }
            None => Observed::Known((led, leaderless)),
        }
    })
}

fn similar(topic: Option<&Topic>) -> &[Name] {
    topic.map_or(&[], |topic| &topic.similar)
}

fn open_transactions(topic: &Topic) -> Observed<Vec<(i32, &OpenTransaction)>> {
    // Recordings of earlier versions do not say where transactions are open.
    let unknown = topic.partitions.iter().find(|partition| partition.last_stable.known().is_none());
    let open = topic.partitions.iter().filter_map(|p| Some((p.id, p.open_transaction.as_ref()?)));
    let mut open: Vec<_> = open.collect();
    open.sort_by_key(|(_, open)| open.since);
    match unknown {
        Some(partition) if open.is_empty() => partition.last_stable.as_ref().map(|_| open),
        _ => Observed::Known(open),
    }
}

fn is_short(partition: &Partition) -> bool {
    partition.in_sync.len() < partition.replicas.len()
}

/// Judges whether a write with acks=all succeeds. It does if enough replicas are in sync, or if all
/// of them are, regardless of the required number.
fn writable(topic: &Topic) -> Observed<InSync> {
    let short: Vec<&Partition> =
        topic.partitions.iter().filter(|p| p.leader.is_some() && is_short(p)).collect();
    if short.is_empty() {
        return Observed::Known(InSync::All);
    }
    topic.min_in_sync.as_ref().map(|least| {
        let few = short.iter().filter(|p| (p.in_sync.len() as u64) < *least);
        let few: Vec<i32> = few.map(|p| p.id).collect();
        if few.is_empty() { InSync::Enough(*least) } else { InSync::Few(few, *least) }
    })
}

fn other_readers<'a>(inputs: Inputs<'a>, topic: &str) -> Observed<Vec<(&'a str, String)>> {
    let others = inputs.broker_of_topic(topic).and_then(|kafka| kafka.other_groups.as_ref());
    others.map(|others| {
        let reading = others.iter().filter(|(_, group)| group.reads(topic));
        reading.map(|(name, group)| (name.as_str(), describe(group))).collect()
    })
}
