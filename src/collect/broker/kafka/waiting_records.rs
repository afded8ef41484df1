//! Reads the first record that each consumer group has not taken yet. The offsets alone do not tell whether
//! there is one: aborted transactions and control records take offsets, too, and reach no consumer.

use crate::collect::broker::kafka::client::Session;
use crate::evidence::{Broker, FirstWaiting, Observed};
use jiff::Timestamp;
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
    for group in kafka.groups.values_mut() {
        let Observed::Known(group) = group else { continue };
        let Some(committed) = group.committed.known().filter(|_| !group.members.is_empty()) else { continue };
        for committed in committed {
            let Some(Observed::Known(topic)) = kafka.topics.get(&committed.topic) else { continue };
            let Some(partition) = topic.partitions.iter().find(|p| p.id == committed.partition) else {
                continue;
            };
            let Some((earliest, end)) = partition.earliest.known().zip(partition.end.known()) else {
                continue;
            };
            // Behind the first record of an open transaction, no consumer of committed records gets anything.
            let end = partition.last_stable.known().map_or(*end, |stable| *stable.min(end));
            let from = committed.offset.max(*earliest);
            if from >= end || left == 0 || Instant::now() >= until {
                continue;
            }
            left -= 1;
            let mut at_ms = None;
            let mut found = false;
            let read = session.read(&committed.topic, committed.partition, from, until, &mut |record| {
                (found, at_ms) = (true, record.at_ms);
                ControlFlow::Break(())
            });
            if let Ok(true) = read {
                group.waiting.push(FirstWaiting {
                    topic: committed.topic.clone(),
                    partition: committed.partition,
                    exists: found,
                    at: at_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
                });
            }
        }
    }
}
