//! What consumer groups do over time.

use crate::base::states::states;
use crate::evidence::{GroupState, InstanceState, Seen, WhyKind};
use crate::pipeline::{Pipeline, Worker};
use crate::situation::backlog::Backlog;
use crate::situation::progress::{GroupProgress, Point, Progress};
use crate::situation::settling::Settling;
use crate::situation::workload::Workloads;
use crate::text::plural;
use std::collections::BTreeMap;

states! {
    /// What a worker's group does.
    pub enum Motion {
        NoGroup = "no-group",
        Empty = "empty",
        Unassigned = "unassigned",
        NeverCommitted = "never-committed",
        Stalled = "stalled",
        Slow = "slow",
        Advancing = "advancing",
        Idle = "idle",
    }
}

/// Looks that are closer together show nothing.
const APART_MS: u64 = 500;
/// Consumers that commit by themselves do so every 5 s: what has not moved for
/// less may move.
const PATIENCE_MS: u64 = 5_500;

/// What each worker's group does, and the figures in words.
pub struct Motions(BTreeMap<String, Seen<(Motion, String)>>);

impl Motions {
    /// Judges what was looked at several times.
    pub fn build(
        pipeline: &Pipeline,
        workloads: &Workloads,
        progress: &Progress,
        settling: &Settling,
        backlog: &Backlog,
    ) -> Self {
        let of = |worker: &Worker| {
            let mut stages = pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
            let judge = Judge {
                worker,
                progress: progress.of(worker),
                settling,
                stuck: stages.any(|stage| backlog.has_stuck(stage)),
                is_up: workloads.known(&worker.name).is_some_and(|container| {
                    matches!(container.state, InstanceState::Running | InstanceState::Paused)
                }),
            };
            (worker.name.clone(), judge.motion())
        };
        Motions(pipeline.worker.iter().map(of).collect())
    }

    /// What the group of a worker does, and the figures in words.
    pub fn of(&self, worker: &Worker) -> Seen<(Motion, String)> {
        self.0[&worker.name].clone()
    }
}

/// What is known of one group.
struct Judge<'j> {
    worker: &'j Worker,
    progress: &'j GroupProgress<'j>,
    settling: &'j Settling,
    /// Whether events of its stages are stuck.
    stuck: bool,
    /// A frozen worker loses its membership after a while; its container runs on.
    is_up: bool,
}

impl Judge<'_> {
    fn motion(&self) -> Seen<(Motion, String)> {
        let (name, progress) = (self.worker.group_name(), self.progress);
        progress.group.clone().and_then(|group| {
            let nothing = match progress.has_committed_nothing() {
                Seen::Known(nothing) => nothing,
                Seen::Unknown(why) | Seen::NotAsked(why) => return Seen::Unknown(why),
            };
            if let Some(say) = self.settling.on_its_way(self.worker) {
                return Seen::not_asked(say);
            }
            if group.members.is_empty() {
                // A frozen worker has lost its membership, and its records wait all the same.
                let judged = self.judged(true);
                let stalled = judged.known().is_some_and(|(motion, _)| *motion == Motion::Stalled);
                return match stalled && self.is_up {
                    true => judged,
                    false => Seen::Known(match nothing && group.state == GroupState::Dead {
                        true => (Motion::NoGroup, format!("there is no group {name}")),
                        false => (Motion::Empty, format!("group {name} has no members")),
                    }),
                };
            }
            if group.state != GroupState::Stable {
                let say = format!("group {name} is {}: ask again", group.state.as_str().replace('-', " "));
                return Seen::unknown(WhyKind::Young, say);
            }
            // Nobody takes what nobody is given.
            if progress.own_partitions == 0 {
                return Seen::Known((Motion::Unassigned, format!("group {name} has none of the partitions")));
            }
            if !progress.has_committed() {
                return Seen::Known(match progress.holds_records() {
                    true => (Motion::NeverCommitted, format!("group {name} has committed nothing")),
                    false => (Motion::Idle, format!("nothing has arrived for group {name}")),
                });
            }
            self.judged(false)
        })
    }

    /// By its points; without members nobody commits.
    fn judged(&self, without_members: bool) -> Seen<(Motion, String)> {
        let name = self.worker.group_name();
        let points = &self.progress.points;
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Seen::unknown(WhyKind::Missing, format!("the offsets of group {name} were not seen"));
        };
        let apart = last.after_ms - first.after_ms;
        if apart < APART_MS {
            let say = format!("the offsets of group {name} were looked at once only (--settle, --deadline)");
            return Seen::unknown(WhyKind::Limit, say);
        }
        let say = describe(name, *first, *last);
        // More is left than the marks that transactions leave behind.
        let misses = self.stuck || last.lag() > last.partitions;
        match between(*first, *last) {
            Motion::Stalled if !misses => Seen::Known((Motion::Idle, format!("{say}, none of them missed"))),
            Motion::Stalled if apart < PATIENCE_MS && !without_members => {
                Seen::unknown(WhyKind::Limit, format!("{say}: too short a time to call it stalled"))
            }
            Motion::Stalled => match self.settling.may_move_yet(self.worker) {
                Ok(()) => Seen::Known((Motion::Stalled, say)),
                Err(why) => Seen::unknown(why.kind, format!("{say}; {}", why.words())),
            },
            motion => Seen::Known((motion, say)),
        }
    }
}

fn describe(name: &str, first: Point, last: Point) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let seconds = (last.after_ms - first.after_ms) as f64 / 1000.0;
    let records = |count: i64| plural::count(u64::try_from(count).unwrap_or_default(), "record");
    let moved = (last.committed - first.committed).max(0);
    let there = (last.end - first.end) + first.lag();
    format!("group {name} took {moved} of {} in {seconds:.1} s, {} behind", records(there), last.lag())
}

fn between(first: Point, last: Point) -> Motion {
    let moved = last.committed - first.committed;
    let arrived = last.end - first.end;
    match () {
        () if last.lag() == 0 && moved == 0 => Motion::Idle,
        () if last.lag() == 0 => Motion::Advancing,
        () if moved <= 0 && first.lag() > 0 => Motion::Stalled,
        () if moved > 0 && moved * 2 < arrived && last.lag() > first.lag() => Motion::Slow,
        () => Motion::Advancing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motion(first: (i64, i64), last: (i64, i64)) -> Motion {
        let point =
            |after_ms, (committed, end): (i64, i64)| Point { after_ms, committed, end, partitions: 3 };
        between(point(0, first), point(1000, last))
    }

    #[test]
    fn two_looks_tell_what_a_group_does() {
        assert_eq!(motion((10, 10), (10, 10)), Motion::Idle);
        assert_eq!(motion((10, 12), (20, 20)), Motion::Advancing);
        assert_eq!(motion((10, 15), (20, 24)), Motion::Advancing);
        assert_eq!(motion((10, 20), (11, 30)), Motion::Slow);
        assert_eq!(motion((10, 20), (10, 60)), Motion::Stalled);
        // What has only just arrived is nobody's fault.
        assert_eq!(motion((10, 10), (10, 11)), Motion::Advancing);
    }
}
