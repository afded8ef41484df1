//! The stages: which worker leaves what, after which event, in which order.

use super::draft::{Marks, Service, Stage, Worker};
use super::effect::{plain, sort_statuses};
use super::ids::Found;
use super::names::{alike, subject, words};
use super::parts::source_of;
use super::tables::{Linked, delays, median};
use crate::evidence::Name;
use crate::survey::{Cluster, Record};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A pair of worker and table below this is none.
const ENOUGH: f64 = 1.0;
/// Rows written within so many seconds are written together.
const TOGETHER: f64 = 0.02;

/// All that the stages are guessed from.
pub struct Clues<'a> {
    /// What the broker shows.
    pub cluster: Option<&'a Cluster>,
    /// The id.
    pub found: Option<&'a Found<'a>>,
    /// The table of marks.
    pub marks: Option<&'a (Linked<'a>, Marks)>,
    /// The table where every id begins.
    pub event: Option<&'a Linked<'a>>,
    /// When each id began.
    pub begun: BTreeMap<&'a str, Timestamp>,
    /// What is still to be sent, written when it was.
    pub outbox: Option<Linked<'a>>,
    /// What workers may leave.
    pub effects: Vec<Linked<'a>>,
    /// The names of the databases, the event's first.
    pub databases: Vec<&'a str>,
    /// The services that are no workers.
    pub services: &'a [Service],
    /// The workers.
    pub workers: &'a [Worker],
}

/// What a worker's marks say.
#[derive(Debug, Default, Clone)]
pub struct Marked {
    /// What they call him.
    pub sources: BTreeSet<String>,
    types: BTreeMap<String, usize>,
    delay: Option<f64>,
}

/// A stage before it has its place.
pub struct Candidate<'a> {
    /// Who handles its events.
    pub worker: &'a Worker,
    /// What he leaves.
    pub effect: Option<&'a Linked<'a>>,
    topic: Option<&'a Name>,
    /// What he has marked.
    pub marked: Marked,
    delay: f64,
}

