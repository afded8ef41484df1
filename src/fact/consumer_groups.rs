//! Facts about workers and their consumer groups.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value, for_workers};
use crate::situation::Situation;
use crate::situation::group_progress::describe;
use crate::situation::skipped_records::Skip;
use crate::text::plural::count;

pub(super) fn state(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.worker_states.of(worker).map(|(state, message)| (state.into(), message)))
}

pub(super) fn settling(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        let (settled, message) = s.settling.settled(worker);
        Observed::Known((settled.into(), message))
    })
}

pub(super) fn motion(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.motions.of(worker).map(|(motion, message)| (motion.into(), format!("{motion}: {message}")))
    })
}

pub(super) fn skipped(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.skips.of(worker, Skip::JoinedLate).map(|(count, message)| (Value::Count(count), message))
    })
}

pub(super) fn jumped_over(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.skips.of(worker, Skip::Reset).map(|(count, message)| (Value::Count(count), message))
    })
}

pub(super) fn members(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        if let Some(message) = s.settling.not_joined_yet(worker) {
            return Observed::not_asked(message);
        }
        s.progress.of(worker).group.clone().map(|group| {
            let message = format!("group {} {}", worker.group_name(), describe(group));
            (Value::Count(group.members.len() as u64), message)
        })
    })
}

/// Reports whether a worker's group can have a coordinator. A broker creates the topic of committed
/// offsets when the first group needs it.
pub(super) fn coordinator(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.progress.of(worker).offsets_topic.clone().and_then(|exists| match exists {
            true => Observed::Known((Value::Bool(true), "the broker has __consumer_offsets".to_string())),
            false if s.workloads.runs(&worker.name) && s.settling.not_joined_yet(worker).is_none() => {
                let message = format!(
                    "{} runs, but the broker has not created __consumer_offsets, so no group has a coordinator",
                    worker.name
                );
                Observed::Known((Value::Bool(false), message))
            }
            false => Observed::not_asked("no running worker needs a coordinator"),
        })
    })
}

/// Counts the records that were deleted before each group took them.
pub(super) fn deleted(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        // What was deleted long ago shows for as long as no other record is taken from the partition.
        let mut stages = s.pipeline.stages_of(&worker.name);
        if !stages
            .any(|stage| s.backlog.has_stuck(stage) || s.effects(stage).known().is_some_and(Vec::is_empty))
        {
            return Observed::not_asked("no event is stuck at its stages");
        }
        s.progress.of(worker).deleted.clone().map(|deleted| {
            let group = worker.group_name();
            let places: Vec<String> = deleted
                .iter()
                .map(|(place, records)| {
                    format!("{} of {}/{}", count(*records, "record"), place.topic, place.partition)
                })
                .collect();
            let message = match places.is_empty() {
                true => format!("no record was deleted before group {group} took it"),
                false => format!("deleted before group {group} took them: {}", places.join(", ")),
            };
            (Value::Count(deleted.iter().map(|(_, records)| records).sum()), message)
        })
    })
}

pub(super) fn partitions(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.assigned(worker).map(|(count, message)| (Value::Count(count), message)))
}

pub(super) fn as_declared(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.in_declared_group(worker).map(|(yes, message)| (Value::Bool(yes), message)))
}
