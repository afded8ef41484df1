//! Whether consumer groups advance, from offsets sampled over time.

use crate::base::state_enum::state_enum;
use crate::evidence::{GroupState, InstanceState, Observed, ReasonKind};
use crate::pipeline::{Pipeline, Stage, Worker};
use crate::situation::backlog::Backlog;
use crate::situation::clock::Clocks;
use crate::situation::group_progress::{GroupProgress, Point, Progress};
use crate::situation::settling::Settling;
use crate::situation::workload::Workloads;
use crate::text::plural;
use jiff::SignedDuration;
use std::collections::BTreeMap;

state_enum! {
    /// Whether and how a worker's group advances.
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

/// Samples that are closer together than this are inconclusive.
const MIN_SAMPLE_GAP_MS: u64 = 500;
/// Consumers with auto-commit commit every 5 s, so an advancing group may look stalled for up to
/// this long.
const STALL_AFTER_MS: u64 = 5_500;
const STALL_AFTER: SignedDuration = SignedDuration::from_millis(5_500);

/// Whether and how each worker's group advances, with a description of the offsets.
pub struct Motions(BTreeMap<String, Observed<(Motion, String)>>);

impl Motions {
    /// Judges the groups by their sampled offsets.
    pub fn build(
        pipeline: &Pipeline,
        workloads: &Workloads,
        progress: &Progress,
        settling: &Settling,
        backlog: &Backlog,
        clocks: &Clocks,
    ) -> Self {
        let of = |worker: &Worker| {
            let mut stages = pipeline.stages_of(&worker.name);
            let view = GroupView {
                worker,
                progress: progress.of(worker),
                settling,
                pipeline,
                backlog,
                clocks,
                stuck: stages.any(|stage| backlog.has_stuck(stage)),
                is_up: workloads.known(&worker.name).is_some_and(|container| {
                    matches!(container.state, InstanceState::Running | InstanceState::Paused)
                }),
            };
            (worker.name.clone(), view.motion())
        };
        Motions(pipeline.worker.iter().map(of).collect())
    }

    /// Returns whether and how a worker's group advances, with a description of the offsets.
    pub fn of(&self, worker: &Worker) -> Observed<(Motion, String)> {
        self.0[&worker.name].clone()
    }
}

/// Everything that is known about one worker's group.
struct GroupView<'j> {
    worker: &'j Worker,
    progress: &'j GroupProgress<'j>,
    settling: &'j Settling,
    pipeline: &'j Pipeline,
    backlog: &'j Backlog<'j>,
    clocks: &'j Clocks,
    /// Whether events are stuck at the worker's stages.
    stuck: bool,
    /// Whether the container is up. A frozen worker loses its membership after a while, but
    /// its container keeps running.
    is_up: bool,
}

