//! Facts about records that a group came past without its worker receiving them.

use crate::evidence::{Broker, FoundRecord, Partition, Seen, WhyKind};
use crate::fact::containers::age;
use crate::fact::groups::group_of;
use crate::fact::records::{self, Taken};
use crate::fact::stages::is_owners;
use crate::fact::view::{CLOCKS, View};
use crate::fact::{Fact, Value, for_workers};
use crate::pipeline::Worker;
use crate::text::plural;

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
pub fn never_taken_up<'a>(kafka: &'a Broker, worker: &Worker) -> Seen<Vec<Untaken<'a>>> {
    let Seen::Known(name) = worker.group() else { return Seen::Known(Vec::new()) };
    let Some(group) = kafka.groups.get(name) else {
        return Seen::unknown(WhyKind::Missing, format!("group {} was not asked for", worker.group_name()));
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

/// Whether records wait where its group has committed nothing.
pub fn has_untaken(kafka: &Broker, worker: &Worker) -> Seen<bool> {
    never_taken_up(kafka, worker).map(|untaken| untaken.iter().any(|untaken| untaken.records > 0))
}

/// Records that a partition still holds.
fn held(partition: &Partition) -> Seen<u64> {
    let end = partition.end.as_ref();
    partition.earliest.as_ref().and_then(|earliest| end.map(|end| u64::try_from(end - earliest).unwrap_or(0)))
}

/// How a group came past a record that its worker never received.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skip {
    /// It did not.
    No,
    /// It joined at the end of the topic, after the record.
    JoinedLate,
    /// It was there before: its offsets were set past the record.
    Reset,
}

type Skipped = (Skip, u64, String);

pub(super) fn skipped(view: &View) -> Vec<Fact> {
    skips(view, Skip::JoinedLate)
}

pub(super) fn jumped_over(view: &View) -> Vec<Fact> {
    skips(view, Skip::Reset)
}

fn skips(view: &View, wanted: Skip) -> Vec<Fact> {
    let tell = |(skip, count, say): Skipped| (Value::Count(if skip == wanted { count } else { 0 }), say);
    for_workers(view, |worker| skipped_by(view, worker).map(tell))
}

/// A group that joined at the end of a topic has skipped what was there. It
/// matters, and can be told from a group that has just joined, where events of
/// its stage are stuck.
fn skipped_by(view: &View, worker: &Worker) -> Seen<Skipped> {
    let none = |say: String| Seen::Known((Skip::No, 0, say));
    let group = group_of(view, worker);
    if group.known().is_some_and(|group| group.members.is_empty()) {
        // What is there waits for a member; a member that passed it by has skipped it.
        return none(format!("group {} has no members", worker.group_name()));
    }
    let kafka = view.broker_of(worker);
    let untaken = kafka.and_then(|kafka| never_taken_up(kafka, worker));
    untaken.and_then(|untaken| {
        let untaken: Vec<Untaken> = untaken.into_iter().filter(|untaken| untaken.records > 0).collect();
        let records: u64 = untaken.iter().map(|untaken| untaken.records).sum();
        stuck_at(view, worker).and_then(|stuck| match (records, stuck) {
            (0, Stuck::Id) => skipped_record(view, worker),
            (0, _) => none("took up every partition that holds records".to_string()),
            (_, Stuck::Nothing) => none(format!("{records} never taken up, none of them missed")),
            // It waits for something else, or tries again and again.
            (_, Stuck::Id) if has_received(view, worker).known().is_some_and(|(received, _)| *received) => {
                none("its log names the event".to_string())
            }
            _ => {
                let say =
                    format!("group {} has committed nothing on {}", worker.group_name(), in_places(&untaken));
                match may_be_busy(view, worker) {
                    true => {
                        Seen::unknown(WhyKind::Missing, format!("{say}: it is busy with the first, or skips"))
                    }
                    false => Seen::Known((Skip::JoinedLate, records, say)),
                }
            }
        })
    })
}

