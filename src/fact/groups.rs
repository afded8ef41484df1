//! Facts about workers and their consumer groups.

use crate::evidence::{GroupState, Seen, WhyKind};
use crate::fact::{Fact, Value, for_workers};
use crate::situation::Situation;
use crate::situation::progress::describe;
use crate::situation::skips::Skip;
use crate::text::plural;
use jiff::SignedDuration;

pub(super) fn rung(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.ladder.of(worker).map(|(state, say)| (state.into(), say)))
}

pub(super) fn settling(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        let (settled, say) = s.settling.settled(worker);
        Seen::Known((settled.into(), say))
    })
}

pub(super) fn motion(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.motions.of(worker).map(|(motion, say)| (motion.into(), format!("{motion}: {say}")))
    })
}

pub(super) fn skipped(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.skips.of(worker, Skip::JoinedLate).map(|(count, say)| (Value::Count(count), say))
    })
}

pub(super) fn jumped_over(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.skips.of(worker, Skip::Reset).map(|(count, say)| (Value::Count(count), say)))
}

pub(super) fn members(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        if let Some(say) = s.settling.on_its_way(worker) {
            return Seen::not_asked(say);
        }
        s.progress.of(worker).group.clone().map(|group| {
            let say = format!("group {} {}", worker.group_name(), describe(group));
            (Value::Count(group.members.len() as u64), say)
        })
    })
}

pub(super) fn partitions(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        let progress = s.progress.of(worker);
        progress.group.clone().and_then(|group| {
            let settled = group.state == GroupState::Stable && !group.members.is_empty();
            match (settled, progress.own_partitions) {
                (false, _) => Seen::not_asked(format!("group {} {}", worker.group_name(), describe(group))),
                (true, 0) => {
                    let mut others: Vec<&str> = group.partitions().map(|p| p.topic.as_str()).collect();
                    others.dedup();
                    let others = if others.is_empty() { "nothing".to_string() } else { others.join(", ") };
                    let say =
                        format!("group {} is given {others}, and none of its topics", worker.group_name());
                    Seen::Known((Value::Count(0), say))
                }
                (true, count) => {
                    let say = format!("{} of its topics", plural::count(count as u64, "partition"));
                    Seen::Known((Value::Count(count as u64), say))
                }
            }
        })
    })
}

/// The broker keeps members that ended without a word for as long as their
/// session lasts, and their address may be another container's by then.
const SESSIONS: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn as_declared(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        let container = s.workloads.known(&worker.name);
        let progress = s.progress.of(worker);
        progress.group.clone().and_then(|group| match (container, progress.member_elsewhere) {
            (Some(container), Some(other)) => {
                let age = container.started.map(|started| s.clocks.docker_now.duration_since(started));
                let say = format!("is a member of group {other}, not of {}", worker.group_name());
                match age.is_some_and(|age| age < SESSIONS) && !group.members.is_empty() {
                    true => Seen::unknown(WhyKind::Young, format!("{say}; it started a moment ago")),
                    false => Seen::Known((Value::Bool(false), say)),
                }
            }
            (Some(_), None) if progress.is_member => {
                Seen::Known((Value::Bool(true), format!("group {} {}", worker.group_name(), describe(group))))
            }
            _ => Seen::not_asked(format!("its container is not seen in group {}", worker.group_name())),
        })
    })
}

/// Groups that the pipeline does not name and that read a topic of it.
pub(super) fn other_readers(s: &Situation) -> Vec<Fact> {
    let topics = s.pipeline.topic.iter();
    topics
        .map(|topic| {
            let others = s.source.broker_of_topic(&topic.name).and_then(|kafka| kafka.other_groups.as_ref());
            Fact::of(topic.name.as_str(), others, |others| {
                let reading = others.iter().filter(|(_, group)| group.reads(&topic.name));
                let told: Vec<String> =
                    reading.map(|(name, group)| format!("group {name} {}", describe(group))).collect();
                let say = match told.is_empty() {
                    true => "read by nobody else".to_string(),
                    false => format!("read by {}", told.join("; ")),
                };
                (Value::Count(told.len() as u64), say)
            })
        })
        .collect()
}
