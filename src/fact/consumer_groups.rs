//! Facts about workers and their consumer groups.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value, for_workers};
use crate::situation::Situation;
use crate::situation::group_progress::describe;
use crate::situation::skipped_records::Skip;

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

pub(super) fn partitions(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.assigned(worker).map(|(count, message)| (Value::Count(count), message)))
}

pub(super) fn as_declared(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.in_declared_group(worker).map(|(yes, message)| (Value::Bool(yes), message)))
}
