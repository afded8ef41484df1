//! What consumer groups do over time.

use crate::evidence::{Broker, Committed, Group, GroupState, InstanceState, Seen, WhyKind};
use crate::fact::groups::group_of;
use crate::fact::view::View;
use crate::fact::{Fact, Value, for_workers, settling};
use crate::pipeline::Worker;
use crate::text::plural;

/// Ends and commits of one group at one time, over the partitions on which it
/// has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    after_ms: u64,
    committed: i64,
    end: i64,
    partitions: i64,
}

impl Point {
    fn lag(self) -> i64 {
        (self.end - self.committed).max(0)
    }
}

pub(super) fn motion(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        let told = group_of(view, worker).and_then(|group| word(view, worker, group));
        told.map(|(word, say)| (Value::Word(word), format!("{word}: {say}")))
    })
}

/// What a group does: one of the words of `group.motion`, and the figures.
pub(super) fn word(view: &View, worker: &Worker, group: &Group) -> Seen<(&'static str, String)> {
    let name = worker.group_name();
    let committed = match &group.committed {
        Seen::Known(committed) => committed,
        Seen::Unknown(why) | Seen::NotAsked(why) => return Seen::Unknown(why.clone()),
    };
    let state = &group.state;
    let Seen::Known(kafka) = view.broker_of(worker) else {
        return Seen::unknown(WhyKind::Missing, "Kafka was not seen");
    };
    let judged = || judged(view, (worker, group), &points(kafka, worker, committed));
    if let Some(say) = settling::on_its_way(view, worker) {
        return Seen::not_asked(say);
    }
    if group.members.is_empty() {
        // A frozen worker has lost its membership, and its records wait all the same.
        let stalled = judged().known().is_some_and(|(word, _)| *word == "stalled");
        return match stalled && is_up(view, worker) {
            true => judged(),
            false => Seen::Known(match committed.is_empty() && *state == GroupState::Dead {
                true => ("no-group", format!("there is no group {name}")),
                false => ("empty", format!("group {name} has no members")),
            }),
        };
    }
    if *state != GroupState::Stable {
        let say = format!("group {name} is {}: ask again", state.as_str().replace('-', " "));
        return Seen::unknown(WhyKind::Young, say);
    }
    // Nobody takes what nobody is given.
    if crate::fact::groups::own_partitions(worker, group) == 0 {
        return Seen::Known(("unassigned", format!("group {name} has none of the partitions")));
    }
    if !committed.iter().any(|committed| worker.consumes(&committed.topic)) {
        let holds = worker.topics.iter().any(|topic| holds_records(kafka, topic.get_ref()));
        return Seen::Known(match holds {
            true => ("never-committed", format!("group {name} has committed nothing")),
            false => ("idle", format!("nothing has arrived for group {name}")),
        });
    }
    judged()
}

/// A frozen worker loses its membership after a while; its container runs on.
fn is_up(view: &View, worker: &Worker) -> bool {
    let container = view.container(&worker.name).known().copied().flatten();
    container
        .is_some_and(|container| matches!(container.state, InstanceState::Running | InstanceState::Paused))
}

fn holds_records(kafka: &Broker, topic: &str) -> bool {
    let topic = kafka.topics.get(topic).and_then(Seen::known);
    topic.is_some_and(|topic| topic.partitions.iter().any(|p| p.end.known() > p.earliest.known()))
}

/// The group of a worker at each time it was looked at, on the worker's topics,
/// as far as all of it was seen.
fn points(kafka: &Broker, worker: &Worker, committed: &[Committed]) -> Vec<Point> {
    let own = |committed: &&Committed| worker.consumes(&committed.topic);
    let partition = |c: &Committed| {
        let topic = kafka.topics.get(&c.topic)?.known()?;
        topic.partitions.iter().find(|partition| partition.id == c.partition)
    };
    // What has been deleted nobody waits for.
    let from = |c: &Committed| partition(c)?.earliest.known().map(|earliest| c.offset.max(*earliest));
    let first = committed.iter().filter(own).map(|c| Some((from(c)?, *partition(c)?.end.known()?)));
    let again = kafka.again.iter().map(|sample| {
        let later = sample.committed.get(worker.group.as_ref()?)?.iter().filter(own).map(|c| {
            let mut ends = sample.ends.iter();
            let end = ends.find(|end| end.topic == c.topic && end.partition == c.partition)?;
            Some((from(c)?, end.offset))
        });
        sum(sample.after_ms, later)
    });
    [sum(0, first)].into_iter().chain(again).flatten().collect()
}

