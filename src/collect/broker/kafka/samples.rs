//! Ends and commits once more, so that it shows what moves.

use crate::collect::broker::kafka::client::{Asked, Session};
use crate::collect::broker::kafka::sys::{Answer, Question};
use crate::collect::broker::kafka::topics;
use crate::evidence::{Broker, Committed, Sample};
use std::time::{Duration, Instant};

/// A group that seems to stand still is looked at for so long, before it does:
/// consumers that commit by themselves do so every 5 s.
const PATIENCE: Duration = Duration::from_secs(6);
/// Looks are so far apart, at least.
const APART: Duration = Duration::from_millis(200);
/// What one look may take.
const LOOK: Duration = Duration::from_millis(400);

/// Looks again `settle` after the first look, and then again for as long as a
/// group has something to take and takes nothing. Not where nobody wants to wait.
pub fn take(session: &mut Session, kafka: &mut Broker, (first, settle): (Instant, Duration), until: Instant) {
    if settle.is_zero() {
        return;
    }
    let settle = settle.max(APART);
    for look in 1.. {
        let Some(at) = first.checked_add(settle.saturating_mul(look)) else { return };
        let patient = at <= first + PATIENCE && stands_still(kafka);
        if at + LOOK > until || (look > 1 && !patient) {
            return;
        }
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        let after = first.elapsed();
        let mut sample = look_again(session, kafka);
        sample.after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        kafka.again.push(sample);
    }
}

fn look_again(session: &mut Session, kafka: &Broker) -> Sample {
    let at = kafka.addresses();
    let groups = kafka.groups.iter().filter(|(_, group)| group.known().is_some());
    let groups =
        groups.map(|(name, _)| Asked { question: Question::Committed(name.clone()), at: at.clone() });
    let asked: Vec<Asked> = topics::ends_again(kafka).into_iter().chain(groups).collect();
    let mut sample = Sample::default();
    session.ask(&asked, |question, answer| match (question, answer) {
        (Question::Offsets(..), Ok(Answer::Offsets(offsets))) => {
            let ends = offsets.into_iter().filter_map(|(place, offset)| {
                let offset = offset.ok()?;
                Some(Committed { topic: place.topic, partition: place.partition, offset })
            });
            sample.ends.extend(ends);
        }
        (Question::Committed(name), Ok(Answer::Committed(mut offsets))) => {
            offsets.sort();
            sample.committed.insert(name.clone(), offsets);
        }
        _ => {}
    });
    sample.ends.sort();
    sample
}

/// Whether a group with members has something to take and has taken nothing
/// since the first look.
fn stands_still(kafka: &Broker) -> bool {
    let Some(last) = kafka.again.last() else { return true };
    kafka.groups.iter().any(|(name, group)| {
        let (Some(group), Some(now)) = (group.known(), last.committed.get(name)) else { return false };
        let same = group.committed.known().is_some_and(|before| before == now);
        let behind = now.iter().any(|committed| {
            let mut ends = last.ends.iter();
            let here =
                |end: &&Committed| end.topic == committed.topic && end.partition == committed.partition;
            ends.find(here).is_some_and(|end| end.offset > committed.offset)
        });
        !group.members.is_empty() && same && behind
    })
}
