//! The progress of each worker's consumer group: its committed offsets joined with the
//! earliest and end offsets of every partition of its topics.

use crate::evidence::{
    Broker, FirstWaiting, Group, GroupProtocol, Instance, Observed, Partition, ReasonKind, Topic,
    TopicPartition,
};
use crate::pipeline::Worker;
use crate::situation::inputs::Inputs;
use crate::situation::workload::Workloads;
use crate::text::plural;
use std::collections::BTreeMap;

/// A group's progress on one partition.
#[derive(Debug, Clone)]
pub struct PartitionProgress<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset of the oldest record that still exists.
    pub earliest: Observed<i64>,
    /// The offset that the next record will have.
    pub end: Observed<i64>,
    /// The offset at which the group has to wait although the partition goes on: that of the oldest open
    /// transaction, or its own if only aborted or control records follow.
    pub waits_at: Option<i64>,
    /// The committed offset, which is the next one that the group will read; `None` if the group
    /// has committed nothing.
    pub committed: Option<i64>,
}

impl PartitionProgress<'_> {
    /// Returns how many records the partition still holds.
    fn held(&self) -> Observed<u64> {
        let end = self.end.clone();
        self.earliest
            .clone()
            .and_then(|earliest| end.map(|end| u64::try_from(end.saturating_sub(earliest)).unwrap_or(0)))
    }

    /// Returns the offset up to which the group can read, given the partition's end offset.
    fn readable(&self, end: i64) -> i64 {
        self.waits_at.map_or(end, |open| open.min(end))
    }

    /// Returns the offset at which the group continues; deleted records are skipped.
    fn position(&self) -> Option<i64> {
        Some(self.committed?.max(*self.earliest.known()?))
    }
}

/// A difference of one offset may be a control record, which no consumer takes.
const CONTROL_RECORD: i64 = 1;

impl PartitionProgress<'_> {
    /// Returns how many records were deleted before the group took them.
    fn deleted(&self) -> Option<u64> {
        let gap = self.earliest.known()?.saturating_sub(self.committed?);
        Some(if gap > CONTROL_RECORD { gap.unsigned_abs() } else { 0 })
    }
}

/// A partition for which a group has not committed an offset.
#[derive(Debug, Clone, Copy)]
pub struct UncommittedPartition<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// How many records it holds.
    pub records: u64,
}

/// End offsets and committed offsets of one group at one point in time, summed over the partitions
/// on which it has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Milliseconds after the first sample.
    pub after_ms: u64,
    /// The sum of the committed offsets.
    pub committed: i64,
    /// The sum of the end offsets.
    pub end: i64,
    /// The number of partitions.
    pub partitions: i64,
}

impl Point {
    /// Returns the number of records that are not yet committed.
    pub fn lag(self) -> i64 {
        self.end.saturating_sub(self.committed).max(0)
    }
}

/// A worker's consumer group and its progress.
#[derive(Debug, Clone)]
pub struct GroupProgress<'a> {
    /// The worker.
    pub worker: &'a Worker,
    /// The group as the broker describes it.
    pub group: Observed<&'a Group>,
    /// Another group that the worker's container has joined instead of its own.
    pub member_of_other_group: Option<&'a str>,
    /// Whether the worker's container is a member of its group.
    pub is_member: bool,
    /// How many partitions of the worker's topics are assigned to members of the group.
    pub assigned_partitions: usize,
    /// The progress on each partition of the worker's topics, ordered by topic, then by
    /// partition.
    pub partitions: Vec<PartitionProgress<'a>>,
    /// The partitions of the worker's topics on which the group has committed nothing,
    /// including empty ones. Missing topics have no partitions.
    pub uncommitted: Observed<Vec<UncommittedPartition<'a>>>,
    /// Records that were deleted before the group took them, by partition.
    pub deleted: Observed<Vec<(TopicPartition, u64)>>,
    /// Records between the committed and the end offsets; `None` if unknown, for example
    /// because nothing is committed on a partition that holds records.
    pub lag: Option<u64>,
    /// The group's complete samples, in chronological order.
    pub points: Vec<Point>,
    /// Whether the group's broker was observed.
    pub is_seen: bool,
    /// Whether the broker has the topic of committed offsets, without which the group has no
    /// coordinator.
    pub offsets_topic: Observed<bool>,
    /// Whether a group outside the pipeline reads one of the worker's topics; `None` if other
    /// groups were not observed.
    pub read_by_others: Option<bool>,
    /// Whether one of the worker's topics is missing or has a partition without a leader.
    pub has_unreadable_topic: bool,
    committed: Observed<BTreeMap<(&'a str, i32), i64>>,
}

