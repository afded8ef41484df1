//! The requested event's records: whether each stage's record is on its topic, whether the
//! worker's group has passed it, and whether the worker sent it to the dead letter topic.

use crate::evidence::{DeadLetters, FoundRecord, Observed, ReasonKind, Search};
use crate::pipeline::{DeadLetters as DeadLetterTopic, Stage, Worker};
use crate::situation::clock::MAX_CLOCK_SKEW;
use crate::situation::event_lookup::search_of;
use crate::situation::logs::message_of;
use crate::situation::stages::Event;
use crate::text::plural;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Whether a consumer group has passed a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumption {
    /// The group has not reached the record.
    Waiting,
    /// The group has committed past the record: it was consumed or skipped.
    Passed,
}

/// A consumer group's position relative to a record.
#[derive(Debug, Clone)]
pub struct RecordConsumption<'a> {
    /// The record.
    pub record: &'a FoundRecord,
    /// Whether the group has passed the record.
    pub consumption: Consumption,
    /// The committed offset on the record's partition, or "nothing".
    pub committed: String,
}

/// The event's record at one stage.
#[derive(Debug, Clone)]
pub struct Delivery<'a> {
    /// The event's newest record on the stage's topic; `None` if the relevant part of the
    /// topic was read completely and the record is not there.
    pub record: Observed<Option<&'a FoundRecord>>,
    /// Whether the worker's group has passed the record, with the evidence; `NotAsked` if
    /// there is no record.
    pub consumption: Observed<(Consumption, String)>,
    /// Whether the worker has sent the event to the dead letter topic.
    pub given_up: Observed<bool>,
    /// Whether the worker's log mentions the event, with the last record that does.
    pub received: Observed<(bool, String)>,
}

/// The event's records at all stages, and the dead letters.
pub struct Deliveries<'a> {
    stages: BTreeMap<&'a str, Delivery<'a>>,
    /// The dead letters of all events.
    pub dead_letters: Observed<&'a DeadLetters>,
    /// Whether the dead letter topic exists.
    pub dead_letter_topic_exists: Observed<bool>,
}

impl<'a> Deliveries<'a> {
    /// Finds the event's records and the dead letters.
    pub fn build(event: &Event<'a>) -> Self {
        let dead = event.inputs.broker_of_topic(dead_letter_topic(event));
        let dead_letters = match event.inputs.pipeline.dead_letters {
            Some(_) => dead.and_then(|kafka| kafka.dead_letters.as_ref()),
            None => Observed::not_in_pipeline("the pipeline declares no dead letters"),
        };
        let of = |stage: &'a Stage| (stage.name.as_str(), delivery(event, stage, &dead_letters));
        let stages = event.inputs.pipeline.stage.iter().map(of).collect();
        let dead_letter_topic_exists = event.inputs.topic(dead_letter_topic(event)).map(|topic| topic.exists);
        Deliveries { stages, dead_letters, dead_letter_topic_exists }
    }

