//! The asked event's records: whether each stage's is on its topic, whether its worker's
//! group has passed it, and whether its worker has given it up.

use crate::evidence::{DeadLetters, FoundRecord, Search, Seen, WhyKind};
use crate::pipeline::{Stage, Worker};
use crate::situation::asked::search_of;
use crate::situation::logs::message_of;
use crate::situation::stages::Event;
use crate::text::plural;
use std::collections::BTreeMap;

/// How a worker's group stands to the record of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The group has not come to it.
    Waiting,
    /// The group's committed offset is behind it: consumed, or jumped over.
    Passed,
}

/// How a worker's group stands to a record.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The record.
    pub record: &'a FoundRecord,
    /// Whether the group is behind or before it.
    pub taken: Taken,
    /// What the group has committed for the record's partition, in words.
    pub committed: String,
}

/// The event's record of one stage.
#[derive(Debug, Clone)]
pub struct Delivery<'a> {
    /// Its newest record on the stage's topic; `None`: it is not there, and all that
    /// could hold it was read.
    pub record: Seen<Option<&'a FoundRecord>>,
    /// Whether the worker's group has passed it, with the proof. Not asked where there
    /// is none.
    pub taken: Seen<(Taken, String)>,
    /// Whether the worker has sent the event to the dead letter topic.
    pub given_up: Seen<bool>,
    /// Whether the worker's log names the event, and what it says of it last.
    pub received: Seen<(bool, String)>,
}

/// The event's records of all stages, and the dead letters.
pub struct Deliveries<'a> {
    stages: BTreeMap<&'a str, Delivery<'a>>,
    /// The dead letters, whose ever.
    pub dead_letters: Seen<&'a DeadLetters>,
}

impl<'a> Deliveries<'a> {
    /// Finds them.
    pub fn build(event: &Event<'a>) -> Self {
        let dead = event.source.broker_of_topic(dead_letter_topic(event));
        let dead_letters = dead.and_then(|kafka| kafka.dead_letters.as_ref());
        let of = |stage: &'a Stage| (stage.name.as_str(), delivery(event, stage, &dead_letters));
        let stages = event.source.pipeline.stage.iter().map(of).collect();
        Deliveries { stages, dead_letters }
    }

    /// That of a stage of the pipeline.
    pub fn of(&self, stage: &Stage) -> &Delivery<'a> {
        &self.stages[stage.name.as_str()]
    }

    /// How the group of a worker that reads the stage's topic stands to the event's record.
    pub fn standing(&self, event: &Event<'a>, stage: &Stage, worker: &Worker) -> Seen<Standing<'a>> {
        standing(event, &self.of(stage).record, stage, worker)
    }

    /// Whether workers have given up events of late, whichever.
    pub fn gives_up(&self) -> bool {
        self.dead_letters.known().is_some_and(|letters| !letters.found.is_empty())
    }

    /// The asked event's newest dead letter that this worker has sent.
    pub fn letter_of(&self, event: &Event, worker: &str) -> Option<&'a FoundRecord> {
        let by = event.pipeline.dead_letters.as_ref()?.worker.as_deref()?;
        let letters = self.dead_letters.known().copied()?;
        let of_worker = |letter: &&FoundRecord| letter.headers.get(by).is_some_and(|name| name == worker);
        letters.found.iter().rfind(|letter| event.asked.is_of(letter) && of_worker(letter))
    }

    /// Why this worker gave the asked event up, as its dead letter says, and when;
    /// unless the event has come through since.
    pub fn reason_given_by(&self, event: &Event, worker: &str) -> Option<(String, &'a str)> {
        let declared = event.pipeline.dead_letters.as_ref()?;
        let letter = self.letter_of(event, worker)?;
        let mut stages = event.pipeline.stage.iter().filter(|stage| stage.worker.get_ref() == worker);
        if stages.any(|stage| event.has_effect(stage)) {
            return None;
        }
        let at = letter.at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
        Some((format!("{at}on {}: ", declared.topic), letter.headers.get(&declared.reason)?))
    }

    /// The dead letters of a worker, those of the asked event or the others, in words.
    pub fn dead_of(&self, event: &Event<'a>, worker: &Worker, of_event: bool) -> Seen<(u64, String)> {
        self.dead_letters.clone().and_then(|search| {
            let letters = by_worker(event, search, worker);
            let letters: Vec<_> = letters.filter(|letter| event.asked.is_of(letter) == of_event).collect();
            describe_dead(event, search, &letters)
        })
    }

    /// Whether the asked event is among the dead letters of a worker.
    pub fn has_given_up(&self, event: &Event, worker: &Worker) -> bool {
        let letters = self.dead_letters.known();
        letters.is_some_and(|search| by_worker(event, search, worker).any(|letter| event.asked.is_of(letter)))
    }
}

