//! Records that a group came past without its worker receiving them.

use crate::evidence::{FoundRecord, Seen, WhyKind};
use crate::pipeline::{Stage, Worker};
use crate::situation::clock::{CLOCKS, ClockOf};
use crate::situation::delivery::{Deliveries, Taken};
use crate::situation::progress::Untaken;
use crate::situation::stages::Event;
use crate::situation::workload::age;
use crate::text::plural;
use std::collections::BTreeMap;

/// How a group came past a record that its worker never received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// It did not.
    No,
    /// It joined at the end of the topic, after the record.
    JoinedLate,
    /// It was there before: its offsets were set past the record.
    Reset,
}

/// What a group has come past, how many records, and in words.
type Skipped = (Skip, u64, String);

/// What the groups have come past.
pub struct Skips(BTreeMap<String, Seen<Skipped>>);

impl Skips {
    /// Finds out for each worker.
    pub fn build(event: &Event, deliveries: &Deliveries) -> Self {
        let of = |worker: &Worker| {
            let way = Way { event, deliveries, worker };
            (worker.name.clone(), way.skipped())
        };
        Skips(event.pipeline.worker.iter().map(of).collect())
    }

    /// How many records the group of a worker came past in this way, and in words.
    pub fn of(&self, worker: &Worker, wanted: Skip) -> Seen<(u64, String)> {
        let skipped = self.0[&worker.name].clone();
        skipped.map(|(skip, count, say)| (if skip == wanted { count } else { 0 }, say))
    }
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

/// What comes to one worker.
struct Way<'w, 'a> {
    event: &'w Event<'a>,
    deliveries: &'w Deliveries<'a>,
    worker: &'w Worker,
}

fn none(say: impl Into<String>) -> Seen<Skipped> {
    Seen::Known((Skip::No, 0, say.into()))
}

impl Way<'_, '_> {
    /// A group that joined at the end of a topic has skipped what was there. It
    /// matters, and can be told from a group that has just joined, where events of
    /// its stage are stuck.
    fn skipped(&self) -> Seen<Skipped> {
        let progress = self.event.progress.of(self.worker);
        let name = self.worker.group_name();
        if progress.is_empty() == Some(true) {
            // What is there waits for a member; a member that passed it by has skipped it.
            return none(format!("group {name} has no members"));
        }
        progress.untaken.as_ref().and_then(|untaken| {
            let untaken: Vec<&Untaken> = untaken.iter().filter(|untaken| untaken.records > 0).collect();
            let records: u64 = untaken.iter().map(|untaken| untaken.records).sum();
            self.stuck().and_then(|stuck| match (records, stuck) {
                (0, Stuck::Id) => self.skipped_record(),
                (0, _) => none("took up every partition that holds records"),
                (_, Stuck::Nothing) => none(format!("{records} never taken up, none of them missed")),
                // It waits for something else, or tries again and again.
                (_, Stuck::Id) if self.received().known().is_some_and(|(received, _)| *received) => {
                    none("its log names the event")
                }
                _ => {
                    let say = format!("group {name} has committed nothing on {}", in_places(&untaken));
                    match self.may_be_busy() {
                        true => {
                            let say = format!("{say}: it is busy with the first, or skips");
                            Seen::unknown(WhyKind::Missing, say)
                        }
                        false => Seen::Known((Skip::JoinedLate, records, say)),
                    }
                }
            })
        })
    }

    fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.event.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == self.worker.name)
    }

    /// Whoever was there before the records came works on the first of them, as far
    /// as can be seen; and where nobody knows since when it is there, a group that
    /// has committed some of the topic may.
    fn may_be_busy(&self) -> bool {
        let event = self.event;
        let since = self.stages().filter_map(|stage| event.backlog.extent(stage).known()?.since);
        let oldest = since.chain(event.event_at()).min();
        let container = event.workloads.known(&self.worker.name);
        let apart = event.clocks.apart(ClockOf::Docker, ClockOf::Postgres) - CLOCKS;
        match (container.and_then(|container| container.started), oldest) {
            (Some(started), Some(oldest)) => {
                started.saturating_add(apart).is_ok_and(|started| started < oldest)
            }
            _ => event.progress.of(self.worker).has_committed(),
        }
    }

    /// Whether the group has jumped over the record of the stuck event.
    fn skipped_record(&self) -> Seen<Skipped> {
        let event = self.event;
        let Some(stage) = self.stages().find(|stage| event.reached(stage) && !event.has_effect(stage)) else {
            return none("the event waits for nothing of it");
        };
        let delivery = self.deliveries.of(stage);
        match (&delivery.record, &delivery.taken) {
            (Seen::Known(None), _) => none("the event's record is not on its topic"),
            (_, Seen::Known((Taken::Waiting, say))) => none(say),
            (Seen::Known(Some(record)), Seen::Known((Taken::Passed, say))) => {
                self.received().and_then(|(received, by)| match received {
                    true => none(by),
                    false => {
                        let (skip, how) = self.how_passed(record);
                        Seen::Known((skip, 1, format!("{say}; {by}{how}")))
                    }
                })
            }
            _ => self.received().and_then(|(received, by)| match received {
                true => none(by),
                false => Seen::unknown(WhyKind::Missing, format!("{by}: skipped, or never sent")),
            }),
        }
    }

    /// Whether the worker was there before the record: then somebody has set its
    /// group's offsets past it.
    fn how_passed(&self, record: &FoundRecord) -> (Skip, String) {
        let container = self.event.workloads.known(&self.worker.name);
        let created = container.and_then(|container| container.created);
        let apart = self.event.clocks.apart(ClockOf::Docker, ClockOf::Kafka) - CLOCKS;
        match (created, record.at) {
            (Some(created), Some(at)) if created.saturating_add(apart).is_ok_and(|created| created > at) => {
                (Skip::JoinedLate, format!("; its container is {} younger than the record", age(created, at)))
            }
            (Some(_), Some(_)) => (Skip::Reset, "; its container is older than the record".to_string()),
            _ => (Skip::JoinedLate, String::new()),
        }
    }

    fn received(&self) -> Seen<(bool, String)> {
        match self.stages().next() {
            Some(stage) => self.deliveries.of(stage).received.clone().map(|(received, say)| match received {
                true => (true, "its log names the event".to_string()),
                false => (false, say),
            }),
            None => Seen::not_asked("no stage"),
        }
    }

    fn stuck(&self) -> Seen<Stuck> {
        let event = self.event;
        let mut others = Seen::Known(Stuck::Nothing);
        for stage in self.stages() {
            if event.is_stuck(stage) && event.is_marked_by_owner(stage) == Some(false) {
                return Seen::Known(Stuck::Id);
            }
            match event.backlog.extent(stage) {
                Seen::Known(extent) if extent.stuck > 0 => others = Seen::Known(Stuck::Others),
                Seen::Known(_) => {}
                Seen::Unknown(why) | Seen::NotAsked(why) => others = Seen::Unknown(why),
            }
        }
        others
    }
}

fn in_places(untaken: &[&Untaken]) -> String {
    let places = untaken.iter().map(|Untaken { topic, partition, records }| {
        format!("{topic}/{partition} ({})", plural::count(*records, "record"))
    });
    places.collect::<Vec<String>>().join(", ")
}
