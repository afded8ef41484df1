//! A log record, as far as its format is known.

use super::level::Level;
use super::success;
use jiff::Timestamp;

/// A log record, as far as its format is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogRecord {
    /// When the record was written, if it says so with a date. Times without a zone are UTC.
    pub time: Option<Timestamp>,
    /// The record's level, if it has one.
    pub level: Option<Level>,
    /// The message without time, level and logger.
    pub message: String,
    /// The error's texts, from the outermost to the root: each message with its type and code, without
    /// stack frames. The message comes first.
    pub errors: Vec<String>,
}

impl LogRecord {
    /// Reports whether the record tells that something went well: work that was done, or a connection that
    /// was made.
    pub fn tells_success(&self) -> bool {
        self.level.is_none_or(|level| level == Level::Info) && success::is_success(&self.message)
    }
}