/// The stages in order, and the tables that nobody seems to write.
pub fn stages<'a>(clues: &'a Clues<'a>) -> (Vec<Stage>, Vec<Name>) {
    let marked: Vec<Marked> = clues.workers.iter().map(|worker| clues.marked(worker)).collect();
    let mut assigned = clues.assign(&marked);
    clues.assign_the_rest(&mut assigned);
    let used: BTreeSet<usize> = assigned.iter().flatten().copied().collect();
    let left = clues.effects.iter().enumerate().filter(|(place, _)| !used.contains(place));
    let left = left.map(|(_, linked)| linked.table.sql.clone()).collect();
    let mut candidates: Vec<Candidate> = Vec::new();
    for ((worker, effect), marked) in clues.workers.iter().zip(&assigned).zip(marked) {
        let effect = effect.and_then(|place| clues.effects.get(place));
        candidates.push(clues.candidate(worker, effect, marked));
    }
    let covered = clues.covered(&candidates);
    candidates.retain(|one| clues.is_stage(one, &covered));
    candidates.sort_by(|a, b| a.delay.total_cmp(&b.delay));
    let mut stages: Vec<Stage> = Vec::new();
    for candidate in &candidates {
        let stage = clues.stage(candidate, &stages);
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
    /// The name of a database that is not the event's.
    pub fn further(&self, number: usize) -> Option<Name> {
        self.databases.get(number).filter(|_| number > 0).map(ToString::to_string)
    }

    fn marked(&self, worker: &Worker) -> Marked {
        let mut found = Marked::default();
        let Some((linked, marks)) = self.marks else { return found };
        let (source, of) = (plain(&marks.source), plain(&marks.event_type));
        let mut times = Vec::new();
        for (id, row) in linked.rows.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (id, row))) {
            let Some(by) = row.get(&source).filter(|by| is_source(by, worker)) else { continue };
            found.sources.insert(by.clone());
            if let Some(of) = row.get(&of) {
                *found.types.entry(of.clone()).or_default() += 1;
            }
            let at = row.get(&plain(&marks.processed_at)).and_then(|at| at.parse::<Timestamp>().ok());
            if let (Some(at), Some(begun)) = (at, self.begun.get(id)) {
                times.push(at.duration_since(*begun).as_secs_f64());
            }
        }
        times.sort_by(f64::total_cmp);
        found.delay = median(&times);
        found
    }

    /// How long after the event its records are on a topic: the middle of those seen.
    fn topic_delay(&self, topic: &str) -> Option<f64> {
        let records = &self.cluster?.topics.get(topic)?.records;
        let found = self.found?;
        let delay = |record: &Record| {
            let begun = self.begun.get(id_of(record, &found.values)?)?;
            Some(record.at?.duration_since(*begun).as_secs_f64())
        };
        let mut all: Vec<f64> = records.iter().filter_map(delay).collect();
        all.sort_by(f64::total_cmp);
        median(&all)
    }

    /// For each worker the table that fits it best, each table once.
    fn assign(&self, marked: &[Marked]) -> Vec<Option<usize>> {
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (worker, marked) in marked.iter().enumerate() {
            for effect in 0..self.effects.len() {
                pairs.extend(self.fit(worker, effect, marked).map(|fit| (fit, worker, effect)));
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut assigned: Vec<Option<usize>> = vec![None; self.workers.len()];
        let mut taken = BTreeSet::new();
        for (_, worker, effect) in pairs.into_iter().filter(|(fit, ..)| *fit > ENOUGH) {
            if let Some(place) = assigned.get_mut(worker).filter(|place| place.is_none())
                && taken.insert(effect)
            {
                *place = Some(effect);
            }
        }
        assigned
    }

    fn fit(&self, worker: usize, effect: usize, marked: &Marked) -> Option<f64> {
        let (worker, effect) = (self.workers.get(worker)?, self.effects.get(effect)?);
        let types = marked.types.keys().map(|of| alike(of, &effect.table.name)).fold(0.0, f64::max);
        let named = alike(&worker.name, &effect.table.name).max(types / 2.0) * 4.0;
        let topics = worker.topics.iter().filter_map(|topic| self.topic_delay(topic));
        let reference = marked.delay.or_else(|| topics.reduce(f64::max));
        let timed = match (median(&delays(effect, &self.begun)), reference) {
            (Some(table), Some(reference)) if marked.delay.is_none() && table < reference - TOGETHER => -1.0,
            (Some(table), Some(reference)) => 2.0 / (1.0 + 10.0 * (table - reference).abs()),
            _ => 0.0,
        };
        Some(named + timed)
    }

    /// Where as many workers as tables are left, and both have their order.
    fn assign_the_rest(&self, assigned: &mut [Option<usize>]) {
        let used: BTreeSet<usize> = assigned.iter().flatten().copied().collect();
        let delay = |place: &usize| median(&delays(self.effects.get(*place)?, &self.begun));
        let mut tables: Vec<(f64, usize)> = (0..self.effects.len())
            .filter(|place| !used.contains(place))
            .filter_map(|place| Some((delay(&place).filter(|delay| *delay > TOGETHER)?, place)))
            .collect();
        tables.sort_by(|a, b| a.0.total_cmp(&b.0));
        let carries = |worker: &Worker| self.outbox_of(&worker.name).is_some();
        let workers = self.workers.iter().zip(assigned.iter_mut());
        let free = workers.filter(|(worker, effect)| effect.is_none() && !carries(worker));
        let free: Vec<&mut Option<usize>> = free.map(|(_, effect)| effect).collect();
        if free.len() == tables.len() {
            free.into_iter().zip(tables).for_each(|(effect, (_, table))| *effect = Some(table));
        }
    }

    fn candidate(
        &'a self,
        worker: &'a Worker,
        effect: Option<&'a Linked<'a>>,
        marked: Marked,
    ) -> Candidate<'a> {
        let written = effect.and_then(|effect| median(&delays(effect, &self.begun)));
        let mut topics: Vec<(f64, &Name)> =
            worker.topics.iter().map(|topic| (self.topic_delay(topic).unwrap_or(0.0), topic)).collect();
        topics.sort_by(|a, b| a.0.total_cmp(&b.0));
        let before =
            topics.iter().rev().find(|(delay, _)| written.is_none_or(|written| *delay <= written + TOGETHER));
        let chosen = before.or(topics.first()).map(|(_, topic)| *topic);
        let of_topic = chosen.and_then(|topic| self.topic_delay(topic));
        // Carrying from the outbox comes before all that is read from topics.
        let carried = self.outbox_of(&worker.name).map(|_| -1.0);
        let delay = carried.or(written).or(marked.delay).or(of_topic).unwrap_or(f64::MAX);
        Candidate { worker, effect, topic: chosen, marked, delay }
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

    fn stage(&self, one: &Candidate, before: &[Stage]) -> Stage {
        let word = self.word(one);
        let (emitter, emitter_why) = self.emitter(one, before);
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
        let others = self.workers.iter().filter(|worker| !worker.topics.iter().any(|own| own == topic));
        let ranked = others.map(|worker| (alike(&worker.name, topic), worker));
        let best = ranked.filter(|(alike, _)| *alike > 0.3).max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, worker)| (worker.name.clone(), guessed("its name sounds like the topic's")))
    }

    fn emitter(&self, one: &Candidate, before: &[Stage]) -> (Name, String) {
        if let Some(sender) = one.topic.and_then(|topic| self.sender(topic)) {
            return sender;
        }
        let same_topic =
            before.iter().find(|stage| stage.topic.is_some() && stage.topic.as_ref() == one.topic);
        let http = self.services.iter().find(|service| service.role == "emitter");
        let http = http.or_else(|| self.services.iter().find(|service| service.role == "api"));
        match (same_topic, before.last(), http) {
            (Some(same), ..) => (same.emitter.clone(), guessed("the same topic as above")),
            (None, Some(last), _) => (last.worker.clone(), guessed("the worker of the stage above")),
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

    /// The outbox that a worker carries from: he reads no topic, and sounds like it.
    pub fn outbox_of(&self, worker: &str) -> Option<&Linked<'a>> {
        let worker = self.workers.iter().find(|other| other.name == worker)?;
        let carries = ["outbox", "relay", "publish", "dispatch", "forward", "poller"];
        let sounds = carries.iter().any(|word| worker.name.contains(word));
        self.outbox.as_ref().filter(|_| sounds && worker.topics.is_empty())
    }

    /// Whether the emitter writes a row of that type into the marks itself.
    fn records_it(&self, emitter: &str, word: &str) -> bool {
        let Some((linked, marks)) = self.marks else { return false };
        let is = |row: &super::tables::Row, column: &str, value: &str| {
            row.get(&plain(column)).is_some_and(|is| words(is) == words(value))
        };
        linked
            .rows
            .values()
            .flatten()
            .any(|row| is(row, &marks.source, emitter) && is(row, &marks.event_type, word))
    }
}

/// The id that a record names.
fn id_of<'a>(record: &Record, values: &BTreeSet<&'a str>) -> Option<&'a str> {
    let known = |value: &str| values.get(value).copied();
    let header = || record.headers.values().find_map(|value| known(value));
    let field = || record.fields.iter().find_map(|(_, value)| known(value));
    known(&record.key).or_else(header).or_else(field)
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
