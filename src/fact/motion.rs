//! What consumer groups do over time.

use super::groups::group_of;
use super::view::View;
use super::{Fact, Value};
use crate::evidence::{Committed, Group, Kafka, Seen, WhyKind};
use crate::pipeline::Worker;
use crate::plural;

/// Ends and commits of one group at one time, over the partitions on which it
/// has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    after_ms: u64,
    committed: i64,
    end: i64,
}

impl Point {
    fn lag(self) -> i64 {
        (self.end - self.committed).max(0)
    }
}

pub(super) fn motion(view: &View) -> Vec<Fact> {
    let workers = view.pipeline.worker.iter();
    workers
        .map(|worker| {
            let told = group_of(view, worker).and_then(|group| word(view, worker, group));
            Fact::of(worker.name.as_str(), told, |(word, say)| (Value::Word(word), format!("{word}: {say}")))
        })
        .collect()
}

/// What a group does: one of the words of `group.motion`, and the figures.
pub(super) fn word(view: &View, worker: &Worker, group: &Group) -> Seen<(&'static str, String)> {
    let name = &worker.group;
    let committed = match &group.committed {
        Seen::Known(committed) => committed,
        Seen::Unknown(why) | Seen::NotAsked(why) => return Seen::Unknown(why.clone()),
    };
    let state = group.state.as_str();
    if group.members.is_empty() && !(is_up(view, worker) && stands_behind(view, name, committed)) {
        return Seen::Known(match committed.is_empty() && state == "dead" {
            true => ("no-group", format!("there is no group {name}")),
            false => ("empty", format!("group {name} has no members")),
        });
    }
    if state != "stable" && !group.members.is_empty() {
        return Seen::Known(("rebalancing", format!("group {name} is {}", state.replace('-', " "))));
    }
    let Some(kafka) = view.evidence.kafka.known() else {
        return Seen::unknown(WhyKind::Missing, "Kafka was not seen");
    };
    if committed.is_empty() {
        let holds = worker.topics.iter().any(|topic| holds_records(kafka, topic.get_ref()));
        return Seen::Known(match holds {
            true => ("never-committed", format!("group {name} has committed nothing")),
            false => ("idle", format!("nothing has arrived for group {name}")),
        });
    }
    judged(name, &points(kafka, name, committed))
}

/// A frozen worker loses its membership after a while; its container runs on.
fn is_up(view: &View, worker: &Worker) -> bool {
    let container = view.container(&worker.name).known().copied().flatten();
    container.is_some_and(|container| matches!(container.status.as_str(), "running" | "paused"))
}

/// Whether records wait for the group and it takes none.
fn stands_behind(view: &View, name: &str, committed: &[Committed]) -> bool {
    let kafka = view.evidence.kafka.known();
    let points = kafka.map(|kafka| points(kafka, name, committed)).unwrap_or_default();
    matches!(judged(name, &points), Seen::Known(("stalled", _)))
}

fn holds_records(kafka: &Kafka, topic: &str) -> bool {
    let topic = kafka.topics.get(topic).and_then(Seen::known);
    topic.is_some_and(|topic| topic.partitions.iter().any(|p| p.end.known() > p.earliest.known()))
}

/// The group at each time it was looked at, as far as all of it was seen.
fn points(kafka: &Kafka, group: &str, committed: &[Committed]) -> Vec<Point> {
    let first = committed.iter().map(|c| {
        let topic = kafka.topics.get(&c.topic)?.known()?;
        let end = *topic.partitions.iter().find(|p| p.id == c.partition)?.end.known()?;
        Some((c.offset, end))
    });
    let again = kafka.again.iter().map(|sample| {
        let later = sample.committed.get(group)?.iter().map(|c| {
            let mut ends = sample.ends.iter();
            let end = ends.find(|end| end.topic == c.topic && end.partition == c.partition)?;
            Some((c.offset, end.offset))
        });
        sum(sample.after_ms, later)
    });
    [sum(0, first)].into_iter().chain(again).flatten().collect()
}

fn sum(after_ms: u64, pairs: impl Iterator<Item = Option<(i64, i64)>>) -> Option<Point> {
    let pairs: Option<Vec<(i64, i64)>> = pairs.collect();
    let (committed, end) = pairs?.into_iter().fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    Some(Point { after_ms, committed, end })
}

/// Looks that are closer together show nothing: offsets are committed in batches.
const APART_MS: u64 = 500;

fn judged(name: &str, points: &[Point]) -> Seen<(&'static str, String)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Seen::unknown(WhyKind::Missing, format!("the offsets of group {name} were not seen"));
    };
    if last.after_ms - first.after_ms < APART_MS {
        return Seen::not_asked("offsets were looked at once only, or too soon again");
    }
    let moved = last.committed - first.committed;
    let arrived = last.end - first.end;
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let seconds = (last.after_ms - first.after_ms) as f64 / 1000.0;
    let records = |count: i64| plural::count(u64::try_from(count).unwrap_or_default(), "record");
    let say = format!(
        "group {name} took {} of {} in {seconds:.1} s, {} behind",
        moved.max(0),
        records(arrived + first.lag()),
        last.lag()
    );
    let word = match () {
        () if last.lag() == 0 && moved == 0 => "idle",
        () if last.lag() == 0 => "advancing",
        () if moved <= 0 && first.lag() > 0 => "stalled",
        () if moved > 0 && moved * 2 < arrived && last.lag() > first.lag() => "slow",
        () => "advancing",
    };
    Seen::Known((word, say))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word_of(points: &[(u64, i64, i64)]) -> &'static str {
        let points: Vec<Point> =
            points.iter().map(|&(after_ms, committed, end)| Point { after_ms, committed, end }).collect();
        judged("g", &points).known().map_or("unknown", |(word, _)| word)
    }

    #[test]
    fn each_motion_has_its_word() {
        assert_eq!(word_of(&[(0, 10, 10), (1000, 10, 10)]), "idle");
        assert_eq!(word_of(&[(0, 10, 12), (1000, 20, 20)]), "advancing");
        assert_eq!(word_of(&[(0, 10, 15), (1000, 20, 24)]), "advancing");
        assert_eq!(word_of(&[(0, 10, 20), (1000, 11, 30)]), "slow");
        assert_eq!(word_of(&[(0, 10, 20), (1000, 10, 30), (4000, 10, 60)]), "stalled");
        // What has only just arrived is nobody's fault.
        assert_eq!(word_of(&[(0, 10, 10), (1000, 10, 11)]), "advancing");
        assert_eq!(word_of(&[(0, 10, 10)]), "unknown");
        assert_eq!(word_of(&[(0, 10, 20), (200, 10, 20)]), "unknown");
    }
}
