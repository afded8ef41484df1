//! Records that a consumer group skipped: the group has passed them, but its worker never
//! received them.

use crate::evidence::{FoundRecord, Observed, ReasonKind};
use crate::pipeline::{Stage, Worker};
use crate::situation::clock::{ClockOf, MAX_CLOCK_SKEW};
use crate::situation::delivery::{Consumption, Deliveries};
use crate::situation::group_progress::UncommittedPartition;
use crate::situation::stages::Event;
use crate::situation::workload::age;
use crate::text::plural;
use std::collections::BTreeMap;

/// How a group skipped a record that its worker never received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// The group skipped nothing.
    No,
    /// The group joined at the end of the topic, after the record was written.
    JoinedLate,
    /// The group existed before the record, and its offsets were set past it.
    Reset,
}

/// How a group skipped records and how many, with a description of what was observed.
type Skipped = (Skip, u64, String);

/// The records that each worker's group skipped.
pub struct Skips(BTreeMap<String, Observed<Skipped>>);

impl Skips {
    /// Determines for each worker which records its group skipped.
    pub fn build(event: &Event, deliveries: &Deliveries) -> Self {
        let of = |worker: &Worker| {
            let view = WorkerView { event, deliveries, worker };
            (worker.name.clone(), view.skipped())
        };
        Skips(event.pipeline.worker.iter().map(of).collect())
    }

    /// Returns how many records a worker's group skipped in this way, with a description of what
    /// was observed.
    pub fn of(&self, worker: &Worker, kind: Skip) -> Observed<(u64, String)> {
        let skipped = self.0[&worker.name].clone();
        skipped.map(|(skip, count, message)| (if skip == kind { count } else { 0 }, message))
    }
}

/// Which events are stuck at a worker's stages.
#[derive(Clone, Copy)]
enum Stuck {
    /// No events.
    Nothing,
    /// Other events in the window.
    Others,
    /// The requested event, which the worker has not marked.
    Requested,
}

/// One worker and the evidence about its records.
struct WorkerView<'w, 'a> {
    event: &'w Event<'a>,
    deliveries: &'w Deliveries<'a>,
    worker: &'w Worker,
}

fn not_skipped(message: impl Into<String>) -> Observed<Skipped> {
    Observed::Known((Skip::No, 0, message.into()))
}

impl WorkerView<'_, '_> {
    /// Determines what the group skipped. A group that joined at the end of a topic skipped
    /// the existing records. This matters only if events at its stages are stuck, which
    /// also distinguishes the group from one that has just joined.
    fn skipped(&self) -> Observed<Skipped> {
        let progress = self.event.progress.of(self.worker);
        let name = self.worker.group_name();
        if progress.is_empty() == Some(true) {
            // A group without members skipped nothing because the records wait for the
            // first member.
            return not_skipped(format!("group {name} has no members"));
        }
        progress.uncommitted.as_ref().and_then(|uncommitted| {
            let uncommitted: Vec<&UncommittedPartition> =
                uncommitted.iter().filter(|partition| partition.records > 0).collect();
            let records: u64 = uncommitted.iter().map(|partition| partition.records).sum();
            self.stuck().and_then(|stuck| match (records, stuck) {
                (0, Stuck::Requested) => self.skipped_record(),
                (0, _) => not_skipped("has committed on every partition that holds records"),
                (_, Stuck::Nothing) => not_skipped(format!(
                    "{} never consumed, but no event is stuck",
                    plural::count(records, "record")
                )),
                // The worker has the event but waits for something else or keeps retrying.
                (_, Stuck::Requested) if self.received().known().is_some_and(|(received, _)| *received) => {
                    not_skipped("its log names the event")
                }
                _ => {
                    let message = format!(
                        "group {name} has committed nothing on {}",
                        describe_partitions(&uncommitted)
                    );
                    match self.may_be_busy(stuck) {
                        true => {
                            let message =
                                format!("{message}; it is processing the first record or skipping them all");
                            Observed::unknown(ReasonKind::Missing, message)
                        }
                        false => Observed::Known((Skip::JoinedLate, records, message)),
                    }
                }
            })
        })
    }

    fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.event.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == self.worker.name)
    }

    /// Reports whether the worker may still be processing the first record, because it
    /// started before the records were written. Of a requested event that is stuck, only its own time
    /// counts. If either time is unknown, a group that has committed part of the topic may be busy too.
    fn may_be_busy(&self, stuck: Stuck) -> bool {
        let event = self.event;
        let since = self.stages().filter_map(|stage| event.backlog.extent(stage).known()?.since).min();
        let oldest = match stuck {
            Stuck::Requested => event.event_at().or(since),
            Stuck::Nothing | Stuck::Others => since.into_iter().chain(event.event_at()).min(),
        };
        let container = event.workloads.known(&self.worker.name);
        let apart = event.clocks.tolerance(ClockOf::Docker, ClockOf::Postgres) - MAX_CLOCK_SKEW;
        match (container.and_then(|container| container.started), oldest) {
            (Some(started), Some(oldest)) => {
                started.saturating_add(apart).is_ok_and(|started| started < oldest)
            }
            _ => event.progress.of(self.worker).has_committed(),
        }
    }

    /// Determines whether the group skipped the record of the stuck event.
    fn skipped_record(&self) -> Observed<Skipped> {
        let event = self.event;
        let Some(stage) = self.stages().find(|stage| event.has_reached(stage) && !event.has_effect(stage))
        else {
            return not_skipped("the event does not wait for this worker");
        };
        let delivery = self.deliveries.of(stage);
        match (&delivery.record, &delivery.consumption) {
            (Observed::Known(None), _) => not_skipped("the event's record is not on its topic"),
            (_, Observed::Known((Consumption::Waiting, message))) => not_skipped(message),
            (Observed::Known(Some(record)), Observed::Known((Consumption::Passed, message))) => {
                self.received().and_then(|(received, by)| match received {
                    true => not_skipped(by),
                    false => {
                        let (skip, how) = self.how_passed(record);
                        Observed::Known((skip, 1, format!("{message}; {by}{how}")))
                    }
                })
            }
            _ => self.received().and_then(|(received, by)| match received {
                true => not_skipped(by),
                false => Observed::unknown(
                    ReasonKind::Missing,
                    format!("{by}, so the record was skipped or never sent"),
                ),
            }),
        }
    }

    /// Determines how the group passed the record. If the worker existed before the record,
    /// the group's offsets were set past it.
    fn how_passed(&self, record: &FoundRecord) -> (Skip, String) {
        let container = self.event.workloads.known(&self.worker.name);
        let created = container.and_then(|container| container.created);
        let apart = self.event.clocks.tolerance(ClockOf::Docker, ClockOf::Kafka) - MAX_CLOCK_SKEW;
        match (created, record.at) {
            (Some(created), Some(at)) if created.saturating_add(apart).is_ok_and(|created| created > at) => (
                Skip::JoinedLate,
                format!("; its container was created {} after the record", age(created, at)),
            ),
            (Some(_), Some(_)) => (Skip::Reset, "; its container existed before the record".to_string()),
            _ => (Skip::JoinedLate, String::new()),
        }
    }

    fn received(&self) -> Observed<(bool, String)> {
        match self.stages().next() {
            Some(stage) => {
                self.deliveries.of(stage).received.clone().map(|(received, message)| match received {
                    true => (true, "its log names the event".to_string()),
                    false => (false, message),
                })
            }
            None => Observed::not_asked("the worker has no stage"),
        }
    }

    fn stuck(&self) -> Observed<Stuck> {
        let event = self.event;
        let mut others = Observed::Known(Stuck::Nothing);
        for stage in self.stages() {
            if event.is_stuck(stage) && event.is_marked_by_owner(stage) == Some(false) {
                return Observed::Known(Stuck::Requested);
            }
            match event.backlog.extent(stage) {
                Observed::Known(extent) if extent.stuck > 0 => others = Observed::Known(Stuck::Others),
                Observed::Known(_) => {}
                Observed::Unknown(why) | Observed::NotAsked(why) => others = Observed::Unknown(why),
            }
        }
        others
    }
}

fn describe_partitions(uncommitted: &[&UncommittedPartition]) -> String {
    let partitions = uncommitted.iter().map(|UncommittedPartition { topic, partition, records }| {
        format!("{topic}/{partition} ({})", plural::count(*records, "record"))
    });
    partitions.collect::<Vec<String>>().join(", ")
}
