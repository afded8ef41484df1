//! Observations of one requested event.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::evidence::broker::FoundRecord;
use crate::evidence::custom_observation::CustomObservation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Observations of one requested event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedEvent {
    /// The event's id in canonical form.
    pub id: String,
    /// The event's rows in the databases.
    #[serde(default)]
    pub rows: Observed<EventRows>,
    /// The event's records by topic, oldest first; how the topics were read is recorded with the
    /// broker ([`crate::evidence::Broker::searches`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<Name, Vec<FoundRecord>>,
    /// Observations for custom facts that differ per event, by fact name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<Name, Observed<CustomObservation>>,
}

/// One event's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRows {
    /// Marks found with `=`, oldest first.
    pub marks: Observed<Vec<Mark>>,
    /// Marks found only with `LIKE '%id%'`.
    pub marks_like: Observed<Vec<Mark>>,
    /// The event's time and keys.
    pub event: Observed<Event>,
    /// The effect rows of each stage, oldest first.
    pub effects: BTreeMap<Name, Observed<Vec<Effect>>>,
}

/// A processed marker: a row of the marks table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Event id.
    pub event_id: String,
    /// Event type.
    pub event_type: String,
    /// Correlation id, as stored.
    pub correlation_id: String,
    /// The component that wrote the mark.
    pub source: Option<String>,
    /// When the row was written.
    pub processed_at: Option<Timestamp>,
}

impl Mark {
    /// Describes the mark, as in "10:02:14 by shop".
    pub fn describe(&self) -> String {
        let at = self.processed_at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
        format!("{at}by {}", self.source.as_deref().unwrap_or("unknown source"))
    }
}

/// A requested event's time and keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When the event happened, according to the pipeline's event SQL.
    pub at: Timestamp,
    /// Keys for finding related rows and log records, as declared in the pipeline.
    pub keys: BTreeMap<Name, String>,
}

/// An effect row written by a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// When the row was written.
    pub at: Timestamp,
    /// The row's status, if the stage's SQL returns one.
    pub status: Option<String>,
}

impl AskedEvent {
    /// Returns an event without observations.
    pub fn new(id: impl Into<String>) -> AskedEvent {
        AskedEvent {
            id: id.into(),
            rows: Observed::default(),
            records: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }
}
