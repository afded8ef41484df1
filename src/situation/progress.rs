//! How far each worker's group has come on each partition of its topics: what it has
//! committed beside where the partition begins and ends. Joined here, once.

use crate::evidence::{Broker, Group, GroupProtocol, Instance, Partition, Seen, Topic, WhyKind};
use crate::pipeline::Worker;
use crate::situation::source::Source;
use crate::situation::workload::Workloads;
use crate::text::plural;
use std::collections::BTreeMap;

/// A group's progress on one partition.
#[derive(Debug, Clone)]
pub struct PartitionProgress<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// The offset of the oldest record that is still there.
    pub earliest: Seen<i64>,
    /// The offset that the next record will get.
    pub end: Seen<i64>,
    /// The next offset that the group wants; `None`: it has committed nothing.
    pub committed: Option<i64>,
}

impl PartitionProgress<'_> {
    /// Records that the partition still holds.
    fn held(&self) -> Seen<u64> {
        let end = self.end.clone();
        self.earliest.clone().and_then(|earliest| end.map(|end| u64::try_from(end - earliest).unwrap_or(0)))
    }

    /// Where the group reads on: what has been deleted nobody waits for.
    fn from(&self) -> Option<i64> {
        Some(self.committed?.max(*self.earliest.known()?))
    }
}

/// A partition on which a group has committed nothing.
#[derive(Debug, Clone, Copy)]
pub struct Untaken<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Records that it holds.
    pub records: u64,
}

/// Ends and commits of one group at one time, over the partitions on which it
/// has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Milliseconds after the first look.
    pub after_ms: u64,
    /// The sum of its commits.
    pub committed: i64,
    /// The sum of the ends.
    pub end: i64,
    /// How many partitions these are.
    pub partitions: i64,
}

impl Point {
    /// Records between the two.
    pub fn lag(self) -> i64 {
        (self.end - self.committed).max(0)
    }
}

/// A worker's group and its progress.
#[derive(Debug, Clone)]
pub struct GroupProgress<'a> {
    /// The worker.
    pub worker: &'a Worker,
    /// Its group, as the broker describes it.
    pub group: Seen<&'a Group>,
    /// Another group of which its container is a member, and not of its own.
    pub member_elsewhere: Option<&'a str>,
    /// Whether its container is a member of its group.
    pub is_member: bool,
    /// How many partitions of its topics the group's members have.
    pub own_partitions: usize,
    /// Its progress on the partitions of its topics: in the order of the topics, then of
    /// the partitions.
    pub partitions: Vec<PartitionProgress<'a>>,
    /// The partitions of its topics on which its group has committed nothing, empty ones
    /// too. Topics that do not exist have none.
    pub untaken: Seen<Vec<Untaken<'a>>>,
    /// Records between its commits and the ends; `None` where it is not known: for a
    /// partition that holds records nothing is committed, say.
    pub lag: Option<u64>,
    /// The group at each time it was looked at, as far as all of it was seen.
    pub points: Vec<Point>,
    /// Whether its broker was seen.
    pub is_seen: bool,
    /// Whether anybody reads one of its topics in a group that the pipeline does not name;
    /// not known where such groups were not seen.
    pub others_read: Option<bool>,
    /// Its topics that are not there, or of which a partition has no leader.
    pub nothing_to_read: bool,
    committed: Seen<BTreeMap<(&'a str, i32), i64>>,
}

impl<'a> GroupProgress<'a> {
    fn build(source: Source<'a>, workloads: &Workloads<'a>, worker: &'a Worker) -> Self {
        let kafka = source.broker_of(worker);
        let group = group_of(worker, &kafka);
        let commits = group.clone().and_then(|group| group.committed.as_ref());
        let committed = commits.map(|commits| {
            let at = commits.iter().map(|c| ((c.topic.as_str(), c.partition), c.offset));
            at.collect::<BTreeMap<_, _>>()
        });
        let seen = kafka.known().copied();
        let none = BTreeMap::new();
        let known = committed.known().unwrap_or(&none);
        let partitions = seen.map(|kafka| partitions(kafka, worker, known)).unwrap_or_default();
        let untaken = untaken(worker, &kafka, &committed, &partitions);
        let container = workloads.known(&worker.name);
        let own = |group: &&Group| container.is_some_and(|container| has_member(group, container));
        let topics = worker.topics.iter().filter_map(|topic| source.topic(topic.get_ref()).known().copied());
        GroupProgress {
            worker,
            member_elsewhere: container.zip(seen).and_then(|(c, kafka)| member_elsewhere(kafka, worker, c)),
            is_member: group.known().is_some_and(own),
            own_partitions: group.known().map_or(0, |group| own_partitions(worker, group)),
            lag: seen.and_then(|_| lag(&untaken, &committed, &partitions)),
            points: match (seen, committed.known()) {
                (Some(kafka), Some(_)) => points(kafka, worker, &partitions),
                _ => Vec::new(),
            },
            is_seen: seen.is_some(),
            others_read: seen.and_then(|kafka| others_read(kafka, worker)),
            nothing_to_read: topics.into_iter().any(|topic| !is_led(topic)),
            group,
            partitions,
            untaken,
            committed,
        }
    }