impl<'a> GroupProgress<'a> {
    fn build(inputs: Inputs<'a>, workloads: &Workloads<'a>, worker: &'a Worker) -> Self {
        let kafka = inputs.broker_of(worker);
        let group = group_of(worker, &kafka);
        let commits = group.clone().and_then(|group| group.committed.as_ref());
        let committed = commits.map(|commits| {
            let at = commits.iter().map(|c| ((c.topic.as_str(), c.partition), c.offset));
            at.collect::<BTreeMap<_, _>>()
        });
        let seen = kafka.known().copied();
        let none = BTreeMap::new();
        let known = committed.known().unwrap_or(&none);
        let partitions =
            seen.map(|kafka| partitions(kafka, worker, group.known().copied(), known)).unwrap_or_default();
        let uncommitted = uncommitted(worker, &kafka, &committed, &partitions);
        let container = workloads.known(&worker.name);
        let has_container = |group: &&Group| container.is_some_and(|container| has_member(group, container));
        let topics = worker.topics.iter().filter_map(|topic| inputs.topic(topic.get_ref()).known().copied());
        GroupProgress {
            worker,
            member_of_other_group: container
                .zip(seen)
                .and_then(|(c, kafka)| member_of_other_group(kafka, worker, c)),
            is_member: group.known().is_some_and(has_container),
            assigned_partitions: group.known().map_or(0, |group| assigned_partitions(worker, group)),
            lag: seen.and_then(|_| lag(&uncommitted, &committed, &partitions)),
            points: match (seen, committed.known()) {
                (Some(kafka), Some(_)) => points(kafka, worker, &partitions),
                _ => Vec::new(),
            },
            deleted: committed.as_ref().map(|_| deleted(&partitions)),
            is_seen: seen.is_some(),
            offsets_topic: inputs.broker_of(worker).and_then(|broker| broker.offsets_topic.clone()),
            read_by_others: seen.and_then(|kafka| read_by_others(kafka, worker)),
            has_unreadable_topic: topics.into_iter().any(|topic| !is_led(topic)),
            group,
            partitions,
            uncommitted,
            committed,
        }
    }

    /// Returns the committed offset of a partition of any topic; `None` if nothing is
    /// committed.
    pub fn committed(&self, topic: &str, partition: i32) -> Observed<Option<i64>> {
        let committed = self.committed.as_ref();
        committed.map(|committed| committed.get(&(topic, partition)).copied())
    }

    /// Reports whether the group has committed nothing at all.
    pub fn has_committed_nothing(&self) -> Observed<bool> {
        self.committed.as_ref().map(BTreeMap::is_empty)
    }

    /// Reports whether the group has committed on any partition of the worker's topics.
    pub fn has_committed(&self) -> bool {
        self.partitions.iter().any(|partition| partition.committed.is_some())
    }

    /// Reports whether a partition without a committed offset holds records.
    pub fn has_unconsumed_records(&self) -> Observed<bool> {
        self.uncommitted.as_ref().map(|uncommitted| uncommitted.iter().any(|partition| partition.records > 0))
    }

    /// Reports whether the worker's topics hold records.
    pub fn holds_records(&self) -> bool {
        self.partitions.iter().any(|partition| partition.end.known() > partition.earliest.known())
    }

    /// Reports whether the group has no members.
    pub fn is_empty(&self) -> Option<bool> {
        self.group.known().map(|group| group.members.is_empty())
    }
}

/// The progress of all workers' groups.
pub struct Progress<'a>(BTreeMap<&'a str, GroupProgress<'a>>);

impl<'a> Progress<'a> {
    /// Joins committed offsets, partitions and members.
    pub fn build(inputs: Inputs<'a>, workloads: &Workloads<'a>) -> Self {
        let workers = inputs.pipeline.worker.iter();
        Progress(workers.map(|w| (w.name.as_str(), GroupProgress::build(inputs, workloads, w))).collect())
    }

    /// Returns the progress of a worker's group.
    pub fn of(&self, worker: &Worker) -> &GroupProgress<'a> {
        &self.0[worker.name.as_str()]
    }
}

