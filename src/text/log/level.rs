//! Levels of log records: words and numbers of many loggers.

use serde_json::Value;

/// How serious a logger says that a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Details for developers.
    Debug,
    /// Normal operation.
    Info,
    /// Something unexpected.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// Parses a level's name, in upper, lower or title case: `ERROR`, `err`, `Warning`, `crit`.
    pub fn parse(word: &str) -> Option<Level> {
        let word = word.to_ascii_lowercase();
        Some(match word.as_str() {
            "trace" | "trc" | "trce" | "debug" | "dbg" | "dbug" | "verbose" | "vrb" | "finest" | "finer"
            | "fine" | "debug1" | "debug2" | "debug3" | "debug4" | "debug5" | "silly" => Level::Debug,
            "info" | "inf" | "information" | "informational" | "notice" | "log" | "config" | "http"
            | "hint" | "detail" | "statement" => Level::Info,
            "warn" | "wrn" | "warning" => Level::Warn,
            "error" | "err" | "eror" | "erro" | "fail" | "severe" | "critical" | "crit" | "crt" | "fatal"
            | "ftl" | "alert" | "emerg" | "emergency" | "panic" | "pnc" | "dpanic" => Level::Error,
            _ => return None,
        })
    }

    /// Reads a level in JSON: a word, or a number of pino and bunyan (30), logstash (20000), Go's slog (8)
    /// or syslog.
    pub fn from_json(value: &Value) -> Option<Level> {
        if let Some(word) = value.as_str() {
            return Level::parse(word.trim()).or_else(|| Level::from_number(word.trim().parse().ok()?));
        }
        Level::from_number(value.as_i64()?)
    }

    fn from_number(number: i64) -> Option<Level> {
        Some(match number {
            // Syslog's severities, from 0 (emergency) to 7 (debug).
            0..=3 => Level::Error,
            4 => Level::Warn,
            5..=6 => Level::Info,
            7 => Level::Debug,
            8 => Level::Error,
            10..=20 => Level::Debug,
            30 => Level::Info,
            40 => Level::Warn,
            50..=60 => Level::Error,
            5_000..=10_000 => Level::Debug,
            20_000 => Level::Info,
            30_000 => Level::Warn,
            40_000..=50_000 => Level::Error,
            _ => return None,
        })
    }
}