    /// What the group has committed for a partition, of whatever topic; `None`: nothing.
    pub fn committed(&self, topic: &str, partition: i32) -> Seen<Option<i64>> {
        let committed = self.committed.as_ref();
        committed.map(|committed| committed.get(&(topic, partition)).copied())
    }

    /// Whether it has committed nothing at all.
    pub fn has_committed_nothing(&self) -> Seen<bool> {
        self.committed.as_ref().map(BTreeMap::is_empty)
    }

    /// Whether it has committed on a partition of its topics.
    pub fn has_committed(&self) -> bool {
        self.partitions.iter().any(|partition| partition.committed.is_some())
    }

    /// Whether records wait where the group has committed nothing.
    pub fn has_untaken(&self) -> Seen<bool> {
        self.untaken.as_ref().map(|untaken| untaken.iter().any(|untaken| untaken.records > 0))
    }

    /// Whether its topics hold records.
    pub fn holds_records(&self) -> bool {
        self.partitions.iter().any(|partition| partition.end.known() > partition.earliest.known())
    }

    /// Whether nobody is a member.
    pub fn is_empty(&self) -> Option<bool> {
        self.group.known().map(|group| group.members.is_empty())
    }
}

/// The groups of all workers.
pub struct Progress<'a>(BTreeMap<&'a str, GroupProgress<'a>>);

impl<'a> Progress<'a> {
    /// Joins commits, partitions and members.
    pub fn build(source: Source<'a>, workloads: &Workloads<'a>) -> Self {
        let workers = source.pipeline.worker.iter();
        Progress(workers.map(|w| (w.name.as_str(), GroupProgress::build(source, workloads, w))).collect())
    }

    /// That of a worker of the pipeline.
    pub fn of(&self, worker: &Worker) -> &GroupProgress<'a> {
        &self.0[worker.name.as_str()]
    }
}

/// The group of a worker, as the broker describes it.
fn group_of<'a>(worker: &Worker, kafka: &Seen<&'a Broker>) -> Seen<&'a Group> {
    let kafka = worker.group().and_then(|name| kafka.clone().map(|kafka| (name, kafka)));
    kafka.and_then(|(name, kafka)| match kafka.groups.get(name) {
        Some(group) => group.as_ref(),
        None => Seen::unknown(WhyKind::Missing, format!("group {name} was not asked for")),
    })
}

/// The partitions of a worker's topics; those that it has committed on and that were not
/// seen are among them.
fn partitions<'a>(
    kafka: &'a Broker,
    worker: &'a Worker,
    committed: &BTreeMap<(&'a str, i32), i64>,
) -> Vec<PartitionProgress<'a>> {
    let mut all: Vec<PartitionProgress> = Vec::new();
    for topic in &worker.topics {
        let name = topic.get_ref().as_str();
        if all.iter().any(|partition| partition.topic == name) {
            continue;
        }
        let seen = kafka.topics.get(name).and_then(Seen::known).map_or(&[][..], |topic| &topic.partitions);
        all.extend(seen.iter().map(|Partition { id, earliest, end, .. }| PartitionProgress {
            topic: name,
            partition: *id,
            earliest: earliest.clone(),
            end: end.clone(),
            committed: committed.get(&(name, *id)).copied(),
        }));
        let unseen =
            committed.iter().filter(|((topic, id), _)| *topic == name && !seen.iter().any(|p| p.id == *id));
        let not_seen = || Seen::unknown(WhyKind::Missing, "its partition was not seen");
        all.extend(unseen.map(|((_, id), offset)| PartitionProgress {
            topic: name,
            partition: *id,
            earliest: not_seen(),
            end: not_seen(),
            committed: Some(*offset),
        }));
    }
    all
}

