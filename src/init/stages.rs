//! Infers the stages: their workers, events, emitters, effects and order.

use crate::collect::discovered::Record;
use crate::evidence::Name;
use crate::init::components::record_source;
use crate::init::draft::{Stage, Worker};
use crate::init::event_times::{earliest, first_row_times, gaps, is_out_of_order};
use crate::init::model::{LinkedTable, Observations, Row, StageCandidate, TimesById, WorkerMarks};
use crate::init::naming::{similarity, subject, words};
use crate::init::sql_quoting::unquoted;
use crate::init::stage_effect::classify_statuses;
use crate::init::table_roles::{delays, median};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the stages in order, and the tables that belong to no stage, each with the reason.
pub fn infer_stages<'a>(observations: &'a Observations<'a>) -> (Vec<Stage>, Vec<(Name, String)>) {
    let marks: Vec<WorkerMarks> =
        observations.workers.iter().map(|worker| observations.worker_marks(worker)).collect();
    let assigned = observations.assign_tables(&marks);
    let used = assigned.iter().flatten().map(|assigned| assigned.table).collect();
    let left_out = observations.unassigned_tables(&used);
    let mut candidates: Vec<StageCandidate> = Vec::new();
    for ((worker, assigned), marks) in observations.workers.iter().zip(&assigned).zip(marks) {
        let table = |index: Option<usize>| observations.effects.get(index?);
        let effect = table(assigned.map(|assigned| assigned.table));
        let alternative = table(assigned.and_then(|assigned| assigned.alternative));
        candidates.push(StageCandidate { alternative, ..observations.candidate(worker, effect, marks) });
    }
    let covered = topics_with_effects(&candidates);
    candidates.retain(|candidate| is_stage(candidate, &covered));
    candidates.sort_by(|a, b| a.delay.0.total_cmp(&b.delay.0).then(a.delay.1.total_cmp(&b.delay.1)));
    let mut stages: Vec<Stage> = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let stage = observations.stage(candidate, &stages, candidates.get(..index).unwrap_or_default());
        stages.push(stage);
    }
    for index in 1..stages.len() {
        let after = observations.predecessors(&stages, index);
        if let Some(stage) = stages.get_mut(index) {
            stage.after = after;
        }
    }
    (stages, left_out)
}

/// Returns the topics read by workers that write rows or marks.
fn topics_with_effects(candidates: &[StageCandidate]) -> BTreeSet<Name> {
    let writing = candidates.iter().filter(|candidate| writes(candidate));
    writing.flat_map(|candidate| candidate.worker.topics.iter().cloned()).collect()
}

/// Reports whether a candidate is a stage. It is not a stage if it writes nothing and reads only
/// topics that other workers handle.
fn is_stage(candidate: &StageCandidate, covered: &BTreeSet<Name>) -> bool {
    let topics = &candidate.worker.topics;
    writes(candidate) || topics.is_empty() || topics.iter().any(|topic| !covered.contains(topic))
}

fn writes(candidate: &StageCandidate) -> bool {
    candidate.effect.is_some() || !candidate.marks.types.is_empty()
}

impl<'a> Observations<'a> {
    /// Returns the tables that belong to no stage, each with the reason.
    fn unassigned_tables(&self, used: &BTreeSet<usize>) -> Vec<(Name, String)> {
        let mut unassigned = Vec::new();
        for group in self.tables_written_together() {
            let used_table = group.iter().find(|table| used.contains(table));
            let reason = match used_table.and_then(|table| self.effects.get(*table)) {
                Some(other) => format!("its rows are written together with those of {}", other.table.name),
                None => "holds the id, but no worker that writes it was found".into(),
            };
            let others = group.iter().filter(|table| !used.contains(table));
            let others = others.filter_map(|table| self.effects.get(*table));
            unassigned.extend(others.map(|linked| (linked.table.sql.clone(), reason.clone())));
        }
        unassigned
    }