/// Whoever was there before the records came works on the first of them, as far
/// as can be seen; and where nobody knows since when it is there, a group that
/// has committed some of the topic may.
fn may_be_busy(view: &View, worker: &Worker) -> bool {
    let stages = view.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
    let since = stages.filter_map(|stage| view.extent(stage).known().and_then(|extent| extent.since));
    let oldest = since.chain(view.event_at()).min();
    let container = view.container(&worker.name).known().copied().flatten();
    match (container.and_then(|container| container.started), oldest) {
        (Some(started), Some(oldest)) => started
            .saturating_add(view.apart("Docker", "PostgreSQL") - CLOCKS)
            .is_ok_and(|started| started < oldest),
        _ => group_of(view, worker).and_then(|group| group.committed.as_ref()).known().is_some_and(
            |committed| {
                committed.iter().any(|c| worker.topics.iter().any(|topic| *topic.get_ref() == c.topic))
            },
        ),
    }
}

/// Whether the group has jumped over the record of the stuck event.
fn skipped_record(view: &View, worker: &Worker) -> Seen<Skipped> {
    let none = |say: String| Seen::Known((Skip::No, 0, say));
    let mut stages = view.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
    let Some(stage) = stages.find(|stage| view.reached(stage) && !view.has_effect(stage)) else {
        return none("the event waits for nothing of it".to_string());
    };
    match (records::record_of(view, stage), records::taken(view, stage)) {
        (Seen::Known(None), _) => none("the event's record is not on its topic".to_string()),
        (_, Seen::Known((Taken::Waiting, say))) => none(say),
        (Seen::Known(Some(record)), Seen::Known((Taken::Passed, say))) => has_received(view, worker)
            .and_then(|(received, by)| match received {
                true => none(by),
                false => {
                    let (skip, how) = how_passed(view, worker, record);
                    Seen::Known((skip, 1, format!("{say}; {by}{how}")))
                }
            }),
        _ => has_received(view, worker).and_then(|(received, by)| match received {
            true => none(by),
            false => Seen::unknown(WhyKind::Missing, format!("{by}: skipped, or never sent")),
        }),
    }
}

/// Whether the worker was there before the record: then somebody has set its
/// group's offsets past it.
fn how_passed(view: &View, worker: &Worker, record: &FoundRecord) -> (Skip, String) {
    let container = view.container(&worker.name).known().copied().flatten();
    let created = container.and_then(|container| container.created);
    match (created, record.at) {
        (Some(created), Some(at))
            if created
                .saturating_add(view.apart("Docker", "Kafka") - CLOCKS)
                .is_ok_and(|created| created > at) =>
        {
            (Skip::JoinedLate, format!("; its container is {} younger than the record", age(created, at)))
        }
        (Some(_), Some(_)) => (Skip::Reset, "; its container is older than the record".to_string()),
        _ => (Skip::JoinedLate, String::new()),
    }
}

/// Committed past a record is no proof that the worker received it: a late
/// joiner and a reset jump over it. Its log, if it names the id, is.
fn has_received(view: &View, worker: &Worker) -> Seen<(bool, String)> {
    view.id().and_then(|id| {
        view.log(&worker.name).and_then(|log| {
            let named = log.records.iter().any(|record| record.names(id));
            match (named, view.covers_event(&worker.name, log)) {
                (true, _) => Seen::Known((true, "its log names the event".to_string())),
                (false, Ok(())) => {
                    let say = format!("the log of {} does not name the event", worker.name);
                    Seen::Known((false, say))
                }
                (false, Err(why)) => Seen::Unknown(why),
            }
        })
    })
}

fn in_places(untaken: &[Untaken]) -> String {
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
        let marks = view.marks(stage);
        let unmarked = marks.known().is_some_and(|marks| !marks.iter().any(|mark| is_owners(stage, mark)));
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
