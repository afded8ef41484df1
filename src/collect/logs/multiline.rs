//! Joins log lines into records that may span several lines.
//!
//! A line continues the previous record of its stream if it is empty, starts with
//! white space, or looks like the tail of a stack trace or of JSON. It also continues
//! a record that starts with a timestamp if the line itself starts with neither a
//! timestamp nor a level and follows within 50 ms.

use crate::collect::runtime::docker::log_lines::Line;
use crate::evidence::Record;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use std::sync::LazyLock;

/// Maximum time between two lines of one record.
const MAX_GAP: SignedDuration = SignedDuration::from_millis(50);
/// Maximum length of a record, in bytes; further lines are ignored.
const MAX_LENGTH: usize = 20_000;

/// Matches a line that continues a record.
static CONTINUATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\s|$|[})\]]|at \S|Caused by:|\.\.\. \d+ more)").expect("the pattern is valid")
});

/// Matches a line that starts a record.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    let level = r"(?i:trace|debug|info|notice|warn|warning|error|fatal|critical|panic)\b";
    Regex::new(&format!(r"{TIMESTAMP}|^[\[(<]?{level}|^\{{|^[a-z]+=")).expect("the pattern is valid")
});

/// Matches a line that starts with a timestamp.
static TIMESTAMPED: LazyLock<Regex> = LazyLock::new(|| Regex::new(TIMESTAMP).expect("the pattern is valid"));

/// The start of a line with a timestamp.
const TIMESTAMP: &str = r"^[\[(<]?(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d)";

/// The incomplete record of each stream (stdout and stderr).
#[derive(Debug, Default)]
pub(crate) struct RecordAssembler {
    open: [Option<Open>; 2],
}

/// A record that further lines may continue.
#[derive(Debug)]
struct Open {
    record: Record,
    /// Whether the record starts with a timestamp, in which case the next one should, too.
    timestamped: bool,
    last: Timestamp,
}

impl RecordAssembler {
    /// Adds a line and returns the previous record if this line shows that it is complete.
    pub(crate) fn add(&mut self, line: Line) -> Option<Record> {
        let open = &mut self.open[usize::from(line.stderr)];
        if let Some(open) = open.as_mut() {
            let follows = line.at.duration_since(open.last) < MAX_GAP;
            let continues = open.timestamped && follows && !HEAD.is_match(&line.text);
            if continues || CONTINUATION.is_match(&line.text) {
                open.last = line.at;
                open.append(&line.text);
                return None;
            }
        }
        let timestamped = TIMESTAMPED.is_match(&line.text);
        let record = Record { at: line.at, stderr: line.stderr, text: line.text, head: None, tail: None };
        open.replace(Open { last: line.at, timestamped, record }).map(|open| open.record)
    }

    /// Returns the records that are still incomplete at the end of the log.
    pub(crate) fn finish(self) -> impl Iterator<Item = Record> {
        self.open.into_iter().flatten().map(|open| open.record)
    }
}

impl Open {
    fn append(&mut self, text: &str) {
        if self.record.text.len() < MAX_LENGTH {
            self.record.text.push('\n');
            self.record.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins lines of stdout, each with its time in milliseconds.
    fn records(lines: &[(i64, &str)]) -> Vec<String> {
        let mut records = RecordAssembler::default();
        let mut found = Vec::new();
        for (millisecond, text) in lines {
            let at = Timestamp::from_millisecond(*millisecond).unwrap();
            let line = Line { at, stderr: false, text: text.to_string() };
            found.extend(records.add(line));
        }
        found.extend(records.finish());
        found.into_iter().map(|record| record.text).collect()
    }

    #[test]
    fn indented_line_continues_the_record() {
        let found = records(&[
            (0, "[2026-01-07 16:55:09] info: one"),
            (0, "  Meta: {\"id\":1}"),
            (0, "[2026-01-07 16:55:09] info: two"),
        ]);
        let expected =
            ["[2026-01-07 16:55:09] info: one\n  Meta: {\"id\":1}", "[2026-01-07 16:55:09] info: two"];
        assert_eq!(found, expected);
    }

    #[test]
    fn stack_trace_is_one_record() {
        let found = records(&[
            (0, "Error: boom"),
            (0, "    at f (a.js:1)"),
            (0, "Caused by: java.io.IOException"),
            (0, "at g (b.js:2)"),
            (0, "}"),
            (0, ""),
            (0, "Started"),
        ]);
        assert_eq!(found.len(), 2, "{found:#?}");
    }

    #[test]
    fn line_without_timestamp_continues_only_if_it_follows_closely() {
        let lines = [
            (0, "16:55:09 one"),
            (5, "Traceback"),
            (10, "ValueError: x"),
            (500, "late"),
            (501, "INFO two"),
            (502, "three"),
        ];
        let expected = ["16:55:09 one\nTraceback\nValueError: x", "late", "INFO two", "three"];
        assert_eq!(records(&lines), expected);
    }
}