    fn worker_marks(&self, worker: &Worker) -> WorkerMarks<'a> {
        let mut found = WorkerMarks::default();
        let Some((linked, marks)) = self.marks else { return found };
        let (source, event_type) = (unquoted(&marks.source), unquoted(&marks.event_type));
        for (id, row) in linked.rows.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (*id, row))) {
            let Some(name) = row.get(&source).filter(|name| is_name_of(name, worker)) else { continue };
            found.sources.insert(name.clone());
            if let Some(event_type) = row.get(&event_type) {
                *found.types.entry(event_type.clone()).or_default() += 1;
            }
            let at = row.get(&unquoted(&marks.processed_at)).and_then(|at| at.parse::<Timestamp>().ok());
            found.times.entry(id).or_default().extend(at);
        }
        found
    }

    fn candidate(
        &'a self,
        worker: &'a Worker,
        effect: Option<&'a LinkedTable<'a>>,
        marks: WorkerMarks<'a>,
    ) -> StageCandidate<'a> {
        let rows = effect.map(first_row_times).unwrap_or_default();
        let row_delay = effect.and_then(|effect| median(&delays(effect, &self.started)));
        let mark_times = earliest(marks.times.iter().flat_map(|(id, all)| all.iter().map(|at| (*id, *at))));
        let delay = |times: &TimesById| median(&gaps(&self.started, times));
        let topics = worker.topics.iter().map(|topic| (topic, self.record_times(topic)));
        let mut topics: Vec<(f64, &Name, TimesById)> =
            topics.map(|(topic, records)| (delay(&records).unwrap_or(0.0), topic, records)).collect();
        topics.sort_by(|a, b| a.0.total_cmp(&b.0));
        let input = topics.iter().rev().find(|(.., records)| !is_out_of_order(records, &rows));
        let input = input.or(topics.first());
        // Relaying the outbox precedes every stage that reads a topic.
        let relay_delay = self.outbox_relayed_by(&worker.name).map(|_| -1.0);
        let effect_delay = row_delay.or_else(|| delay(&mark_times));
        let topic_delay = input.and_then(|(.., records)| delay(records));
        let input_delay = relay_delay.or(topic_delay).or(effect_delay).unwrap_or(f64::MAX);
        let delay = (input_delay, effect_delay.unwrap_or(input_delay));
        StageCandidate {
            worker,
            effect,
            alternative: None,
            topic: input.map(|(_, topic, _)| *topic),
            marks,
            delay,
        }
    }

    /// Builds a stage. `stages` and `candidates` hold those that precede it.
    fn stage(&self, candidate: &StageCandidate, stages: &[Stage], candidates: &[StageCandidate]) -> Stage {
        let event = self.event_type(candidate);
        let (emitter, emitter_comment) = self.emitter(candidate, stages, candidates);
        let statuses = candidate.effect.map(|effect| effect.statuses()).unwrap_or_default();
        let (good, waiting) = classify_statuses(&statuses);
        let recorded_by_emitter = self.is_marked_by_emitter(&emitter, &event);
        let name = unique_name(&subject(&candidate.worker.name), stages);
        let mut sources: Vec<String> = candidate.marks.sources.iter().cloned().collect();
        // A worker that relays an outbox updates the outbox, and writes no marks.
        if sources.is_empty() && self.outbox_relayed_by(&candidate.worker.name).is_none() {
            sources.push(candidate.worker.name.clone());
        }
        let (grace_s, grace_comment) = self.grace_period(candidate);
        let stage = Stage {
            name,
            event,
            topic: candidate.topic.cloned(),
            emitter,
            emitter_comment,
            recorded_by_emitter,
            worker: candidate.worker.name.clone(),
            marked_by: sources,
            good_status: good,
            waiting_status: waiting,
            grace_s,
            grace_comment,
            ..Stage::default()
        };
        self.with_effect(stage, candidate)
    }

    /// Returns the event type of a stage: from the records on its topic, or else from the worker's
    /// marks, or else from the name of the topic or worker.
    fn event_type(&self, candidate: &StageCandidate) -> String {
        let from_records = || {
            let records = &self.cluster?.topics.get(candidate.topic?)?.records;
            most_common(records.iter().filter_map(record_type))
        };
        let from_marks = candidate.marks.types.iter().max_by_key(|(_, count)| **count);
        let from_marks = from_marks.map(|(event_type, _)| event_type.clone());
        let from_name = || match candidate.topic {
            Some(topic) => words(topic).join("_").to_uppercase(),
            None => subject(&candidate.worker.name),
        };
        from_records().or(from_marks).unwrap_or_else(from_name)
    }

    /// Finds the service or worker with this name, ignoring case and punctuation.
    fn component(&self, name: &str) -> Option<&Name> {
        let workers = self.workers.iter().map(|worker| &worker.name);
        let mut all = workers.chain(self.services.iter().map(|service| &service.name));
        all.find(|other| words(other) == words(name))
    }

    /// Returns the component that sends records to a topic, and how it was found: by the
    /// records' source, or else by a worker's name.
    fn sender(&self, topic: &str) -> Option<(Name, String)> {
        let records = self.cluster.and_then(|cluster| cluster.topics.get(topic)).map(|topic| &topic.records);
        let source = most_common(records.into_iter().flatten().filter_map(record_source));
        if let Some(emitter) = source.as_deref().and_then(|source| self.component(source)) {
            return Some((emitter.clone(), "records on its topic name it as their source".into()));
        }
        let others = self.workers.iter().filter(|worker| self.can_send_to(worker, topic));
        let ranked = others.map(|worker| (similarity(&worker.name, topic), worker));
        let best = ranked.filter(|(similarity, _)| *similarity > 0.3).max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, worker)| (worker.name.clone(), guessed_emitter("its name resembles the topic's")))
    }

    /// Reports whether a worker can send to a topic, which means that it does not read the topic
    /// and that its own input precedes the topic's records.
    fn can_send_to(&self, worker: &Worker, topic: &str) -> bool {
        let reads = worker.topics.iter().any(|own| own == topic);
        !reads && !is_out_of_order(&self.input_times(worker), &self.record_times(topic))
    }

    /// Reports whether an earlier candidate's worker can send another candidate's input. The
    /// worker's rows must precede that input.
    fn can_feed(&self, earlier: &StageCandidate, candidate: &StageCandidate) -> bool {
        let Some(topic) = candidate.topic else { return true };
        let rows = earlier.effect.map(first_row_times).unwrap_or_default();
        self.can_send_to(earlier.worker, topic) && !is_out_of_order(&rows, &self.record_times(topic))
    }

    /// Returns the emitter of a stage's events, and a comment on how it was found.
    fn emitter(
        &self,
        candidate: &StageCandidate,
        stages: &[Stage],
        candidates: &[StageCandidate],
    ) -> (Name, String) {
        if let Some(sender) = candidate.topic.and_then(|topic| self.sender(topic)) {
            return sender;
        }
        let same_topic =
            stages.iter().find(|stage| stage.topic.is_some() && stage.topic.as_ref() == candidate.topic);
        let service = self.services.iter().find(|service| service.role == "emitter");
        let service = service.or_else(|| self.services.iter().find(|service| service.role == "api"));
        let earlier = candidates.iter().rev().find(|earlier| self.can_feed(earlier, candidate));
        match (same_topic, earlier, service) {
            (Some(same), ..) => {
                (same.emitter.clone(), guessed_emitter("the emitter of the same topic above"))
            }
            (None, Some(earlier), _) => {
                (earlier.worker.name.clone(), guessed_emitter("the worker of an earlier stage"))
            }
            (None, None, Some(service)) => (service.name.clone(), guessed_emitter("a service that may send")),
            (None, None, None) => (candidate.worker.name.clone(), "TODO: no sender was found".into()),
        }
    }

    /// Returns the predecessors of a stage: the stages whose workers send its worker's input.
    /// If there is none, the relay of the outbox or else the event itself precedes the stage. Returns
    /// `None` if the only predecessor is the stage above.
    fn predecessors(&self, stages: &[Stage], index: usize) -> Option<Vec<Name>> {
        let (earlier, stage) = (stages.get(..index)?, stages.get(index)?);
        let worker = self.workers.iter().find(|worker| worker.name == stage.worker)?;
        let senders = worker.topics.iter().filter_map(|topic| self.sender(topic)).map(|(name, _)| name);
        let senders: BTreeSet<Name> = senders.chain([stage.emitter.clone()]).collect();
        let before = earlier.iter().filter(|other| senders.contains(&other.worker));
        let mut before: Vec<Name> = before.map(|other| other.name.clone()).collect();
        let relay = earlier.iter().find(|other| self.outbox_relayed_by(&other.worker).is_some());
        if let (true, Some(relay)) = (before.is_empty(), relay) {
            before.push(relay.name.clone());
        }
        let above = earlier.last().map(|above| &above.name);
        (before.len() != 1 || before.first() != above).then_some(before)
    }

    /// Reports whether the emitter marks events of this type itself.
    fn is_marked_by_emitter(&self, emitter: &str, event_type: &str) -> bool {
        let Some((linked, marks)) = self.marks else { return false };
        let has = |row: &Row, column: &str, value: &str| {
            row.get(&unquoted(column)).is_some_and(|actual| words(actual) == words(value))
        };
        linked
            .rows
            .values()
            .flatten()
            .any(|row| has(row, &marks.source, emitter) && has(row, &marks.event_type, event_type))
    }
}

/// Returns the event type named in a record's headers or fields.
fn record_type(record: &Record) -> Option<&str> {
    let names = ["eventType", "event_type", "type", "ce_type", "event", "messageType", "kind"];
    let header = names.iter().find_map(|name| record.headers.get(*name));
    let field = || {
        names
            .iter()
            .find_map(|name| record.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value))
    };
    header.or_else(field).map(String::as_str)
}

fn guessed_emitter(reason: &str) -> String {
    format!("guessed, because no record names its source: {reason}")
}

fn most_common<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(value, _)| value.to_string())
}

/// Reports whether a source names the worker or its group.
fn is_name_of(source: &str, worker: &Worker) -> bool {
    let same = |name: &str| words(source) == words(name);
    same(&worker.name)
        || worker.group.as_deref().is_some_and(same)
        || subject(source) == subject(&worker.name)
}

/// Returns the name, with a number appended if another stage already has it.
fn unique_name(name: &str, stages: &[Stage]) -> Name {
    let is_taken = |name: &str| stages.iter().any(|stage| stage.name == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_string()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
}
