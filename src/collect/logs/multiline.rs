//! Joins log lines into records that may span several lines.
//!
//! A line continues the previous record of its stream if it is empty, starts with
//! white space, or looks like the tail of a stack trace or of JSON. It also continues
//! a record that starts with a timestamp if the line itself starts with neither a
//! timestamp nor a level and follows within 50 ms.

use crate::collect::runtime::docker::log_lines::Line;
use crate::evidence::Record;
use crate::text::log::{Level, begins_error, begins_record, level_of, takes_lines};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use std::sync::LazyLock;

/// Maximum time between two lines of one record.
const MAX_GAP: SignedDuration = SignedDuration::from_millis(50);
/// Maximum length of a record, in bytes; additional lines are ignored.
const MAX_LENGTH: usize = 20_000;

/// Matches a line that continues a record.
static CONTINUATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\s|$|[})\]]|at \S|Caused by:|\.\.\. \d+ more|During handling of the above|The above exception was|goroutine \d)").expect("the pattern is valid")
});

/// A record with the number of its first line. Records of the two streams are complete in another order than
/// they begin in, and those of files may lack times.
pub(crate) type Numbered = (u64, Record);

/// The incomplete record of each stream (stdout and stderr).
#[derive(Debug, Default)]
pub(crate) struct RecordAssembler {
    open: [Option<Open>; 2],
    lines: u64,
}

/// A record that more lines may continue.
#[derive(Debug)]
struct Open {
    number: u64,
    record: Record,
    /// Whether lines that begin no record belong to this one.
    is_headed: bool,
    /// Whether the last line is a frame of a traceback, so that the error's own line follows.
    in_traceback: bool,
    last: Option<Timestamp>,
}

impl RecordAssembler {
    /// Adds a line and returns the previous record if this line shows that it is complete.
    pub(crate) fn add(&mut self, line: Line) -> Option<Numbered> {
        self.lines += 1;
        let open = &mut self.open[usize::from(line.stderr)];
        if let Some(open) = open.as_mut() {
            let gap = line.at.zip(open.last).map(|(at, last)| at.duration_since(last));
            let follows = gap.is_none_or(|gap| gap < MAX_GAP);
            let is_apart = begins_record(&line.text) || begins_error(&line.text) && open.is_normal();
            let continues = (open.is_headed || open.in_traceback) && follows && !is_apart;
            if continues || CONTINUATION.is_match(&line.text) {
                open.last = line.at;
                open.append(&line.text);
                return None;
            }
        }
        let is_headed = takes_lines(&line.text);
        let in_traceback = line.text.starts_with("Traceback ");
        let record = Record { at: line.at, stderr: line.stderr, text: line.text, head: None, tail: None };
        let new = Open { number: self.lines, last: record.at, is_headed, in_traceback, record };
        open.replace(new).map(|open| (open.number, open.record))
    }

    /// Returns the records that are still incomplete at the end of the log.
    pub(crate) fn finish(self) -> impl Iterator<Item = Numbered> {
        self.open.into_iter().flatten().map(|open| (open.number, open.record))
    }
}

impl Open {
    /// Reports whether the record is about normal operation, according to its level.
    fn is_normal(&self) -> bool {
        level_of(&self.record.text) == Some(Level::Info)
    }

    fn append(&mut self, text: &str) {
        self.in_traceback = text.starts_with("Traceback ") || self.in_traceback && text.starts_with(' ');
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
            let line = Line { at: Some(at), stderr: false, text: text.to_string() };
            found.extend(records.add(line));
        }
        found.extend(records.finish());
        found.into_iter().map(|(_, record)| record.text).collect()
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
