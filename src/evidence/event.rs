//! One event that was asked about.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::evidence::broker::FoundRecord;
use crate::evidence::custom::Custom;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was seen of one event that was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedEvent {
    /// Its id, canonical form.
    pub id: String,
    /// Its rows in the databases.
    #[serde(default)]
    pub rows: Seen<EventRows>,
    /// Its records by topic, oldest first; how the topics were read stands with
    /// their broker ([`crate::evidence::Broker::searches`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<Name, Vec<FoundRecord>>,
    /// What was told of it for facts of the user's own, by the fact's name, where
    /// that differs from event to event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<Name, Seen<Custom>>,
}

/// The rows of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRows {
    /// Its marks, found by `=`, oldest first.
    pub marks: Seen<Vec<Mark>>,
    /// Marks that only `LIKE '%id%'` finds.
    pub marks_like: Seen<Vec<Mark>>,
    /// The event: when it happened and the keys it carries.
    pub event: Seen<Event>,
    /// The effect rows of each stage, oldest first.
    pub effects: BTreeMap<Name, Seen<Vec<Effect>>>,
}

/// A row of the marks table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Event id.
    pub event_id: String,
    /// Event type.
    pub event_type: String,
    /// Correlation id as stored.
    pub correlation_id: String,
    /// Who marked it.
    pub source: Option<String>,
    /// When.
    pub processed_at: Option<Timestamp>,
}

impl Mark {
    /// "10:02:14 by shop".
    pub fn words(&self) -> String {
        let at = self.processed_at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
        format!("{at}by {}", self.source.as_deref().unwrap_or("nobody named"))
    }
}

/// The event that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When it happened, as the pipeline's event SQL says.
    pub at: Timestamp,
    /// Keys that lead to other rows and log records (declared in the pipeline).
    pub keys: BTreeMap<Name, String>,
}

/// A row that a stage has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// When it was written.
    pub at: Timestamp,
    /// Its status, where the table has one.
    pub status: Option<String>,
}

impl AskedEvent {
    /// An event of which nothing was seen yet.
    pub fn new(id: impl Into<String>) -> AskedEvent {
        AskedEvent {
            id: id.into(),
            rows: Seen::default(),
            records: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }
}