impl GroupView<'_> {
    fn motion(&self) -> Observed<(Motion, String)> {
        let (name, progress) = (self.worker.group_name(), self.progress);
        progress.group.clone().and_then(|group| {
            let nothing = match progress.has_committed_nothing() {
                Observed::Known(nothing) => nothing,
                Observed::Unknown(why) | Observed::NotAsked(why) => return Observed::Unknown(why),
            };
            if let Some(message) = self.settling.not_joined_yet(self.worker) {
                return Observed::not_asked(message);
            }
            if group.members.is_empty() {
                // A frozen worker has lost its membership, and its records are still waiting.
                let judged = self.judge_samples(true);
                let stalled = judged.known().is_some_and(|(motion, _)| *motion == Motion::Stalled);
                return match stalled && self.is_up {
                    true => judged,
                    false => Observed::Known(match nothing && group.state == GroupState::Dead {
                        true => (Motion::NoGroup, format!("group {name} does not exist")),
                        false => (Motion::Empty, format!("group {name} has no members")),
                    }),
                };
            }
            if group.state != GroupState::Stable {
                let message =
                    format!("group {name} is {}; run again", group.state.as_str().replace('-', " "));
                return Observed::unknown(ReasonKind::Young, message);
            }
            // Without assigned partitions, the group consumes nothing.
            if progress.assigned_partitions == 0 {
                return Observed::Known((
                    Motion::Unassigned,
                    format!("group {name} has no partitions assigned"),
                ));
            }
            if !progress.has_committed() {
                return Observed::Known(match progress.holds_records() {
                    true => (Motion::NeverCommitted, format!("group {name} has committed nothing")),
                    false => (Motion::Idle, format!("no records have arrived for group {name}")),
                });
            }
            self.judge_samples(false)
        })
    }

    /// Judges the group by its samples. A group without members commits nothing.
    fn judge_samples(&self, without_members: bool) -> Observed<(Motion, String)> {
        let name = self.worker.group_name();
        let points = &self.progress.points;
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Observed::unknown(
                ReasonKind::Missing,
                format!("the offsets of group {name} were not seen"),
            );
        };
        let elapsed_ms = last.after_ms - first.after_ms;
        // What has nothing to read or nobody to read it does not move.
        let is_settled_by_one = last.lag() == 0 || without_members;
        if elapsed_ms < MIN_SAMPLE_GAP_MS && !is_settled_by_one {
            let message =
                format!("the offsets of group {name} were sampled only once (--settle, --deadline)");
            return Observed::unknown(ReasonKind::Limit, message);
        }
        let message = describe(name, *first, *last);
        // The lag exceeds the control records that transactions leave in each partition.
        let has_backlog = self.stuck || last.lag() > last.partitions;
        match between(*first, *last) {
            Motion::Stalled if !has_backlog => {
                Observed::Known((Motion::Idle, format!("{message}, but no event is stuck")))
            }
            Motion::Stalled
                if elapsed_ms < STALL_AFTER_MS && !without_members && !self.is_idle(elapsed_ms) =>
            {
                Observed::unknown(
                    ReasonKind::Limit,
                    format!("{message}; the interval is too short to call the group stalled"),
                )
            }
            Motion::Stalled => match self.settling.check_settled(self.worker) {
                Ok(()) => Observed::Known((Motion::Stalled, message)),
                Err(why) => Observed::unknown(why.kind, format!("{message}; {}", why.describe())),
            },
            motion => Observed::Known((motion, message)),
        }
    }

    /// Reports whether the worker, `elapsed_ms` after the first look, has neither taken a record nor written
    /// anything for longer than consumers take to commit. The database tells of a write only if it belongs to
    /// one of the events that were counted.
    fn is_idle(&self, elapsed_ms: u64) -> bool {
        let Some(since) = self.progress.group.known().and_then(|group| group.waiting_since()) else {
            return false;
        };
        let elapsed = SignedDuration::from_millis(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
        let waited = self.clocks.docker_now.duration_since(since);
        let window = SignedDuration::from_secs(i64::try_from(self.backlog.window_s).unwrap_or(i64::MAX));
        let now = self.clocks.database_now;
        let is_quiet = |stage: &Stage| {
            let extent = self.backlog.extent(stage);
            let last = extent.known().filter(|extent| !extent.limited).map(|extent| extent.last_good);
            last.is_some_and(|at| at.is_none_or(|at| now.duration_since(at) > STALL_AFTER))
        };
        let mut stages = self.pipeline.stages_of(&self.worker.name).peekable();
        waited < window
            && waited.saturating_add(elapsed) > STALL_AFTER
            && self.backlog.caught_up().known().is_some()
            && stages.peek().is_some()
            && stages.all(is_quiet)
    }
}

fn describe(name: &str, first: Point, last: Point) -> String {
    if first.after_ms == last.after_ms {
        return match u64::try_from(last.lag()).unwrap_or_default() {
            0 => format!("group {name} has read everything"),
            lag => format!("group {name} has not read the last {}", plural::count(lag, "record")),
        };
    }
    #[expect(clippy::cast_precision_loss, reason = "only displayed")]
    let seconds = last.after_ms.saturating_sub(first.after_ms) as f64 / 1000.0;
    let records = |count: i64| plural::count(u64::try_from(count).unwrap_or_default(), "record");
    let moved = last.committed.saturating_sub(first.committed).max(0);
    let available = last.end.saturating_sub(first.end).saturating_add(first.lag());
    format!("group {name} consumed {moved} of {} in {seconds:.1} s, lag {}", records(available), last.lag())
}

fn between(first: Point, last: Point) -> Motion {
    let moved = last.committed.saturating_sub(first.committed);
    let arrived = last.end.saturating_sub(first.end);
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
    fn judges_motion_from_two_samples() {
        assert_eq!(motion((10, 10), (10, 10)), Motion::Idle);
        assert_eq!(motion((10, 12), (20, 20)), Motion::Advancing);
        assert_eq!(motion((10, 15), (20, 24)), Motion::Advancing);
        assert_eq!(motion((10, 20), (11, 30)), Motion::Slow);
        assert_eq!(motion((10, 20), (10, 60)), Motion::Stalled);
        // A record that has only just arrived does not indicate a stall.
        assert_eq!(motion((10, 10), (10, 11)), Motion::Advancing);
    }
}
