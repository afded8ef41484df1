//! Observations of logs.

use crate::base::name::Name;
use crate::base::untrusted::Untrusted;
use crate::text::whole_word::contains_word;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The part of one container's log that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Container name.
    pub container: Name,
    /// Records read (a record may span several lines).
    pub read: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time of the oldest record read.
    pub from: Option<Timestamp>,
    /// Time of the newest record read.
    pub to: Option<Timestamp>,
    /// Start of the requested time range.
    pub wanted: Timestamp,
    /// How far back the log was read.
    pub reach: Reach,
    /// About how many bytes there are from `wanted` on, if reading stopped because they are too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_bytes: Option<u64>,
    /// The relevant records since `wanted`, oldest first: those that contain the id or one of its
    /// keys, match a pattern in the pipeline, or are errors.
    pub records: Vec<Record>,
    /// Whether only the newest relevant records were kept because there were too many.
    pub cut: bool,
    /// Whether some of the dropped records contain the id or one of its keys.
    #[serde(default)]
    pub cut_of_event: bool,
    /// Where the log was read from, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<LogSource>,
}

/// Where a log was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    /// The runtime's engine (`/containers/{id}/logs`).
    Engine,
    /// The file at this path.
    File(String),
    /// The journal of this systemd unit.
    Journal(String),
    /// The previous instance, which had this name.
    Previous(Name),
}

/// How far back a log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The log was read back to the requested time, so missing records were never logged.
    Wanted,
    /// The log was read back to its beginning, which is later than the requested time.
    Beginning,
    /// Reading stopped at a limit on lines or time, before it reached the requested time.
    Limit,
}

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When the container engine received the record's first line, or what the record says; in a file,
    /// a record may say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether the record was written to stderr.
    pub stderr: bool,
    /// The record's lines joined by `\n`, without colours and secrets, truncated to 2000 characters.
    pub text: String,
    /// The first bytes of a truncated record, with colours but without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Untrusted>,
    /// The last bytes of a truncated record, with colours but without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Untrusted>,
}

impl Record {
    /// Returns the record's time of day with a space, `10:02:15 `, or nothing if its time is unknown.
    pub fn time_of_day(&self) -> String {
        self.at.map_or_else(String::new, |at| at.strftime("%H:%M:%S ").to_string())
    }

    /// Reports whether the record contains an id or a key's value as a whole word, ignoring case.
    pub fn names(&self, value: &str) -> bool {
        contains_word(self.text.as_bytes(), value.as_bytes())
    }
}