fn delivery<'a>(event: &Event<'a>, stage: &Stage, dead_letters: &Seen<&'a DeadLetters>) -> Delivery<'a> {
    let record = record_of(event, stage);
    let worker = stage.worker.get_ref();
    Delivery {
        taken: taken(event, &record, stage),
        given_up: given_up(event, dead_letters, worker),
        received: received(event, worker),
        record,
    }
}

fn record_of<'a>(event: &Event<'a>, stage: &Stage) -> Seen<Option<&'a FoundRecord>> {
    let topic = match stage.topic() {
        Seen::Known(topic) => topic,
        none => return none.map(|_| None),
    };
    let source = event.source;
    let search = source.broker_of_topic(topic).and_then(|kafka| match kafka.searches.get(topic) {
        Some(search) => search.as_ref(),
        None => Seen::not_asked("records were not looked at"),
    });
    if source.topic(topic).known().is_some_and(|seen| !seen.exists) {
        return event.id().and_then(|_| Seen::not_asked(format!("topic {topic} does not exist")));
    }
    let own = event.asked.records(topic);
    event.id().and_then(|_| search).and_then(|search| match own.last() {
        Some(found) => Seen::Known(Some(found)),
        None if !search.complete => Seen::unknown(WhyKind::Limit, stopped(topic, search)),
        None if search.truncated => {
            let say = format!("the oldest records of {topic} have been deleted already");
            Seen::unknown(WhyKind::Missing, say)
        }
        None => Seen::Known(None),
    })
}

fn stopped(topic: &str, search: &Search) -> String {
    let bound = search.bound.as_deref().unwrap_or("it was cut short");
    format!("stopped reading {topic} after {}: {bound}", plural::count(search.read, "record"))
}

/// "486 bytes", "14.8 MB".
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    match bytes {
        0..100_000 => plural::count(bytes, "byte"),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// What was read, in words: "212 records of orders since 10:01:14, all of it".
pub fn describe_read(event: &Event, topic: &str) -> String {
    search_of(event.source, topic).map_or_else(String::new, |search| {
        let since = search.from.map(|from| format!(" since {}", from.strftime("%H:%M:%S")));
        format!("{} of {topic}{}, all read", plural::count(search.read, "record"), since.unwrap_or_default())
    })
}

/// Where a record is, and how much was read to find it: "orders/0 offset 7, 486 bytes,
/// found in 212 records (0.1 MB)".
pub fn describe_found(event: &Event, topic: &str, found: &FoundRecord) -> String {
    let read = search_of(event.source, topic).map_or_else(String::new, |search| {
        let bound = search.bound.as_ref().filter(|_| !search.complete);
        let bound = bound.map(|bound| format!(", stopped: {bound}")).unwrap_or_default();
        format!("found in {} ({}){bound}", plural::count(search.read, "record"), size(search.bytes))
    });
    let at = found.at.map(|at| format!(" of {}", at.strftime("%H:%M:%S"))).unwrap_or_default();
    format!("{topic}/{} offset {}{at}, {}, {read}", found.partition, found.offset, size(found.size))
}

fn standing<'a>(
    event: &Event<'a>,
    record: &Seen<Option<&'a FoundRecord>>,
    stage: &Stage,
    worker: &Worker,
) -> Seen<Standing<'a>> {
    record.clone().and_then(|found| {
        let Some(record) = found else { return Seen::not_asked("no record to take") };
        let committed = event.progress.of(worker).committed(stage.topic_name(), record.partition);
        committed.map(|committed| {
            let taken = match committed {
                Some(offset) if offset > record.offset => Taken::Passed,
                _ => Taken::Waiting,
            };
            let committed = committed.map_or("nothing".to_string(), |offset| offset.to_string());
            Standing { record, taken, committed }
        })
    })
}