    /// Returns the event's record at a stage.
    pub fn of(&self, stage: &Stage) -> &Delivery<'a> {
        &self.stages[stage.name.as_str()]
    }

    /// For a worker that reads the stage's topic, returns its group's position relative to
    /// the event's record.
    pub fn record_consumption(
        &self,
        event: &Event<'a>,
        stage: &Stage,
        worker: &Worker,
    ) -> Observed<RecordConsumption<'a>> {
        record_consumption(event, &self.of(stage).record, stage, worker)
    }

    /// Reports whether any recent dead letters were found.
    pub fn has_dead_letters(&self) -> bool {
        self.dead_letters.known().is_some_and(|letters| !letters.found.is_empty())
    }

    /// Returns the requested event's newest dead letter that was sent by this worker.
    pub fn dead_letter_of(&self, event: &Event, worker: &str) -> Option<&'a FoundRecord> {
        let declared = event.inputs.pipeline.dead_letters.as_ref()?;
        let letters = self.dead_letters.known().copied()?;
        let of_worker = |letter: &&FoundRecord| sender(event, declared, letter) == Sender::Worker(worker);
        letters.found.iter().rfind(|letter| event.lookup.names_event(letter) && of_worker(letter))
    }

    /// Returns where, when and why this worker sent the requested event to the dead letter topic,
    /// unless the event has been processed since.
    pub fn dead_letter_reason(
        &self,
        event: &Event,
        worker: &str,
    ) -> Option<(String, Option<Timestamp>, &'a str)> {
        let declared = event.pipeline.dead_letters.as_ref()?;
        let letter = self.dead_letter_of(event, worker)?;
        let mut stages = event.pipeline.stages_of(worker);
        if stages.any(|stage| event.has_effect(stage)) {
            return None;
        }
        let at = letter.at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
        Some((format!("{at}on {}: ", declared.topic), letter.at, declared.reason_of(&letter.headers)?))
    }

    /// Counts a worker's dead letters, either of the requested event or of all other events,
    /// and describes them.
    pub fn dead_letters_of(
        &self,
        event: &Event<'a>,
        worker: &Worker,
        of_event: bool,
    ) -> Observed<(u64, String)> {
        self.dead_letters.clone().and_then(|search| {
            let letters = by_worker(event, search, worker);
            let letters: Vec<_> =
                letters.filter(|letter| event.lookup.names_event(letter) == of_event).collect();
            describe_dead_letters(event, search, &letters)
        })
    }

    /// Reports whether the requested event is among a worker's dead letters.
    pub fn has_given_up(&self, event: &Event, worker: &Worker) -> bool {
        let letters = self.dead_letters.known();
        letters.is_some_and(|search| {
            by_worker(event, search, worker).any(|letter| event.lookup.names_event(letter))
        })
    }
}

fn delivery<'a>(event: &Event<'a>, stage: &Stage, dead_letters: &Observed<&'a DeadLetters>) -> Delivery<'a> {
    let record = record_of(event, stage);
    let worker = stage.worker.get_ref();
    Delivery {
        consumption: consumption(event, &record, stage),
        given_up: given_up(event, dead_letters, worker),
        received: received(event, worker),
        record,
    }
}

fn record_of<'a>(event: &Event<'a>, stage: &Stage) -> Observed<Option<&'a FoundRecord>> {
    let topic = match stage.topic() {
        Observed::Known(topic) => topic,
        none => return none.map(|_| None),
    };
    let inputs = event.inputs;
    let search = inputs.broker_of_topic(topic).and_then(|kafka| match kafka.searches.get(topic) {
        Some(search) => search.as_ref(),
        None => Observed::not_asked("records were not read"),
    });
    if inputs.topic(topic).known().is_some_and(|seen| !seen.exists) {
        return event.id().and_then(|_| Observed::not_asked(format!("topic {topic} does not exist")));
    }
    let records = event.lookup.records(topic);
    event.id().and_then(|_| search).and_then(|search| match records.last() {
        Some(found) => Observed::Known(Some(found)),
        None if !search.complete => Observed::unknown(ReasonKind::Limit, stopped(topic, search)),
        None if is_compacted(event, topic) => {
            let message = format!(
                "topic {topic} is compacted: a newer record with the same key may have replaced the event's"
            );
            Observed::unknown(ReasonKind::Missing, message)
        }
        None if let Some(at) = deleted_since(event, topic) => {
            let message =
                format!("topic {topic} was deleted at {}, after the event", at.strftime("%H:%M:%S"));
            Observed::unknown(ReasonKind::Missing, message)
        }
        None if search.truncated => {
            let message = format!("the oldest records of {topic} have already been deleted");
            Observed::unknown(ReasonKind::Missing, message)
        }
        None => Observed::Known(None),
    })
}

/// Reports whether a newer record with the same key replaces a record of this topic.
fn is_compacted(event: &Event, topic: &str) -> bool {
    event.inputs.topic(topic).known().is_some_and(|topic| topic.compacted == Observed::Known(true))
}

