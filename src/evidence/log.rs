//! What was read of logs.

use crate::base::name::Name;
use crate::base::untrusted::Untrusted;
use crate::text::word::holds_word;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was read of one container's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Container name.
    pub container: Name,
    /// Records read (a record may span lines).
    pub read: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time of the oldest record read.
    pub from: Option<Timestamp>,
    /// Time of the newest record read.
    pub to: Option<Timestamp>,
    /// From when on records were wanted.
    pub wanted: Timestamp,
    /// How far back the reading came.
    pub reach: Reach,
    /// Of the records read since `wanted`: those that name the id or one of its
    /// keys, match a pattern of the pipeline, or are errors; oldest first.
    pub records: Vec<Record>,
    /// Some that should have been kept were not, because there were too many:
    /// the newest are here.
    pub cut: bool,
    /// Some of those that name the id or one of its keys were not kept.
    #[serde(default)]
    pub cut_of_event: bool,
    /// Where it was read, if that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<LogSource>,
}

/// Where a log was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    /// The runtime's engine (`/containers/{id}/logs`).
    Engine,
    /// A file, by its path.
    File(String),
    /// The journal of this unit.
    Journal(String),
    /// The instance before this one, by its name.
    Previous(Name),
}

/// How far back a log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// To the time wanted: what is not here was not logged.
    Wanted,
    /// To the log's own beginning, which is later than the time wanted.
    Beginning,
    /// To a bound on lines or time, short of the time wanted.
    Limit,
}

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When the engine received its first line.
    pub at: Timestamp,
    /// It came on stderr.
    pub stderr: bool,
    /// Its lines joined by `\n`, without colours and secrets, cut to 2 000 characters.
    pub text: String,
    /// The first bytes of a record that was cut, with its colours, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Untrusted>,
    /// The last bytes of a record that was cut, with its colours, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Untrusted>,
}

impl Record {
    /// Whether the record names an id or a key's value, in whatever case.
    pub fn names(&self, value: &str) -> bool {
        holds_word(self.text.as_bytes(), value.as_bytes())
    }
}