fn taken<'a>(
    event: &Event<'a>,
    record: &Seen<Option<&'a FoundRecord>>,
    stage: &Stage,
) -> Seen<(Taken, String)> {
    let Some(worker) = event.pipeline.worker(stage.worker.get_ref()) else {
        return Seen::not_asked("no such worker");
    };
    standing(event, record, stage, worker).map(|Standing { record, taken, committed }| {
        let verb = if taken == Taken::Passed { "has passed" } else { "has not taken" };
        let topic = stage.topic_name();
        let say = format!(
            "group {} {verb} its record: {topic}/{} offset {}, committed {committed}",
            worker.group_name(),
            record.partition,
            record.offset
        );
        (taken, say)
    })
}

/// Committed past a record is no proof that the worker received it: a late
/// joiner and a reset jump over it. Its log, if it names the id, is.
fn received(event: &Event, worker: &str) -> Seen<(bool, String)> {
    event.id().and_then(|id| {
        event.logs.of(worker).and_then(|log| match log.naming(id).last() {
            Some(record) => {
                let last = message_of(&record.text);
                let at = record.at.strftime("%H:%M:%S");
                Seen::Known((true, format!("received and passed by; last {at}: {last}")))
            }
            None => Seen::from(event.covers_event(worker))
                .map(|()| (false, format!("the log of {worker} does not name the event"))),
        })
    })
}

fn given_up(event: &Event, dead_letters: &Seen<&DeadLetters>, worker: &str) -> Seen<bool> {
    let Some(worker) = event.pipeline.worker(worker) else { return Seen::Known(false) };
    match dead_letters {
        Seen::Known(search) if by_worker(event, search, worker).any(|letter| event.asked.is_of(letter)) => {
            Seen::Known(true)
        }
        Seen::Known(letters) if !letters.search.complete => {
            Seen::unknown(WhyKind::Limit, stopped(dead_letter_topic(event), &letters.search))
        }
        Seen::Known(_) | Seen::NotAsked(_) => Seen::Known(false),
        Seen::Unknown(why) => Seen::Unknown(why.clone()),
    }
}

/// The dead letters of a worker; those that do not say whose they are, or name
/// nobody of the pipeline, count for every worker.
fn by_worker<'e, 's: 'e>(
    event: &'e Event,
    letters: &'s DeadLetters,
    worker: &'e Worker,
) -> impl Iterator<Item = &'s FoundRecord> + 'e {
    let header = event.pipeline.dead_letters.as_ref().and_then(|dead| dead.worker.as_deref());
    let pipeline = event.pipeline;
    letters.found.iter().filter(move |letter| {
        let by = header.and_then(|header| letter.headers.get(header));
        by.is_none_or(|by| *by == worker.name || pipeline.worker(by).is_none())
    })
}

fn dead_letter_topic<'a>(event: &Event<'a>) -> &'a str {
    event.source.pipeline.dead_letters.as_ref().map_or("", |dead| dead.topic.as_str())
}

fn describe_dead(event: &Event, all: &DeadLetters, letters: &[&FoundRecord]) -> Seen<(u64, String)> {
    let search = &all.search;
    let topic = dead_letter_topic(event);
    let Some(newest) = letters.last() else {
        return match search.complete {
            true => {
                let say = format!("none in {} of {topic}, all read", plural::count(search.read, "record"));
                Seen::Known((0, say))
            }
            false => Seen::unknown(WhyKind::Limit, stopped(topic, search)),
        };
    };
    let reason = event.pipeline.dead_letters.as_ref().and_then(|dead| newest.headers.get(&dead.reason));
    let reason = reason.map_or("no reason given", String::as_str);
    let at = newest.at.map(|at| format!(" {}", at.strftime("%H:%M:%S"))).unwrap_or_default();
    // Not all of very many are kept.
    let least = if search.matched > all.found.len() as u64 { "at least " } else { "" };
    let count = letters.len() as u64;
    let records = plural::count(count, "record");
    Seen::Known((count, format!("{least}{records} on {topic}{at}: {reason}")))
}