/// Returns when the topic was deleted, if that was after the event. It may have been created again since.
fn deleted_since(event: &Event, topic: &str) -> Option<Timestamp> {
    let came = event.lookup.row.known()?.at;
    event.pipeline.brokers().into_iter().find_map(|broker| {
        let log = event.logs.of(broker);
        let lost = log.known()?.all_troubles().filter(|trouble| trouble.destroys);
        lost.filter(|trouble| trouble.record.text.contains(topic))
            .filter_map(|trouble| trouble.record.at)
            .find(|at| at.duration_since(came) > -MAX_CLOCK_SKEW)
    })
}

fn stopped(topic: &str, search: &Search) -> String {
    let bound = search.bound.as_deref().unwrap_or("it was cut short");
    format!("stopped reading {topic} after {}: {bound}", plural::count(search.read, "record"))
}

/// Describes what was read: "212 records of orders since 10:01:14, all read".
pub fn describe_read(event: &Event, topic: &str) -> String {
    search_of(event.inputs, topic).map_or_else(String::new, |search| {
        let since = search.from.map(|from| format!(" since {}", from.strftime("%H:%M:%S")));
        format!("{} of {topic}{}, all read", plural::count(search.read, "record"), since.unwrap_or_default())
    })
}

/// Describes where a record is and how much was read to find it: "orders/0 offset 7, 486
/// bytes, found in 212 records (0.1 MB)".
pub fn describe_found(event: &Event, topic: &str, found: &FoundRecord) -> String {
    let read = search_of(event.inputs, topic).map_or_else(String::new, |search| {
        let bound = search.bound.as_ref().filter(|_| !search.complete);
        let bound = bound.map(|bound| format!(", stopped: {bound}")).unwrap_or_default();
        format!("found in {} ({}){bound}", plural::count(search.read, "record"), plural::size(search.bytes))
    });
    let at = found.at.map(|at| format!(" from {}", at.strftime("%H:%M:%S"))).unwrap_or_default();
    format!("{topic}/{} offset {}{at}, {}, {read}", found.partition, found.offset, plural::size(found.size))
}

fn record_consumption<'a>(
    event: &Event<'a>,
    record: &Observed<Option<&'a FoundRecord>>,
    stage: &Stage,
    worker: &Worker,
) -> Observed<RecordConsumption<'a>> {
    record.clone().and_then(|found| {
        let Some(record) = found else { return Observed::not_asked("no record to consume") };
        let committed = event.progress.of(worker).committed(stage.topic_name(), record.partition);
        committed.map(|committed| {
            let consumption = match committed {
                Some(offset) if offset > record.offset => Consumption::Passed,
                _ => Consumption::Waiting,
            };
            let committed = committed.map_or("nothing".to_string(), |offset| offset.to_string());
            RecordConsumption { record, consumption, committed }
        })
    })
}

fn consumption<'a>(
    event: &Event<'a>,
    record: &Observed<Option<&'a FoundRecord>>,
    stage: &Stage,
) -> Observed<(Consumption, String)> {
    let Some(worker) = event.pipeline.worker(stage.worker.get_ref()) else {
        return Observed::not_asked("the pipeline declares no such worker");
    };
    record_consumption(event, record, stage, worker).map(
        |RecordConsumption { record, consumption, committed }| {
            let verb = if consumption == Consumption::Passed { "has passed" } else { "has not consumed" };
            let topic = stage.topic_name();
            let message = format!(
                "group {} {verb} the event's record: {topic}/{} offset {}, committed {committed}",
                worker.group_name(),
                record.partition,
                record.offset
            );
            (consumption, message)
        },
    )
}

/// Reports whether the worker received the event. A committed offset does not prove this, because
/// groups that join late or are reset skip records. A log record that contains the id does.
fn received(event: &Event, worker: &str) -> Observed<(bool, String)> {
    event.id().and_then(|id| {
        event.logs.of(worker).and_then(|log| match log.naming(id).last() {
            Some(record) => {
                let last = message_of(&record.text);
                let at = record.time_of_day();
                Observed::Known((true, format!("received and dropped; last logged {}: {last}", at.trim())))
            }
            None => Observed::from(event.covers_event(worker))
                .map(|()| (false, format!("{worker}'s log does not name the event"))),
        })
    })
}

