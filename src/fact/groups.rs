//! Facts about consumer groups.

use super::records::{self, Taken};
use super::view::View;
use super::{Fact, Value};
use crate::evidence::{Group, Kafka, Mark, Partition, Seen, WhyKind};
use crate::pipeline::Worker;
use crate::plural;

/// The group of a worker, as the broker describes it.
pub fn group_of<'a>(view: &View<'a>, worker: &Worker) -> Seen<&'a Group> {
    view.evidence.kafka.as_ref().and_then(|kafka| match kafka.groups.get(&worker.group) {
        Some(group) => group.as_ref(),
        None => Seen::unknown(WhyKind::Missing, format!("group {} was not asked for", worker.group)),
    })
}

pub(super) fn members(view: &View) -> Vec<Fact> {
    let workers = view.pipeline.worker.iter();
    workers
        .map(|worker| {
            Fact::of(worker.name.as_str(), group_of(view, worker), |group| {
                let count = group.members.len();
                let members = plural::count(count as u64, "member");
                let say = format!("group {} {}, {members}", worker.group, group.state);
                (Value::Count(count as u64), say)
            })
        })
        .collect()
}

/// A partition of a worker's topics on which its group has committed nothing.
pub struct Untaken<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Records that it holds.
    pub records: u64,
}

/// The partitions of a worker's topics on which its group has committed nothing,
/// empty ones too. Topics that do not exist have none.
pub fn never_taken_up<'a>(kafka: &'a Kafka, worker: &Worker) -> Seen<Vec<Untaken<'a>>> {
    let Some(group) = kafka.groups.get(&worker.group) else {
        return Seen::unknown(WhyKind::Missing, format!("group {} was not asked for", worker.group));
    };
    let committed = group.as_ref().and_then(|group| group.committed.as_ref());
    committed.and_then(|committed| {
        let mut untaken = Vec::new();
        for topic in &worker.topics {
            let Some((topic, Seen::Known(seen))) = kafka.topics.get_key_value(topic.get_ref()) else {
                return Seen::unknown(WhyKind::Missing, format!("topic {} was not seen", topic.get_ref()));
            };
            let taken_up = |partition: &Partition| {
                committed.iter().any(|c| c.topic == *topic && c.partition == partition.id)
            };
            for partition in seen.partitions.iter().filter(|partition| !taken_up(partition)) {
                match held(partition) {
                    Seen::Known(records) => untaken.push(Untaken { topic, partition: partition.id, records }),
                    other => return other.map(|_| Vec::new()),
                }
            }
        }
        Seen::Known(untaken)
    })
}

/// Records that a partition still holds.
fn held(partition: &Partition) -> Seen<u64> {
    let end = partition.end.as_ref();
    partition.earliest.as_ref().and_then(|earliest| end.map(|end| u64::try_from(end - earliest).unwrap_or(0)))
}

pub(super) fn skipped(view: &View) -> Vec<Fact> {
    let workers = view.pipeline.worker.iter();
    workers.map(|worker| Fact::of(worker.name.as_str(), skipped_by(view, worker), |told| told)).collect()
}

/// A group that joined at the end of a topic has skipped what was there. It
/// matters, and can be told from a group that has just joined, where events of
/// its stage are stuck.
fn skipped_by(view: &View, worker: &Worker) -> Seen<(Value, String)> {
    let group = group_of(view, worker);
    if group.known().is_some_and(|group| group.members.is_empty()) {
        // What is there waits for a member; a member that passed it by has skipped it.
        return Seen::Known((Value::Count(0), format!("group {} has no members", worker.group)));
    }
    let kafka = view.evidence.kafka.as_ref();
    let untaken = kafka.and_then(|kafka| never_taken_up(kafka, worker));
    untaken.and_then(|untaken| {
        let untaken: Vec<Untaken> = untaken.into_iter().filter(|untaken| untaken.records > 0).collect();
        let records: u64 = untaken.iter().map(|untaken| untaken.records).sum();
        stuck_at(view, worker).and_then(|stuck| match (records, stuck) {
            (0, Stuck::Id) => skipped_record(view, worker),
            (0, _) => {
                Seen::Known((Value::Count(0), "took up every partition that holds records".to_string()))
            }
            (_, Stuck::Nothing) => {
                Seen::Known((Value::Count(0), format!("{records} never taken up, none of them missed")))
            }
            // It waits for something else, or tries again and again.
            (_, Stuck::Id) if matches!(has_received(view, worker), Seen::Known((Value::Bool(true), _))) => {
                has_received(view, worker).map(|(_, by)| (Value::Count(0), by))
            }
            _ => {
                let say = format!("group {} has committed nothing on {}", worker.group, in_words(&untaken));
                Seen::Known((Value::Count(records), say))
            }
        })
    })
}