/// Returns a worker's group as the broker describes it.
fn group_of<'a>(worker: &Worker, kafka: &Observed<&'a Broker>) -> Observed<&'a Group> {
    let kafka = worker.group().and_then(|name| kafka.clone().map(|kafka| (name, kafka)));
    kafka.and_then(|(name, kafka)| match kafka.groups.get(name) {
        Some(group) => group.as_ref(),
        None => Observed::unknown(ReasonKind::Missing, format!("group {name} was not queried")),
    })
}

/// Returns the partitions of a worker's topics, including those that have a committed
/// offset but were not observed.
fn partitions<'a>(
    kafka: &'a Broker,
    worker: &'a Worker,
    group: Option<&Group>,
    committed: &BTreeMap<(&'a str, i32), i64>,
) -> Vec<PartitionProgress<'a>> {
    let mut all: Vec<PartitionProgress> = Vec::new();
    for topic in &worker.topics {
        let name = topic.get_ref().as_str();
        if all.iter().any(|partition| partition.topic == name) {
            continue;
        }
        let seen =
            kafka.topics.get(name).and_then(Observed::known).map_or(&[][..], |topic| &topic.partitions);
        all.extend(seen.iter().map(|Partition { id, earliest, end, open_transaction, .. }| {
            let committed = committed.get(&(name, *id)).copied();
            let open = open_transaction.as_ref().map(|open| open.offset);
            let is_here = |waiting: &&FirstWaiting| waiting.topic == name && waiting.partition == *id;
            let first = group.and_then(|group| group.waiting.iter().find(is_here));
            let nothing = committed.filter(|_| first.is_some_and(|first| !first.exists));
            PartitionProgress {
                topic: name,
                partition: *id,
                earliest: earliest.clone(),
                end: end.clone(),
                waits_at: nothing
                    .or_else(|| open.filter(|open| committed.is_some_and(|committed| committed <= *open))),
                committed,
            }
        }));
        let unavailable =
            committed.iter().filter(|((topic, id), _)| *topic == name && !seen.iter().any(|p| p.id == *id));
        let not_observed = || Observed::unknown(ReasonKind::Missing, "its partition was not seen");
        all.extend(unavailable.map(|((_, id), offset)| PartitionProgress {
            topic: name,
            partition: *id,
            earliest: not_observed(),
            end: not_observed(),
            waits_at: None,
            committed: Some(*offset),
        }));
    }
    all
}

fn deleted(partitions: &[PartitionProgress]) -> Vec<(TopicPartition, u64)> {
    let place = |p: &PartitionProgress| TopicPartition { topic: p.topic.to_string(), partition: p.partition };
    let deleted = partitions.iter().filter_map(|p| Some((place(p), p.deleted()?)));
    deleted.filter(|(_, records)| *records > 0).collect()
}

fn uncommitted<'a>(
    worker: &Worker,
    kafka: &Observed<&'a Broker>,
    committed: &Observed<BTreeMap<(&'a str, i32), i64>>,
    partitions: &[PartitionProgress<'a>],
) -> Observed<Vec<UncommittedPartition<'a>>> {
    kafka.clone().and_then(|kafka| {
        if worker.group().known().is_none() {
            return Observed::Known(Vec::new());
        }
        committed.as_ref().and_then(|_| {
            let unavailable = |topic: &&String| kafka.topics.get(*topic).and_then(Observed::known).is_none();
            let topics = || worker.topics.iter().map(|topic| topic.get_ref());
            let mut uncommitted = Vec::new();
            // Report the first gap in topic order.
            for topic in topics() {
                if unavailable(&topic) {
                    return Observed::unknown(ReasonKind::Missing, format!("topic {topic} was not seen"));
                }
                for partition in partitions.iter().filter(|p| p.topic == topic && p.committed.is_none()) {
                    let (topic, partition, held) = (partition.topic, partition.partition, partition.held());
                    match held {
                        Observed::Known(records) => {
                            uncommitted.push(UncommittedPartition { topic, partition, records })
                        }
                        other => return other.map(|_| Vec::new()),
                    }
                }
            }
            Observed::Known(uncommitted)
        })
    })
}

