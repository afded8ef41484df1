//! The stages: which worker leaves what, after which event, in which order.

use crate::collect::discovery::Record;
use crate::evidence::Name;
use crate::init::draft::{Stage, Worker};
use crate::init::effect::sort_statuses;
use crate::init::model::{Candidate, Clues, Linked, Marked, Row, Times};
use crate::init::names::{alike, subject, words};
use crate::init::parts::source_of;
use crate::init::sql_text::plain;
use crate::init::tables::{delays, median};
use crate::init::times::{comes_before, earliest, gaps, of_rows};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The stages in order, and the tables that no stage has, each with why.
pub fn stages<'a>(clues: &'a Clues<'a>) -> (Vec<Stage>, Vec<(Name, String)>) {
    let marked: Vec<Marked> = clues.workers.iter().map(|worker| clues.marked(worker)).collect();
    let assigned = clues.assign(&marked);
    let left = clues.left(&assigned.iter().flatten().map(|one| one.table).collect());
    let mut candidates: Vec<Candidate> = Vec::new();
    for ((worker, assigned), marked) in clues.workers.iter().zip(&assigned).zip(marked) {
        let table = |place: Option<usize>| clues.effects.get(place?);
        let effect = table(assigned.map(|assigned| assigned.table));
        let or = table(assigned.and_then(|assigned| assigned.or));
        candidates.push(Candidate { or, ..clues.candidate(worker, effect, marked) });
    }
    let covered = clues.covered(&candidates);
    candidates.retain(|one| clues.is_stage(one, &covered));
    candidates.sort_by(|a, b| a.delay.0.total_cmp(&b.delay.0).then(a.delay.1.total_cmp(&b.delay.1)));
    let mut stages: Vec<Stage> = Vec::new();
    for (place, candidate) in candidates.iter().enumerate() {
        let stage = clues.stage(candidate, &stages, candidates.get(..place).unwrap_or_default());
        stages.push(stage);
    }
    for place in 1..stages.len() {
        let after = clues.after(&stages, place);
        if let Some(stage) = stages.get_mut(place) {
            stage.after = after;
        }
    }
    (stages, left)
}

impl<'a> Clues<'a> {
    /// The tables of no stage: written with one that has, else by whom nobody knows.
    fn left(&self, used: &BTreeSet<usize>) -> Vec<(Name, String)> {
        let mut left = Vec::new();
        for group in self.written_at_once() {
            let with = group.iter().find(|table| used.contains(table)).and_then(|one| self.effects.get(*one));
            let why = match with {
                Some(with) => format!("its rows are written at once with those of {}", with.table.name),
                None => "holds the id, but no worker was found that writes it".into(),
            };
            let others = group.iter().filter(|table| !used.contains(table));
            let others = others.filter_map(|table| self.effects.get(*table));
            left.extend(others.map(|linked| (linked.table.sql.clone(), why.clone())));
        }
        left
    }

