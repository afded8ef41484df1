//! What the evidence holds of an asked event: its rows and records.

use crate::evidence::{
    AskedEvent, Custom, Effect, Event as Row, EventRows, FoundRecord, Mark, Search, Seen, Why, WhyKind,
};
use crate::situation::source::Source;
use jiff::Timestamp;

/// What was looked up of one event. Without one: of none.
pub struct Asked<'a> {
    source: Source<'a>,
    event: Option<&'a AskedEvent>,
    /// Its id, if one was asked about.
    pub id: Option<&'a str>,
    /// Its row: when it happened, and the keys it carries.
    pub row: Seen<&'a Row>,
    /// Its marks, found by `=`.
    pub marks: Seen<&'a [Mark]>,
    /// Marks that only `LIKE` finds.
    pub marks_like: Seen<&'a [Mark]>,
    rows: Seen<&'a EventRows>,
}

impl<'a> Asked<'a> {
    /// What the evidence holds of the event.
    pub fn build(source: Source<'a>, event: Option<&'a AskedEvent>) -> Self {
        let rows = source.database().and_then(|_| match event {
            Some(event) => event.rows.as_ref(),
            None => Seen::not_asked("no id given"),
        });
        Asked {
            source,
            event,
            id: event.map(|event| event.id.as_str()),
            row: rows.clone().and_then(|rows| rows.event.as_ref()),
            marks: rows.clone().and_then(|rows| rows.marks.as_ref().map(Vec::as_slice)),
            marks_like: rows.clone().and_then(|rows| rows.marks_like.as_ref().map(Vec::as_slice)),
            rows,
        }
    }

    /// Its id, or "no id given".
    pub fn id(&self, name: &str) -> Seen<&'a str> {
        match self.id {
            Some(id) => Seen::Known(id),
            None => Seen::not_asked(format!("no {name} given")),
        }
    }

    /// When it happened: as the database tells, else as `--at` said.
    pub fn at(&self) -> Option<Timestamp> {
        self.row.known().map(|row| row.at).or(self.source.evidence.target.at)
    }

    /// The effect rows of a stage, whatever their age.
    pub fn effects(&self, stage: &str) -> Seen<&'a Vec<Effect>> {
        self.rows.clone().and_then(|rows| match rows.effects.get(stage) {
            Some(effects) => effects.as_ref(),
            None => Seen::unknown(WhyKind::Missing, format!("stage {stage} was not looked at")),
        })
    }

    /// Its records on a topic, oldest first.
    pub fn records(&self, topic: &str) -> &'a [FoundRecord] {
        self.event.and_then(|event| event.records.get(topic)).map_or(&[], Vec::as_slice)
    }

    /// The time of the newest of its records on topics of brokers that were seen.
    pub fn newest_record(&self) -> Option<Timestamp> {
        let brokers: Vec<_> = self.source.brokers().filter_map(Seen::known).collect();
        let was_read = |topic: &str| brokers.iter().any(|broker| broker.searches.contains_key(topic));
        let records = self.event.into_iter().flat_map(|event| &event.records);
        let records = records.filter(|(topic, _)| was_read(topic)).flat_map(|(_, records)| records);
        records.filter_map(|record| record.at).max()
    }

    /// Whether a dead letter names it.
    pub fn is_of(&self, letter: &FoundRecord) -> bool {
        letter.names.as_deref().is_some_and(|id| Some(id) == self.id)
    }

    /// What was told of it for a custom fact, if that was recorded. Where it is not told
    /// event by event it was asked of the first one alone; what is looked for in logs is
    /// looked for all the same.
    pub fn custom(&self, fact: &str) -> Option<Seen<&'a Custom>> {
        if let Some(answer) = self.event.and_then(|event| event.answers.get(fact)) {
            return Some(answer.as_ref());
        }
        let evidence = self.source.evidence;
        let seen = evidence.custom.get(fact)?;
        let of_first = !matches!(seen, Seen::Known(Custom::LookedFor(_)));
        let other = evidence.first_event().filter(|first| Some(first.id.as_str()) != self.id);
        Some(match other.filter(|_| of_first && self.event.is_some()) {
            Some(first) => Seen::not_asked(format!("asked of {} alone", first.id)),
            None => seen.as_ref(),
        })
    }

    /// Why look-ups of rows came to nothing, those that did.
    pub fn whys(&self) -> Vec<&'a Why> {
        let Seen::Known(database) = self.source.database() else { return Vec::new() };
        database.whys(self.event.and_then(|event| event.rows.known()))
    }
}

/// What the reading of a topic has come to, if it was read.
pub fn search_of<'a>(source: Source<'a>, topic: &str) -> Option<&'a Search> {
    source.broker_of_topic(topic).known().and_then(|broker| broker.searches.get(topic)?.known())
}
