//! What the evidence holds of each asked event: which rows and records are whose.

use crate::evidence::{Effect, Event as Row, FoundRecord, Mark, Name, Postgres, Search, Seen, Why, WhyKind};
use crate::situation::source::Source;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The records of the topics, by broker and topic, and by whose they are.
type Found<'a> = BTreeMap<(Option<&'a str>, &'a str), BTreeMap<Option<&'a str>, Vec<&'a FoundRecord>>>;

/// The records of all asked events, indexed once.
pub struct Records<'a> {
    found: Found<'a>,
}

impl<'a> Records<'a> {
    /// Indexes them.
    pub fn build(source: Source<'a>) -> Self {
        let mut found: Found = BTreeMap::new();
        for (broker, seen) in source.brokers() {
            for (topic, search) in seen.known().into_iter().flat_map(|kafka| &kafka.records) {
                let of_topic = found.entry((broker, topic)).or_default();
                for record in search.known().into_iter().flat_map(|search| &search.found) {
                    of_topic.entry(record.of.as_deref()).or_default().push(record);
                }
            }
        }
        Records { found }
    }
}

/// What was looked up of one event. Without an id: of none.
pub struct Asked<'a> {
    /// Its id, if one was asked about.
    pub id: Option<&'a str>,
    /// How its records are told from those of others: without a name if it is the first one.
    of: Option<&'a str>,
    /// Its row: when it happened, and the keys it carries.
    pub row: Seen<&'a Row>,
    /// Its marks, found by `=`.
    pub marks: Seen<&'a [Mark]>,
    /// Marks that only `LIKE` finds.
    pub marks_like: Seen<&'a [Mark]>,
    effects: BTreeMap<&'a str, Seen<&'a Vec<Effect>>>,
    /// When it happened according to `--at`.
    given: Option<Timestamp>,
    newest: Option<Timestamp>,
}

impl<'a> Asked<'a> {
    /// What the evidence holds of that id; of the first one without.
    pub fn build(source: Source<'a>, records: &Records<'a>, id: Option<&'a str>) -> Self {
        let target = &source.evidence.target;
        let first = target.id.as_deref();
        let id = id.or(first);
        let of = id.filter(|_| id != first);
        let rows = source.postgres();
        let other = of.map(|of| rows.clone().and_then(|rows| other_rows(rows, of)));
        let (row, marks, marks_like) = match &other {
            None => (
                rows.clone().and_then(|rows| rows.event.as_ref()),
                rows.clone().and_then(|rows| rows.marks.as_ref().map(Vec::as_slice)),
                rows.clone().and_then(|rows| rows.marks_like.as_ref().map(Vec::as_slice)),
            ),
            Some(other) => (
                other.clone().and_then(|rows| rows.event.as_ref()),
                other.clone().and_then(|rows| rows.marks.as_ref().map(Vec::as_slice)),
                other.clone().and_then(|rows| rows.marks_like.as_ref().map(Vec::as_slice)),
            ),
        };
        let effects = match &other {
            None => rows.known().into_iter().flat_map(|rows| &rows.stages).map(named_effect).collect(),
            Some(other) => {
                let effects = other.known().into_iter().flat_map(|rows| &rows.effects);
                effects.map(|(stage, effect)| (stage.as_str(), effect.as_ref())).collect()
            }
        };
        let of_event = records.found.values().filter_map(|found| found.get(&of)).flatten();
        let newest = of_event.filter_map(|record| record.at).max();
        Asked { id, of, row, marks, marks_like, effects, given: target.at, newest }
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
        self.row.known().map(|row| row.at).or(self.given)
    }

    /// The effect rows of a stage, whatever their age.
    pub fn effects(&self, stage: &str) -> Option<&Seen<&'a Vec<Effect>>> {
        self.effects.get(stage)
    }

    /// Its records on a topic of a broker, oldest first.
    pub fn records<'r>(
        &self,
        records: &'r Records<'a>,
        broker: Option<&str>,
        topic: &str,
    ) -> &'r [&'a FoundRecord] {
        let of_topic = records.found.iter().find(|((b, t), _)| *b == broker && *t == topic);
        of_topic.and_then(|(_, found)| found.get(&self.of)).map_or(&[], Vec::as_slice)
    }

    /// The time of the newest of its records.
    pub fn newest_record(&self) -> Option<Timestamp> {
        self.newest
    }

    /// Whether a dead letter names it.
    pub fn is_of(&self, letter: &FoundRecord) -> bool {
        letter.by.is_some() && letter.of.as_deref() == self.of
    }

    /// Whether what was asked beside rows and records, such as custom facts, was asked of it.
    pub fn is_first(&self) -> bool {
        self.of.is_none()
    }

    /// Why look-ups of rows came to nothing, those that did.
    pub fn whys(&self, rows: &'a Postgres) -> Vec<Why> {
        let of_stage = |(name, stage): (&'a Name, &'a crate::evidence::StageRows)| {
            let effect = self.effects(name).and_then(|effect| effect.why().cloned());
            [effect, stage.extent.why().cloned()]
        };
        let stages = rows.stages.iter().flat_map(of_stage);
        [self.marks.why().cloned(), self.row.why().cloned()].into_iter().chain(stages).flatten().collect()
    }
}

fn named_effect<'a>(
    (stage, rows): (&'a Name, &'a crate::evidence::StageRows),
) -> (&'a str, Seen<&'a Vec<Effect>>) {
    (stage.as_str(), rows.effect.as_ref())
}

fn other_rows<'a>(rows: &'a Postgres, id: &str) -> Seen<&'a crate::evidence::RowsOfEvent> {
    match rows.others.get(id) {
        Some(rows) => Seen::Known(rows),
        None => Seen::unknown(WhyKind::Missing, "its rows were not looked up"),
    }
}

/// What the reading of a topic has come to, if it was read.
pub fn search_of<'a>(source: Source<'a>, topic: &str) -> Option<&'a Search> {
    source.broker_of_topic(topic).known().and_then(|kafka| kafka.records.get(topic)?.known())
}