    fn marked(&self, worker: &Worker) -> Marked<'a> {
        let mut found = Marked::default();
        let Some((linked, marks)) = self.marks else { return found };
        let (source, of) = (plain(&marks.source), plain(&marks.event_type));
        for (id, row) in linked.rows.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (*id, row))) {
            let Some(by) = row.get(&source).filter(|by| is_source(by, worker)) else { continue };
            found.sources.insert(by.clone());
            if let Some(of) = row.get(&of) {
                *found.types.entry(of.clone()).or_default() += 1;
            }
            let at = row.get(&plain(&marks.processed_at)).and_then(|at| at.parse::<Timestamp>().ok());
            found.times.entry(id).or_default().extend(at);
        }
        found
    }

    fn candidate(
        &'a self,
        worker: &'a Worker,
        effect: Option<&'a Linked<'a>>,
        marked: Marked<'a>,
    ) -> Candidate<'a> {
        let rows = effect.map(of_rows).unwrap_or_default();
        let written = effect.and_then(|effect| median(&delays(effect, &self.begun)));
        let marks = earliest(marked.times.iter().flat_map(|(id, all)| all.iter().map(|at| (*id, *at))));
        let delay = |records: &Times| median(&gaps(&self.begun, records));
        let topics = worker.topics.iter().map(|topic| (topic, self.records(topic)));
        let mut topics: Vec<(f64, &Name, Times)> =
            topics.map(|(topic, records)| (delay(&records).unwrap_or(0.0), topic, records)).collect();
        topics.sort_by(|a, b| a.0.total_cmp(&b.0));
        let read = topics.iter().rev().find(|(.., records)| !comes_before(records, &rows));
        let read = read.or(topics.first());
        // Carrying from the outbox comes before all that is read from topics.
        let carried = self.outbox_of(&worker.name).map(|_| -1.0);
        let left = written.or_else(|| delay(&marks));
        let of_topic = read.and_then(|(.., records)| delay(records));
        let begins = carried.or(of_topic).or(left).unwrap_or(f64::MAX);
        let delay = (begins, left.unwrap_or(begins));
        Candidate { worker, effect, or: None, topic: read.map(|(_, topic, _)| *topic), marked, delay }
    }

    /// The topics of workers that leave something.
    fn covered(&self, candidates: &[Candidate]) -> BTreeSet<Name> {
        let leaving = candidates.iter().filter(|one| one.effect.is_some() || !one.marked.types.is_empty());
        leaving.flat_map(|one| one.worker.topics.iter().cloned()).collect()
    }

    /// A worker that leaves nothing, and reads only what others read, is no stage.
    fn is_stage(&self, one: &Candidate, covered: &BTreeSet<Name>) -> bool {
        let leaves = one.effect.is_some() || !one.marked.types.is_empty();
        let topics = &one.worker.topics;
        leaves || topics.is_empty() || topics.iter().any(|topic| !covered.contains(topic))
    }

    fn stage(&self, one: &Candidate, before: &[Stage], earlier: &[Candidate]) -> Stage {
        let word = self.word(one);
        let (emitter, emitter_why) = self.emitter(one, before, earlier);
        let statuses = one.effect.map(|effect| effect.statuses()).unwrap_or_default();
        let (good, waiting) = sort_statuses(&statuses);
        let recorded_by_emitter = self.records_it(&emitter, &word);
        let name = unique(&subject(&one.worker.name), before);
        let mut sources: Vec<String> = one.marked.sources.iter().cloned().collect();
        // Who carries from an outbox marks there, and nowhere else.
        if sources.is_empty() && self.outbox_of(&one.worker.name).is_none() {
            sources.push(one.worker.name.clone());
        }
        let (grace_s, grace_why) = self.grace(one);
        let stage = Stage {
            name,
            event: word,
            topic: one.topic.cloned(),
            emitter,
            emitter_why,
            recorded_by_emitter,
            worker: one.worker.name.clone(),
            marked_by: sources,
            good_status: good,
            waiting_status: waiting,
            grace_s,
            grace_why,
            ..Stage::default()
        };
        self.with_sql(stage, one)
    }

    /// What its event is called: by its marks, by the records of its topic, else as
    /// the topic.
    fn word(&self, one: &Candidate) -> String {
        let of_topic = || {
            let records = &self.cluster?.topics.get(one.topic?)?.records;
            most_common(records.iter().filter_map(type_of))
        };
        let by_marks = one.marked.types.iter().max_by_key(|(_, count)| **count).map(|(of, _)| of.clone());
        let by_name = || match one.topic {
            Some(topic) => words(topic).join("_").to_uppercase(),
            None => subject(&one.worker.name),
        };
        of_topic().or(by_marks).unwrap_or_else(by_name)
    }

    /// The service or worker of that name, however it is written.
    fn part(&self, name: &str) -> Option<&Name> {
        let workers = self.workers.iter().map(|worker| &worker.name);
        let mut all = workers.chain(self.services.iter().map(|service| &service.name));
        all.find(|other| words(other) == words(name))
    }

    /// Who sends the records of a topic, and how that is known: by their source, else
    /// by a worker's name, unless he reads it himself.
    fn sender(&self, topic: &str) -> Option<(Name, String)> {
        let records = self.cluster.and_then(|cluster| cluster.topics.get(topic)).map(|topic| &topic.records);
        let said = most_common(records.into_iter().flatten().filter_map(source_of));
        if let Some(emitter) = said.as_deref().and_then(|said| self.part(said)) {
            return Some((emitter.clone(), "records of its topic name it as their source".into()));
        }
        let others = self.workers.iter().filter(|worker| self.can_send(worker, topic));
        let ranked = others.map(|worker| (alike(&worker.name, topic), worker));
        let best = ranked.filter(|(alike, _)| *alike > 0.3).max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, worker)| (worker.name.clone(), guessed("its name sounds like the topic's")))
    }

    /// Nobody sends what he reads, nor what was there before he could know of it.
    fn can_send(&self, worker: &Worker, topic: &str) -> bool {
        let reads = worker.topics.iter().any(|own| own == topic);
        !reads && !comes_before(&self.input(worker), &self.records(topic))
    }

    /// Whether a worker whose place is above may send what another reads: what he
    /// leaves is there before.
    fn may_send(&self, above: &Candidate, one: &Candidate) -> bool {
        let Some(topic) = one.topic else { return true };
        let rows = above.effect.map(of_rows).unwrap_or_default();
        self.can_send(above.worker, topic) && !comes_before(&rows, &self.records(topic))
    }

    fn emitter(&self, one: &Candidate, before: &[Stage], earlier: &[Candidate]) -> (Name, String) {
        if let Some(sender) = one.topic.and_then(|topic| self.sender(topic)) {
            return sender;
        }
        let same_topic =
            before.iter().find(|stage| stage.topic.is_some() && stage.topic.as_ref() == one.topic);
        let http = self.services.iter().find(|service| service.role == "emitter");
        let http = http.or_else(|| self.services.iter().find(|service| service.role == "api"));
        let above = earlier.iter().rev().find(|above| self.may_send(above, one));
        match (same_topic, above, http) {
            (Some(same), ..) => (same.emitter.clone(), guessed("the same topic as above")),
            (None, Some(above), _) => (above.worker.name.clone(), guessed("the worker of a stage above")),
            (None, None, Some(http)) => (http.name.clone(), guessed("a service that may send")),
            (None, None, None) => {
                (one.worker.name.clone(), "to fill in: nobody was found who sends it".into())
            }
        }
    }

    /// The stages before one, where that is not just the one above: those of whoever
    /// sends what its worker reads. What a service sends begins with the event, unless
    /// somebody carries it from an outbox to the topic.
    fn after(&self, stages: &[Stage], place: usize) -> Option<Vec<Name>> {
        let (earlier, stage) = (stages.get(..place)?, stages.get(place)?);
        let worker = self.workers.iter().find(|worker| worker.name == stage.worker)?;
        let senders = worker.topics.iter().filter_map(|topic| self.sender(topic)).map(|(name, _)| name);
        let senders: BTreeSet<Name> = senders.chain([stage.emitter.clone()]).collect();
        let before = earlier.iter().filter(|other| senders.contains(&other.worker));
        let mut before: Vec<Name> = before.map(|other| other.name.clone()).collect();
        let relay = earlier.iter().find(|other| self.outbox_of(&other.worker).is_some());
        if let (true, Some(relay)) = (before.is_empty(), relay) {
            before.push(relay.name.clone());
        }
        let above = earlier.last().map(|above| &above.name);
        (before.len() != 1 || before.first() != above).then_some(before)
    }

    /// Whether the emitter writes a row of that type into the marks itself.
    fn records_it(&self, emitter: &str, word: &str) -> bool {
        let Some((linked, marks)) = self.marks else { return false };
        let is = |row: &Row, column: &str, value: &str| {
            row.get(&plain(column)).is_some_and(|is| words(is) == words(value))
        };
        linked
            .rows
            .values()
            .flatten()
            .any(|row| is(row, &marks.source, emitter) && is(row, &marks.event_type, word))
    }
}

/// What a record calls its event.
fn type_of(record: &Record) -> Option<&str> {
    let names = ["eventType", "event_type", "type", "ce_type", "event", "messageType", "kind"];
    let header = names.iter().find_map(|name| record.headers.get(*name));
    let field = || {
        names
            .iter()
            .find_map(|name| record.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value))
    };
    header.or_else(field).map(String::as_str)
}

fn guessed(what: &str) -> String {
    format!("guessed, as nobody tells who sends: {what}")
}

fn most_common<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(value, _)| value.to_string())
}

fn is_source(source: &str, worker: &Worker) -> bool {
    let same = |name: &str| words(source) == words(name);
    same(&worker.name)
        || worker.group.as_deref().is_some_and(same)
        || subject(source) == subject(&worker.name)
}

fn unique(name: &str, before: &[Stage]) -> Name {
    let taken = |name: &str| before.iter().any(|stage| stage.name == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_string()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}
