//! Samples end offsets and committed offsets to detect which groups advance.

use crate::collect::broker::kafka::client::{RoutedRequest, Session};
use crate::collect::broker::kafka::ffi::{Request, Response};
use crate::collect::broker::kafka::topics;
use crate::evidence::{Broker, Committed, Group, Name, Observed, Sample};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long to sample a group that does not advance. Consumers with auto-commit commit only
/// every 5 s.
const STALL_TIMEOUT: Duration = Duration::from_secs(6);
/// How long to sample a group of which the rest of the evidence tells whether it advances.
const SHORT_STALL_TIMEOUT: Duration = Duration::from_millis(1500);
/// A longer queue may be moving between two commits.
const SMALL_LAG: i64 = 10;
/// Minimum time between two samples.
const MIN_INTERVAL: Duration = Duration::from_millis(200);
/// Time to allow for one sample.
const SAMPLE_TIME: Duration = Duration::from_millis(400);

/// When to take samples.
pub struct Schedule {
    /// When the first offsets were read.
    pub first: Instant,
    /// The time between two samples; zero for none.
    pub settle: Duration,
    /// The groups of workers of which the database tells when they last did something. Their samples need not
    /// cover the time that consumers take to commit if a record has already waited for that long.
    pub with_effects: BTreeSet<Name>,
}

/// Samples the groups that lag, `settle` after the first offsets were read and again while any of them does
/// not advance. A group that has read everything has nothing to move, and one without members commits nothing.
pub fn collect(session: &mut Session, kafka: &mut Broker, schedule: &Schedule, until: Instant) {
    let mut open = lagging_groups(kafka);
    if schedule.settle.is_zero() {
        return;
    }
    let patience = open.iter().map(|name| patience(kafka, name, schedule)).max().unwrap_or_default();
    let interval = schedule.settle.max(MIN_INTERVAL);
    for number in 1.. {
        let Some(at) = schedule.first.checked_add(interval.saturating_mul(number)) else { return };
        let is_late = number > 1 && at > schedule.first + patience;
        if open.is_empty() || is_late || at + SAMPLE_TIME > until {
            return;
        }
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        let after = schedule.first.elapsed();
        let mut sample = take_sample(session, kafka, &open);
        sample.after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        open.retain(|name| is_stalled(kafka, name, &sample));
        kafka.again.push(sample);
    }
}

/// Returns the groups with members that have not committed everything on a partition.
fn lagging_groups(kafka: &Broker) -> BTreeSet<Name> {
    let lags = |group: &Group| !group.members.is_empty() && lag(kafka, group) > 0;
    let groups = kafka.groups.iter().filter(|(_, group)| group.known().is_some_and(lags));
    groups.map(|(name, _)| name.clone()).collect()
}

/// Returns how many records a group has not committed; more than can be where a partition's end is unknown.
fn lag(kafka: &Broker, group: &Group) -> i64 {
    let committed = group.committed.known().into_iter().flatten();
    let lags = committed.map(|committed| {
        let nothing_follows = group.waiting.iter().any(|first| {
            !first.exists && first.topic == committed.topic && first.partition == committed.partition
        });
        match end_of(kafka, committed) {
            _ if nothing_follows => 0,
            Some(end) => end.saturating_sub(committed.offset).max(0),
            None => i64::MAX,
        }
    });
    lags.fold(0, i64::saturating_add)
}

fn end_of(kafka: &Broker, committed: &Committed) -> Option<i64> {
    let topic = kafka.topics.get(&committed.topic)?.known()?;
    topic.partitions.iter().find(|partition| partition.id == committed.partition)?.end.known().copied()
}

/// Returns for how long to sample a group that does not advance. One with many records to take may be taking them
/// between two commits, even though the first has waited for long.
fn patience(kafka: &Broker, name: &Name, schedule: &Schedule) -> Duration {
    let group = kafka.groups.get(name).and_then(Observed::known);
    let group = group.filter(|group| lag(kafka, group) <= SMALL_LAG && schedule.with_effects.contains(name));
    let waited = group.and_then(Group::waiting_since).map(|since| Timestamp::now().duration_since(since));
    let waited = waited.map_or(Duration::ZERO, SignedDuration::unsigned_abs);
    STALL_TIMEOUT.saturating_sub(waited).max(SHORT_STALL_TIMEOUT)
}

/// Samples these groups and the topics on which they have committed.
fn take_sample(session: &mut Session, kafka: &Broker, open: &BTreeSet<Name>) -> Sample {
    let brokers = kafka.addresses();
    let groups = open
        .iter()
        .map(|name| RoutedRequest { request: Request::Committed(name.clone()), brokers: brokers.clone() });
    let committed = open.iter().filter_map(|name| kafka.groups.get(name)?.known()?.committed.known());
    let topics: BTreeSet<&Name> = committed.flatten().map(|committed| &committed.topic).collect();
    let requests: Vec<RoutedRequest> =
        topics::end_requests(kafka, &topics).into_iter().chain(groups).collect();
    let mut sample = Sample::default();
    session.send(&requests, |request, response| match (request, response) {
        (Request::Offsets(..), Ok(Response::Offsets(offsets))) => {
            let ends = offsets.into_iter().filter_map(|(place, offset)| {
                let offset = offset.ok()?;
                Some(Committed { topic: place.topic, partition: place.partition, offset })
            });
            sample.ends.extend(ends);
        }
        (Request::Committed(name), Ok(Response::Committed(mut offsets))) => {
            offsets.sort();
            sample.committed.insert(name.clone(), offsets);
        }
        _ => {}
    });
    sample.ends.sort();
    sample
}

/// Reports whether a group still has lag but has committed nothing since the first offsets were read.
fn is_stalled(kafka: &Broker, name: &Name, last: &Sample) -> bool {
    let (Some(group), Some(now)) =
        (kafka.groups.get(name).and_then(Observed::known), last.committed.get(name))
    else {
        return false;
    };
    let unchanged = group.committed.known().is_some_and(|before| before == now);
    let lagging = now.iter().any(|committed| {
        let mut ends = last.ends.iter();
        let same_partition =
            |end: &&Committed| end.topic == committed.topic && end.partition == committed.partition;
        ends.find(same_partition).is_some_and(|end| end.offset > committed.offset)
    });
    unchanged && lagging
}