/// Whether the group has jumped over the record of the stuck event.
fn skipped_record(view: &View, worker: &Worker) -> Seen<(Value, String)> {
    let mut stages = view.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
    let stage = stages.find(|stage| view.reached(stage) && !view.has_effect(stage));
    match stage.map(|stage| (records::record_of(view, stage), records::taken(view, stage))) {
        Some((Seen::Known(None), _)) => {
            Seen::Known((Value::Count(0), "the event's record is not on its topic".to_string()))
        }
        Some((_, Seen::Known((Taken::Waiting, say)))) => Seen::Known((Value::Count(0), say)),
        Some((_, Seen::Known((Taken::Passed, say)))) => {
            has_received(view, worker).and_then(|(received, by)| match received {
                Value::Bool(true) => Seen::Known((Value::Count(0), by)),
                _ => Seen::Known((Value::Count(1), format!("{say}; {by}"))),
            })
        }
        _ => has_received(view, worker).and_then(|(received, by)| match received {
            Value::Bool(true) => Seen::Known((Value::Count(0), by)),
            _ => Seen::unknown(WhyKind::Missing, format!("{by}: skipped, or never sent")),
        }),
    }
}

/// Committed past a record is no proof that the worker received it: a late
/// joiner and a reset jump over it. Its log, if it names the id, is.
fn has_received(view: &View, worker: &Worker) -> Seen<(Value, String)> {
    view.id().and_then(|id| {
        view.log(&worker.name).and_then(|log| {
            let named = log.records.iter().any(|record| record.names(id));
            match (named, view.covers_event(log)) {
                (true, _) => Seen::Known((Value::Bool(true), "its log names the event".to_string())),
                (false, Ok(())) => {
                    let say = format!("the log of {} does not name the event", worker.name);
                    Seen::Known((Value::Bool(false), say))
                }
                (false, Err(why)) => Seen::Unknown(why),
            }
        })
    })
}

fn in_words(untaken: &[Untaken]) -> String {
    let places: Vec<String> = untaken
        .iter()
        .map(|Untaken { topic, partition, records }| {
            format!("{topic}/{partition} ({})", plural::count(*records, "record"))
        })
        .collect();
    places.join(", ")
}

/// What is stuck at the stages of a worker.
enum Stuck {
    /// Nothing.
    Nothing,
    /// Events of the window.
    Others,
    /// The event that was asked about, unmarked.
    Id,
}

fn stuck_at(view: &View, worker: &Worker) -> Seen<Stuck> {
    let stages = view.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
    let mut others = Seen::Known(Stuck::Nothing);
    for stage in stages {
        let lacking = view.effects(stage).known().is_some_and(Vec::is_empty) && view.reached(stage);
        let by_owner =
            |mark: &&Mark| mark.source.as_ref().is_some_and(|source| stage.marked_by.contains(source));
        let unmarked = view.marks(stage).known().is_some_and(|marks| !marks.iter().any(by_owner));
        if lacking && unmarked && view.old_enough(stage).known().is_some() {
            return Seen::Known(Stuck::Id);
        }
        match view.extent(stage) {
            Seen::Known(extent) if extent.stuck > 0 => others = Seen::Known(Stuck::Others),
            Seen::Known(_) => {}
            Seen::Unknown(why) | Seen::NotAsked(why) => others = Seen::Unknown(why),
        }
    }
    others
}

/// Records between the group's commits and the ends of its topics; `None` where
/// it is not known for every partition on which it has committed.
pub fn lag(kafka: &Kafka, worker: &Worker) -> Option<u64> {
    let group = kafka.groups.get(&worker.group)?.known()?;
    let mut lag = 0;
    for committed in group.committed.known()? {
        let topic = kafka.topics.get(&committed.topic).and_then(Seen::known)?;
        let partition = topic.partitions.iter().find(|p| p.id == committed.partition)?;
        lag += u64::try_from(partition.end.known()? - committed.offset).unwrap_or(0);
    }
    Some(lag)
}