fn lag(
    uncommitted: &Observed<Vec<UncommittedPartition>>,
    committed: &Observed<BTreeMap<(&str, i32), i64>>,
    partitions: &[PartitionProgress],
) -> Option<u64> {
    if uncommitted.known()?.iter().any(|partition| partition.records > 0) {
        return None;
    }
    committed.known()?;
    let committed = partitions.iter().filter(|partition| partition.committed.is_some());
    // Deleted records do not wait.
    let lags = committed.map(|partition| {
        Some(partition.readable(*partition.end.known()?).saturating_sub(partition.position()?))
    });
    lags.map(|lag| Some(u64::try_from(lag?).unwrap_or(0)))
        .try_fold(0, |sum: u64, lag| Some(sum.saturating_add(lag?)))
}

fn points(kafka: &Broker, worker: &Worker, partitions: &[PartitionProgress]) -> Vec<Point> {
    let committed = partitions.iter().filter(|partition| partition.committed.is_some());
    let first =
        committed.map(|partition| Some((partition.position()?, partition.readable(*partition.end.known()?))));
    let again = kafka.again.iter().map(|sample| {
        let later = sample.committed.get(worker.group.as_ref()?)?.iter();
        let later = later.filter(|committed| worker.consumes(&committed.topic)).map(|c| {
            let partition = partitions.iter().find(|p| p.topic == c.topic && p.partition == c.partition)?;
            let mut ends = sample.ends.iter();
            let end = ends.find(|end| end.topic == c.topic && end.partition == c.partition)?;
            Some((c.offset.max(*partition.earliest.known()?), partition.readable(end.offset)))
        });
        sum(sample.after_ms, later)
    });
    [sum(0, first)].into_iter().chain(again).flatten().collect()
}

fn sum(after_ms: u64, pairs: impl Iterator<Item = Option<(i64, i64)>>) -> Option<Point> {
    let pairs: Option<Vec<(i64, i64)>> = pairs.collect();
    let pairs = pairs?;
    let partitions = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
    let (committed, end) = pairs
        .into_iter()
        .fold((0_i64, 0_i64), |sum, pair| (sum.0.saturating_add(pair.0), sum.1.saturating_add(pair.1)));
    Some(Point { after_ms, committed, end, partitions })
}

/// Counts the partitions of the worker's topics that are assigned to members of its group.
fn assigned_partitions(worker: &Worker, group: &Group) -> usize {
    group.partitions().filter(|partition| worker.consumes(&partition.topic)).count()
}

/// Reports whether a member of the group connects from an address of the container on one
/// of the engine's networks.
fn has_member(group: &Group, container: &Instance) -> bool {
    let mut hosts = group.members.iter().map(|member| member.host.trim_start_matches('/'));
    hosts.any(|host| {
        container.addresses.networks.values().any(|address| !address.is_empty() && address == host)
    })
}

/// Returns another group that the worker's container has joined, unless the container is also a
/// member of its own group.
fn member_of_other_group<'a>(kafka: &'a Broker, worker: &Worker, container: &Instance) -> Option<&'a str> {
    let others = kafka.other_groups.known().into_iter().flatten().map(|(name, group)| (name, Some(group)));
    let mut groups = kafka.groups.iter().map(|(name, group)| (name, group.known())).chain(others);
    let declared = kafka.groups.get(worker.group.as_ref()?).and_then(Observed::known);
    let other = groups.find(|(name, group)| {
        Some(*name) != worker.group.as_ref() && group.is_some_and(|group| has_member(group, container))
    });
    other
        .filter(|_| !declared.is_some_and(|group| has_member(group, container)))
        .map(|(name, _)| name.as_str())
}

fn read_by_others(kafka: &Broker, worker: &Worker) -> Option<bool> {
    let others = kafka.other_groups.known()?;
    Some(others.values().any(|group| worker.topics.iter().any(|topic| group.reads(topic.get_ref()))))
}

fn is_led(topic: &Topic) -> bool {
    topic.exists && topic.partitions.iter().all(|partition| partition.leader.is_some())
}

/// Describes a group: "stable, type consumer, 2 members (instance a, instance b)".
pub fn describe(group: &Group) -> String {
    let state = group.state.as_str().replace('-', " ");
    let members = plural::count(group.members.len() as u64, "member");
    let instances = group.members.iter().filter_map(|member| member.instance_id.as_deref());
    let instances: Vec<String> = instances.map(|instance| format!("instance {instance}")).collect();
    let kind = if group.protocol == GroupProtocol::Classic {
        String::new()
    } else {
        format!(", type {}", group.protocol)
    };
    let static_members =
        if instances.is_empty() { String::new() } else { format!(" ({})", instances.join(", ")) };
    format!("{state}{kind}, {members}{static_members}")
}
