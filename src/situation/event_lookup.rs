//! Evidence about the requested event: its rows and its records.

use crate::evidence::{
    AskedEvent, CustomObservation, Effect, Event as Row, EventRows, FoundRecord, Mark, Observed, Reason,
    ReasonKind, Search,
};
use crate::situation::inputs::Inputs;
use jiff::Timestamp;

/// Everything that was looked up about the requested event; empty if no id was given.
pub struct EventLookup<'a> {
    inputs: Inputs<'a>,
    event: Option<&'a AskedEvent>,
    /// The requested id, if one was given.
    pub id: Option<&'a str>,
    /// The event's own row: when the event happened and the keys it carries.
    pub row: Observed<&'a Row>,
    /// The event's processed markers, found by `=`.
    pub marks: Observed<&'a [Mark]>,
    /// Processed markers that only `LIKE` finds.
    pub marks_like: Observed<&'a [Mark]>,
    rows: Observed<&'a EventRows>,
}

impl<'a> EventLookup<'a> {
    /// Collects the evidence about the event.
    pub fn build(inputs: Inputs<'a>, event: Option<&'a AskedEvent>) -> Self {
        let rows = inputs.database().and_then(|_| match event {
            Some(event) => event.rows.as_ref(),
            None => Observed::not_asked("no id given"),
        });
        EventLookup {
            inputs,
            event,
            id: event.map(|event| event.id.as_str()),
            row: rows.clone().and_then(|rows| rows.event.as_ref()),
            marks: rows.clone().and_then(|rows| rows.marks.as_ref().map(Vec::as_slice)),
            marks_like: rows.clone().and_then(|rows| rows.marks_like.as_ref().map(Vec::as_slice)),
            rows,
        }
    }

    /// Returns the requested id, or "no id given"; `name` is the pipeline's name for an id.
    pub fn id(&self, name: &str) -> Observed<&'a str> {
        match self.id {
            Some(id) => Observed::Known(id),
            None => Observed::not_asked(format!("no {name} given")),
        }
    }

    /// Returns when the event happened: the time in its row, or else `--at`.
    pub fn at(&self) -> Option<Timestamp> {
        self.row.known().map(|row| row.at).or(self.inputs.evidence.target.at)
    }

    /// Returns the effect rows of a stage, regardless of their age.
    pub fn effects(&self, stage: &str) -> Observed<&'a Vec<Effect>> {
        self.rows.clone().and_then(|rows| match rows.effects.get(stage) {
            Some(effects) => effects.as_ref(),
            None => Observed::unknown(ReasonKind::Missing, format!("stage {stage} was not queried")),
        })
    }

    /// Returns the event's records on a topic, oldest first.
    pub fn records(&self, topic: &str) -> &'a [FoundRecord] {
        self.event.and_then(|event| event.records.get(topic)).map_or(&[], Vec::as_slice)
    }

    /// Returns the time of the event's newest record on topics that were read.
    pub fn newest_record(&self) -> Option<Timestamp> {
        let brokers: Vec<_> = self.inputs.brokers().filter_map(Observed::known).collect();
        let was_read = |topic: &str| brokers.iter().any(|broker| broker.searches.contains_key(topic));
        let records = self.event.into_iter().flat_map(|event| &event.records);
        let records = records.filter(|(topic, _)| was_read(topic)).flat_map(|(_, records)| records);
        records.filter_map(|record| record.at).max()
    }

    /// Reports whether a dead letter names the event.
    pub fn names_event(&self, letter: &FoundRecord) -> bool {
        letter.names.as_deref().is_some_and(|id| Some(id) == self.id)
    }

    /// Returns the observation for a custom fact, if it was recorded. A custom fact without an
    /// answer for each event was queried for the first event only. Log patterns are searched for
    /// regardless of the event.
    pub fn custom(&self, fact: &str) -> Option<Observed<&'a CustomObservation>> {
        if let Some(answer) = self.event.and_then(|event| event.answers.get(fact)) {
            return Some(answer.as_ref());
        }
        let evidence = self.inputs.evidence;
        let seen = evidence.custom.get(fact)?;
        let of_first = !matches!(seen, Observed::Known(CustomObservation::LookedFor(_)));
        let other = evidence.first_event().filter(|first| Some(first.id.as_str()) != self.id);
        Some(match other.filter(|_| of_first && self.event.is_some()) {
            Some(first) => Observed::not_asked(format!("queried for {} only", first.id)),
            None => seen.as_ref(),
        })
    }

    /// Returns the reasons why row lookups failed.
    pub fn failed_lookups(&self) -> Vec<&'a Reason> {
        let Observed::Known(database) = self.inputs.database() else { return Vec::new() };
        database.lookup_failures(self.event.and_then(|event| event.rows.known()))
    }
}

/// Returns how a topic was searched for records, if it was read.
pub fn search_of<'a>(inputs: Inputs<'a>, topic: &str) -> Option<&'a Search> {
    inputs.broker_of_topic(topic).known().and_then(|broker| broker.searches.get(topic)?.known())
}