fn sum(after_ms: u64, pairs: impl Iterator<Item = Option<(i64, i64)>>) -> Option<Point> {
    let pairs: Option<Vec<(i64, i64)>> = pairs.collect();
    let pairs = pairs?;
    let partitions = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
    let (committed, end) = pairs.into_iter().fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    Some(Point { after_ms, committed, end, partitions })
}

/// Looks that are closer together show nothing.
const APART_MS: u64 = 500;
/// Consumers that commit by themselves do so every 5 s: what has not moved for
/// less may move.
const PATIENCE_MS: u64 = 5_500;

fn judged(view: &View, (worker, group): (&Worker, &Group), points: &[Point]) -> Seen<(&'static str, String)> {
    let name = worker.group_name();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Seen::unknown(WhyKind::Missing, format!("the offsets of group {name} were not seen"));
    };
    let apart = last.after_ms - first.after_ms;
    if apart < APART_MS {
        let say = format!("the offsets of group {name} were looked at once only (--settle, --deadline)");
        return Seen::unknown(WhyKind::Limit, say);
    }
    let say = in_words(name, *first, *last);
    match word_of(*first, *last) {
        "stalled" if !misses_something(view, worker, *last) => {
            Seen::Known(("idle", format!("{say}, none of them missed")))
        }
        // Without members nobody commits.
        "stalled" if apart < PATIENCE_MS && !group.members.is_empty() => {
            Seen::unknown(WhyKind::Limit, format!("{say}: too short a time to call it stalled"))
        }
        "stalled" => match settling::may_move_yet(view, worker) {
            Ok(()) => Seen::Known(("stalled", say)),
            Err(why) => Seen::unknown(why.kind, format!("{say}; {}", why.words())),
        },
        word => Seen::Known((word, say)),
    }
}

fn in_words(name: &str, first: Point, last: Point) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let seconds = (last.after_ms - first.after_ms) as f64 / 1000.0;
    let records = |count: i64| plural::count(u64::try_from(count).unwrap_or_default(), "record");
    let moved = (last.committed - first.committed).max(0);
    let there = (last.end - first.end) + first.lag();
    format!("group {name} took {moved} of {} in {seconds:.1} s, {} behind", records(there), last.lag())
}

fn word_of(first: Point, last: Point) -> &'static str {
    let moved = last.committed - first.committed;
    let arrived = last.end - first.end;
    match () {
        () if last.lag() == 0 && moved == 0 => "idle",
        () if last.lag() == 0 => "advancing",
        () if moved <= 0 && first.lag() > 0 => "stalled",
        () if moved > 0 && moved * 2 < arrived && last.lag() > first.lag() => "slow",
        () => "advancing",
    }
}

/// Whether what the group has not taken is missed: events of its stages are stuck,
/// or more is left than the marks that transactions leave behind.
fn misses_something(view: &View, worker: &Worker, last: Point) -> bool {
    let mut stages = view.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
    let stuck = stages.any(|stage| view.extent(stage).known().is_some_and(|extent| extent.stuck > 0));
    stuck || last.lag() > last.partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word_between(first: (i64, i64), last: (i64, i64)) -> &'static str {
        let point =
            |after_ms, (committed, end): (i64, i64)| Point { after_ms, committed, end, partitions: 3 };
        word_of(point(0, first), point(1000, last))
    }

    #[test]
    fn each_motion_has_its_word() {
        assert_eq!(word_between((10, 10), (10, 10)), "idle");
        assert_eq!(word_between((10, 12), (20, 20)), "advancing");
        assert_eq!(word_between((10, 15), (20, 24)), "advancing");
        assert_eq!(word_between((10, 20), (11, 30)), "slow");
        assert_eq!(word_between((10, 20), (10, 60)), "stalled");
        // What has only just arrived is nobody's fault.
        assert_eq!(word_between((10, 10), (10, 11)), "advancing");
    }
}
