//! Reads the first record that each consumer group has not taken yet. The offsets alone do not tell whether
//! there is one: aborted transactions and control records take offsets, too, and reach no consumer.

use crate::collect::broker::kafka::client::Session;
use crate::evidence::{Broker, Committed, FirstWaiting, Name, Observed, Topic};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Maximum number of partitions that are read, of all groups together.
const MAX_PARTITIONS: usize = 50;
/// Time limit for all of them.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Reads one record on each partition on which a group with members lags.
pub fn collect(kafka: &mut Broker, session: &Session, until: Instant) {
    let until = until.min(Instant::now() + TIMEOUT);
    let mut left = MAX_PARTITIONS;
    for group in kafka.groups.values_mut().filter_map(Observed::known_mut) {
        let Some(committed) = group.committed.known().filter(|_| !group.members.is_empty()) else { continue };
        let lagging = committed.iter().filter_map(|committed| {
            let from = first_unread(&kafka.topics, committed)?;
            Some((committed, from))
        });
        for (committed, from) in lagging {
            if left == 0 || Instant::now() >= until {
                return;
            }
            left -= 1;
            group.waiting.extend(first_waiting(session, committed, from, until));
        }
    }
}

/// Returns the offset at which a group continues on a partition, unless it has read everything that
/// consumers of committed records can get.
fn first_unread(topics: &BTreeMap<Name, Observed<Topic>>, committed: &Committed) -> Option<i64> {
    let topic = topics.get(&committed.topic)?.known()?;
    let partition = topic.partitions.iter().find(|partition| partition.id == committed.partition)?;
    let end = *partition.end.known()?;
    let end = partition.last_stable.known().map_or(end, |stable| end.min(*stable));
    Some(committed.offset.max(*partition.earliest.known()?)).filter(|from| *from < end)
}

fn first_waiting(session: &Session, at: &Committed, from: i64, until: Instant) -> Option<FirstWaiting> {
    let mut first = None;
    let read = session.read(&at.topic, at.partition, from, until, &mut |record| {
        first = Some(record.at_ms);
        ControlFlow::Break(())
    });
    // Without the end or a record, nothing is known.
    read.ok().filter(|complete| *complete)?;
    Some(FirstWaiting {
        topic: at.topic.clone(),
        partition: at.partition,
        exists: first.is_some(),
        at: first.flatten().and_then(|at| Timestamp::from_millisecond(at).ok()),
    })
}
