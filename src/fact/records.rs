//! Facts about records: the asked event's on the topics of its stages, and dead letters.

use crate::evidence::{DeadLetters, FoundRecord, Search, Seen, WhyKind};
use crate::fact::groups::group_of;
use crate::fact::view::View;
use crate::fact::{Fact, Value, for_stages, for_workers};
use crate::pipeline::{Stage, Worker};
use crate::text::plural;

/// The event's newest record on a stage's topic; `None`: it is not there, and
/// all that could hold it was read.
pub fn record_of<'a>(view: &View<'a>, stage: &Stage) -> Seen<Option<&'a FoundRecord>> {
    let topic = match stage.topic() {
        Seen::Known(topic) => topic,
        none => return none.map(|_| None),
    };
    let search = view.broker_of_topic(topic).and_then(|kafka| match kafka.searches.get(topic) {
        Some(search) => search.as_ref(),
        None => Seen::not_asked("records were not looked at"),
    });
    let exists = |topic: &str| {
        let seen = view.topic(topic);
        seen.known().is_none_or(|seen| seen.exists)
    };
    if !exists(topic) {
        return view.id().and_then(|_| Seen::not_asked(format!("topic {topic} does not exist")));
    }
    view.id().and_then(|_| search).and_then(|search| match found_on(view, topic).last() {
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

/// The event's records on a topic, oldest first.
fn found_on<'a>(view: &View<'a>, topic: &str) -> &'a [FoundRecord] {
    view.event.and_then(|event| event.records.get(topic)).map_or(&[], Vec::as_slice)
}

/// What the reading of a topic has come to, if it was read.
fn search_of<'a>(view: &View<'a>, topic: &str) -> Option<&'a Search> {
    view.broker_of_topic(topic).known().and_then(|kafka| kafka.searches.get(topic)?.known())
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
pub(super) fn read_in_words(view: &View, topic: &str) -> String {
    search_of(view, topic).map_or_else(String::new, |search| {
        let since = search.from.map(|from| format!(" since {}", from.strftime("%H:%M:%S")));
        format!("{} of {topic}{}, all read", plural::count(search.read, "record"), since.unwrap_or_default())
    })
}

/// How much was read to find it: "found in 212 records, 0.1 MB".
fn found_in(view: &View, topic: &str) -> String {
    search_of(view, topic).map_or_else(String::new, |search| {
        let bound = search.bound.as_ref().filter(|_| !search.complete);
        let bound = bound.map(|bound| format!(", stopped: {bound}")).unwrap_or_default();
        format!("found in {} ({}){bound}", plural::count(search.read, "record"), size(search.bytes))
    })
}

pub(super) fn present(view: &View) -> Vec<Fact> {
    for_stages(view, |stage| {
        let topic = stage.topic_name();
        match record_of(view, stage) {
            Seen::Known(Some(found)) => {
                let say = format!("{}, {}", place(topic, found), found_in(view, topic));
                Seen::Known((Value::Bool(true), say))
            }
            // What had its effect was there, or was not needed.
            _ if view.has_effect(stage) => Seen::not_asked("its effect is there"),
            absent => absent.and_then(|_| view.here(stage)).and_then(|()| view.old_enough(stage)).map(|()| {
                let say = format!("the event's record is not on {topic} ({})", read_in_words(view, topic));
                (Value::Bool(false), say)
            }),
        }
    })
}

fn place(topic: &str, found: &FoundRecord) -> String {
    let at = found.at.map(|at| format!(" of {}", at.strftime("%H:%M:%S"))).unwrap_or_default();
    format!("{topic}/{} offset {}{at}, {}", found.partition, found.offset, size(found.size))
}

/// How a worker's group stands to the record of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The group has not come to it.
    Waiting,
    /// The group's committed offset is behind it: consumed, or jumped over.
    Passed,
}

/// How a worker's group stands to a record.
pub(super) struct Standing<'a> {
    /// The record.
    pub(super) record: &'a FoundRecord,
    /// Whether the group is behind or before it.
    pub(super) taken: Taken,
    /// What the group has committed for the record's partition, in words.
    pub(super) committed: String,
}

/// Whether the worker's group has passed the event's record. Not asked where there is none.
pub fn taken(view: &View, stage: &Stage) -> Seen<(Taken, String)> {
    let Some(worker) = view.pipeline.worker(stage.worker.get_ref()) else {
        return Seen::not_asked("no such worker");
    };
    standing(view, stage, worker).map(|Standing { record, taken, committed }| {
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

/// How the group of a worker that reads the stage's topic stands to the event's record.
pub(super) fn standing<'a>(view: &View<'a>, stage: &Stage, worker: &Worker) -> Seen<Standing<'a>> {
    record_of(view, stage).and_then(|found| {
        let Some(record) = found else { return Seen::not_asked("no record to take") };
        let topic = stage.topic_name();
        let committed = group_of(view, worker).and_then(|group| group.committed.as_ref());
        committed.map(|committed| {
            let here = committed.iter().find(|c| c.topic == topic && c.partition == record.partition);
            let taken = match here {
                Some(here) if here.offset > record.offset => Taken::Passed,
                _ => Taken::Waiting,
            };
            let committed = here.map_or("nothing".to_string(), |here| here.offset.to_string());
            Standing { record, taken, committed }
        })
    })
}

pub(super) fn is_taken(view: &View) -> Vec<Fact> {
    for_stages(view, |stage| {
        if view.has_effect(stage) {
            return Seen::not_asked("its effect is there");
        }
        if is_dead_letter(view, stage.worker.get_ref()) == Seen::Known(true) {
            return Seen::not_asked("its worker has given it up");
        }
        taken(view, stage).and_then(|(taken, say)| match taken {
            Taken::Passed => Seen::Known((Value::Bool(true), say)),
            Taken::Waiting => view.old_enough(stage).map(|()| (Value::Bool(false), say)),
        })
    })
}

/// Dead letters, and the headers that say why and by whom.
fn dead_letters<'a>(view: &View<'a>) -> Seen<&'a DeadLetters> {
    view.broker_of_topic(topic_of(view)).and_then(|kafka| kafka.dead_letters.as_ref())
}

