//! Samples end offsets and committed offsets to detect which groups advance.

use crate::collect::broker::kafka::client::{RoutedRequest, Session};
use crate::collect::broker::kafka::ffi::{Request, Response};
use crate::collect::broker::kafka::topics;
use crate::evidence::{Broker, Committed, Sample};
use std::time::{Duration, Instant};

/// How long to sample a group that does not advance. Consumers with auto-commit commit only
/// every 5 s.
const STALL_TIMEOUT: Duration = Duration::from_secs(6);
/// Minimum time between two samples.
const MIN_INTERVAL: Duration = Duration::from_millis(200);
/// Time to allow for one sample.
const SAMPLE_TIME: Duration = Duration::from_millis(400);

/// Takes a sample `settle` after the first offsets were read, then more while a group has
/// lag but does not advance. Takes none if `settle` is zero.
pub fn collect(
    session: &mut Session,
    kafka: &mut Broker,
    (first, settle): (Instant, Duration),
    until: Instant,
) {
    if settle.is_zero() {
        return;
    }
    let interval = settle.max(MIN_INTERVAL);
    for number in 1.. {
        let Some(at) = first.checked_add(interval.saturating_mul(number)) else { return };
        let stalled = at <= first + STALL_TIMEOUT && is_any_group_stalled(kafka);
        if at + SAMPLE_TIME > until || (number > 1 && !stalled) {
            return;
        }
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        let after = first.elapsed();
        let mut sample = take_sample(session, kafka);
        sample.after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        kafka.again.push(sample);
    }
}

fn take_sample(session: &mut Session, kafka: &Broker) -> Sample {
    let brokers = kafka.addresses();
    let groups = kafka.groups.iter().filter(|(_, group)| group.known().is_some());
    let groups = groups.map(|(name, _)| RoutedRequest {
        request: Request::Committed(name.clone()),
        brokers: brokers.clone(),
    });
    let requests: Vec<RoutedRequest> = topics::end_requests(kafka).into_iter().chain(groups).collect();
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

/// Reports whether any group with members has lag and has committed nothing since the
/// first offsets were read.
fn is_any_group_stalled(kafka: &Broker) -> bool {
    let Some(last) = kafka.again.last() else { return true };
    kafka.groups.iter().any(|(name, group)| {
        let (Some(group), Some(now)) = (group.known(), last.committed.get(name)) else { return false };
        let unchanged = group.committed.known().is_some_and(|before| before == now);
        let lagging = now.iter().any(|committed| {
            let mut ends = last.ends.iter();
            let same_partition =
                |end: &&Committed| end.topic == committed.topic && end.partition == committed.partition;
            ends.find(same_partition).is_some_and(|end| end.offset > committed.offset)
        });
        !group.members.is_empty() && unchanged && lagging
    })
}