fn given_up(event: &Event, dead_letters: &Observed<&DeadLetters>, worker: &str) -> Observed<bool> {
    let Some(worker) = event.pipeline.worker(worker) else { return Observed::Known(false) };
    match dead_letters {
        Observed::Known(search)
            if by_worker(event, search, worker).any(|letter| event.lookup.names_event(letter)) =>
        {
            Observed::Known(true)
        }
        Observed::Known(letters) if !letters.search.complete => {
            Observed::unknown(ReasonKind::Limit, stopped(dead_letter_topic(event), &letters.search))
        }
        Observed::Known(_) | Observed::NotAsked(_) => Observed::Known(false),
        Observed::Unknown(why) => Observed::Unknown(why.clone()),
    }
}

/// Who sent a dead letter.
#[derive(Debug, PartialEq, Eq)]
enum Sender<'a> {
    Worker(&'a str),
    /// One of the workers that read this topic.
    ReaderOf(&'a str),
    Unknown,
}

/// Returns who sent a dead letter: the worker that its headers name, or else the one whose group they name,
/// or else the reader of the topic that it was read from.
fn sender<'e>(event: &'e Event, declared: &DeadLetterTopic, letter: &'e FoundRecord) -> Sender<'e> {
    let pipeline = event.inputs.pipeline;
    let headers = &letter.headers;
    let named = declared.worker_of(headers).and_then(|name| pipeline.worker(name));
    let of_group = |group| pipeline.worker.iter().find(|worker| worker.group.as_deref() == Some(group));
    if let Some(worker) = named.or_else(|| declared.group_of(headers).and_then(of_group)) {
        return Sender::Worker(&worker.name);
    }
    let Some(topic) = declared.topic_of(headers) else { return Sender::Unknown };
    let readers: Vec<&Worker> = pipeline.worker.iter().filter(|worker| worker.consumes(topic)).collect();
    match readers.as_slice() {
        [] => Sender::Unknown,
        [only] => Sender::Worker(&only.name),
        _ => Sender::ReaderOf(topic),
    }
}

/// Returns the dead letters of a worker. Dead letters of an unknown sender count for every worker.
fn by_worker<'e, 's: 'e>(
    event: &'e Event,
    letters: &'s DeadLetters,
    worker: &'e Worker,
) -> impl Iterator<Item = &'s FoundRecord> + 'e {
    let declared = event.pipeline.dead_letters.as_ref();
    letters.found.iter().filter(move |letter| {
        match declared.map_or(Sender::Unknown, |declared| sender(event, declared, letter)) {
            Sender::Worker(name) => name == worker.name,
            Sender::ReaderOf(topic) => worker.consumes(topic),
            Sender::Unknown => true,
        }
    })
}

fn dead_letter_topic<'a>(event: &Event<'a>) -> &'a str {
    event.inputs.pipeline.dead_letters.as_ref().map_or("", |dead| dead.topic.as_str())
}

fn describe_dead_letters(
    event: &Event,
    all: &DeadLetters,
    letters: &[&FoundRecord],
) -> Observed<(u64, String)> {
    let search = &all.search;
    let topic = dead_letter_topic(event);
    let Some(newest) = letters.last() else {
        return match search.complete {
            true => {
                let message =
                    format!("none in {} of {topic}, all read", plural::count(search.read, "record"));
                Observed::Known((0, message))
            }
            false => Observed::unknown(ReasonKind::Limit, stopped(topic, search)),
        };
    };
    let reason = event.pipeline.dead_letters.as_ref().and_then(|dead| dead.reason_of(&newest.headers));
    let reason = reason.unwrap_or("no reason given");
    let at = newest.at.map(|at| format!(", last at {}", at.strftime("%H:%M:%S"))).unwrap_or_default();
    // Only some of the dead letters are kept if there are many.
    let least = if search.matched > all.found.len() as u64 { "at least " } else { "" };
    let count = letters.len() as u64;
    let records = plural::count(count, "record");
    Observed::Known((count, format!("{least}{records} on {topic}{at}: {reason}")))
}
