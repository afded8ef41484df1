//! Facts about workers and their consumer groups.

use crate::base::observed::Seen;
use crate::fact::{Fact, Value, for_workers};
use crate::situation::Situation;
use crate::situation::progress::describe;
use crate::situation::skips::Skip;

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
    for_workers(s, |worker| s.assigned(worker).map(|(count, say)| (Value::Count(count), say)))
}

pub(super) fn as_declared(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| s.in_declared_group(worker).map(|(yes, say)| (Value::Bool(yes), say)))
}