fn untaken<'a>(
    worker: &Worker,
    kafka: &Seen<&'a Broker>,
    committed: &Seen<BTreeMap<(&'a str, i32), i64>>,
    partitions: &[PartitionProgress<'a>],
) -> Seen<Vec<Untaken<'a>>> {
    kafka.clone().and_then(|kafka| {
        if worker.group().known().is_none() {
            return Seen::Known(Vec::new());
        }
        committed.as_ref().and_then(|_| {
            let unseen = |topic: &&String| kafka.topics.get(*topic).and_then(Seen::known).is_none();
            let topics = || worker.topics.iter().map(|topic| topic.get_ref());
            let mut untaken = Vec::new();
            // What is found out first, in the order of the topics.
            for topic in topics() {
                if unseen(&topic) {
                    return Seen::unknown(WhyKind::Missing, format!("topic {topic} was not seen"));
                }
                for partition in partitions.iter().filter(|p| p.topic == topic && p.committed.is_none()) {
                    let (topic, partition, held) = (partition.topic, partition.partition, partition.held());
                    match held {
                        Seen::Known(records) => untaken.push(Untaken { topic, partition, records }),
                        other => return other.map(|_| Vec::new()),
                    }
                }
            }
            Seen::Known(untaken)
        })
    })
}

fn lag(
    untaken: &Seen<Vec<Untaken>>,
    committed: &Seen<BTreeMap<(&str, i32), i64>>,
    partitions: &[PartitionProgress],
) -> Option<u64> {
    if untaken.known()?.iter().any(|untaken| untaken.records > 0) {
        return None;
    }
    committed.known()?;
    let lags = partitions.iter().filter_map(|partition| Some((partition, partition.committed?)));
    lags.map(|(partition, committed)| Some(u64::try_from(partition.end.known()? - committed).unwrap_or(0)))
        .sum()
}

fn points(kafka: &Broker, worker: &Worker, partitions: &[PartitionProgress]) -> Vec<Point> {
    let committed = partitions.iter().filter(|partition| partition.committed.is_some());
    let first = committed.map(|partition| Some((partition.from()?, *partition.end.known()?)));
    let again = kafka.again.iter().map(|sample| {
        let later = sample.committed.get(worker.group.as_ref()?)?.iter();
        let later = later.filter(|committed| worker.consumes(&committed.topic)).map(|c| {
            let partition = partitions.iter().find(|p| p.topic == c.topic && p.partition == c.partition)?;
            let mut ends = sample.ends.iter();
            let end = ends.find(|end| end.topic == c.topic && end.partition == c.partition)?;
            Some((c.offset.max(*partition.earliest.known()?), end.offset))
        });
        sum(sample.after_ms, later)
    });
    [sum(0, first)].into_iter().chain(again).flatten().collect()
}

fn sum(after_ms: u64, pairs: impl Iterator<Item = Option<(i64, i64)>>) -> Option<Point> {
    let pairs: Option<Vec<(i64, i64)>> = pairs.collect();
    let pairs = pairs?;
    let partitions = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
    let (committed, end) = pairs.into_iter().fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    Some(Point { after_ms, committed, end, partitions })
}

/// How many partitions of the worker's topics its group's members have.
fn own_partitions(worker: &Worker, group: &Group) -> usize {
    group.partitions().filter(|partition| worker.consumes(&partition.topic)).count()
}

/// Whether a member of the group sits at an address of the container, on the
/// engine's networks.
fn has_member(group: &Group, container: &Instance) -> bool {
    let mut hosts = group.members.iter().map(|member| member.host.trim_start_matches('/'));
    hosts.any(|host| {
        container.addresses.networks.values().any(|address| !address.is_empty() && address == host)
    })
}

/// Where a worker's container is a member: another group than its own; not, if it
/// is one of its own, too.
fn member_elsewhere<'a>(kafka: &'a Broker, worker: &Worker, container: &Instance) -> Option<&'a str> {
    let others = kafka.other_groups.known().into_iter().flatten().map(|(name, group)| (name, Some(group)));
    let mut all = kafka.groups.iter().map(|(name, group)| (name, group.known())).chain(others);
    let own = kafka.groups.get(worker.group.as_ref()?).and_then(Seen::known);
    let elsewhere = all.find(|(name, group)| {
        Some(*name) != worker.group.as_ref() && group.is_some_and(|group| has_member(group, container))
    });
    elsewhere.filter(|_| !own.is_some_and(|own| has_member(own, container))).map(|(name, _)| name.as_str())
}

fn others_read(kafka: &Broker, worker: &Worker) -> Option<bool> {
    let others = kafka.other_groups.known()?;
    Some(others.values().any(|group| worker.topics.iter().any(|topic| group.reads(topic.get_ref()))))
}

fn is_led(topic: &Topic) -> bool {
    topic.exists && topic.partitions.iter().all(|partition| partition.leader.is_some())
}

/// "stable, type consumer, 2 members (instance a, instance b)".
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
    let fixed = if instances.is_empty() { String::new() } else { format!(" ({})", instances.join(", ")) };
    format!("{state}{kind}, {members}{fixed}")
}