pub(super) fn dead_of_event(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        let search = view.id().and_then(|_| dead_letters(view));
        search.and_then(|search| {
            let letters: Vec<_> =
                by_worker(view, search, worker).filter(|letter| view.is_of_event(letter)).collect();
            let mut stages =
                view.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
            if !letters.is_empty() && stages.any(|stage| view.has_effect(stage)) {
                let say = "given up once, and its effect is there since".to_string();
                return Seen::Known((Value::Count(0), say));
            }
            tell_dead(view, search, &letters)
        })
    })
}

pub(super) fn dead_of_window(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        dead_letters(view).and_then(|search| {
            if by_worker(view, search, worker).any(|letter| view.is_of_event(letter)) {
                return Seen::not_asked("the asked event is one of them");
            }
            // The asked event's own have a fact of their own.
            let letters: Vec<_> =
                by_worker(view, search, worker).filter(|letter| !view.is_of_event(letter)).collect();
            tell_dead(view, search, &letters)
        })
    })
}

/// Whether workers have given up events of late, whichever.
pub fn gives_up(view: &View) -> bool {
    dead_letters(view).known().is_some_and(|letters| !letters.found.is_empty())
}

/// Why this worker gave the asked event up, as its dead letter says, and when;
/// unless the event has come through since.
pub(super) fn reason_given_by<'a>(view: &View<'a>, worker: &str) -> Option<(String, &'a str)> {
    let declared = view.pipeline.dead_letters.as_ref()?;
    let letter = letter_of(view, worker)?;
    let mut stages = view.pipeline.stage.iter().filter(|stage| stage.worker.get_ref() == worker);
    if stages.any(|stage| view.has_effect(stage)) {
        return None;
    }
    let at = letter.at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
    Some((format!("{at}on {}: ", declared.topic), letter.headers.get(&declared.reason)?))
}

/// The asked event's newest dead letter that this worker has sent.
pub(super) fn letter_of<'a>(view: &View<'a>, worker: &str) -> Option<&'a FoundRecord> {
    let by = view.pipeline.dead_letters.as_ref()?.worker.as_deref()?;
    let letters = dead_letters(view).known().copied()?;
    let of_worker = |letter: &&FoundRecord| letter.headers.get(by).is_some_and(|name| name == worker);
    letters.found.iter().rfind(|letter| view.is_of_event(letter) && of_worker(letter))
}

/// Whether the worker has sent the event to the dead letter topic.
pub fn is_dead_letter(view: &View, worker: &str) -> Seen<bool> {
    let Some(worker) = view.pipeline.worker(worker) else { return Seen::Known(false) };
    match dead_letters(view) {
        Seen::Known(search) if by_worker(view, search, worker).any(|letter| view.is_of_event(letter)) => {
            Seen::Known(true)
        }
        Seen::Known(letters) if !letters.search.complete => {
            Seen::unknown(WhyKind::Limit, stopped(topic_of(view), &letters.search))
        }
        Seen::Known(_) | Seen::NotAsked(_) => Seen::Known(false),
        Seen::Unknown(why) => Seen::Unknown(why),
    }
}

/// The dead letters of a worker; those that do not say whose they are, or name
/// nobody of the pipeline, count for every worker.
fn by_worker<'a>(
    view: &View<'a>,
    letters: &'a DeadLetters,
    worker: &'a Worker,
) -> impl Iterator<Item = &'a FoundRecord> {
    let header = view.pipeline.dead_letters.as_ref().and_then(|dead| dead.worker.as_deref());
    let pipeline = view.pipeline;
    letters.found.iter().filter(move |letter| {
        let by = header.and_then(|header| letter.headers.get(header));
        by.is_none_or(|by| *by == worker.name || pipeline.worker(by).is_none())
    })
}

fn topic_of<'a>(view: &View<'a>) -> &'a str {
    view.pipeline.dead_letters.as_ref().map_or("", |dead| dead.topic.as_str())
}

fn tell_dead(view: &View, all: &DeadLetters, letters: &[&FoundRecord]) -> Seen<(Value, String)> {
    let search = &all.search;
    let topic = topic_of(view);
    let Some(newest) = letters.last() else {
        return match search.complete {
            true => {
                let say = format!("none in {} of {topic}, all read", plural::count(search.read, "record"));
                Seen::Known((Value::Count(0), say))
            }
            false => Seen::unknown(WhyKind::Limit, stopped(topic, search)),
        };
    };
    let reason = view.pipeline.dead_letters.as_ref().and_then(|dead| newest.headers.get(&dead.reason));
    let reason = reason.map_or("no reason given", String::as_str);
    let at = newest.at.map(|at| format!(" {}", at.strftime("%H:%M:%S"))).unwrap_or_default();
    // Not all of very many are kept.
    let least = if search.matched > all.found.len() as u64 { "at least " } else { "" };
    let count = plural::count(letters.len() as u64, "record");
    Seen::Known((Value::Count(letters.len() as u64), format!("{least}{count} on {topic}{at}: {reason}")))
}
