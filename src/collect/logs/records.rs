//! From lines to records: one record may span lines.
//!
//! A line goes on with the record before it (of its stream) if it is empty or
//! begins with white space, if it looks like the tail of a stack trace or of
//! JSON, or if that record begins with a time, this line begins neither with a
//! time nor with a level, and it came within 50 ms.

use crate::collect::runtime::docker::lines::Line;
use crate::evidence::Record;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use std::sync::LazyLock;

const AT_ONCE: SignedDuration = SignedDuration::from_millis(50);
/// More of one record is of no use to anyone.
const LONGEST: usize = 20_000;

static TAIL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\s|$|[})\]]|at \S|Caused by:|\.\.\. \d+ more)").expect("a constant pattern")
});

/// A line that begins like this begins a record.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    let level = r"(?i:trace|debug|info|notice|warn|warning|error|fatal|critical|panic)\b";
    Regex::new(&format!(r"{TIME}|^[\[(<]?{level}|^\{{|^[a-z]+=")).expect("a constant pattern")
});

static TIMED: LazyLock<Regex> = LazyLock::new(|| Regex::new(TIME).expect("a constant pattern"));

const TIME: &str = r"^[\[(<]?(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d)";

/// The record that is being put together, one for each stream.
#[derive(Debug, Default)]
pub(crate) struct Records {
    open: [Option<Open>; 2],
}

#[derive(Debug)]
struct Open {
    record: Record,
    /// It begins with a time, so another record would, too.
    timed: bool,
    last: Timestamp,
}

impl Records {
    /// Takes a line; returns the record that ended before it, if one did.
    pub(crate) fn add(&mut self, line: Line) -> Option<Record> {
        let open = &mut self.open[usize::from(line.stderr)];
        if let Some(open) = open.as_mut() {
            let at_once = line.at.duration_since(open.last) < AT_ONCE;
            let goes_on = open.timed && at_once && !HEAD.is_match(&line.text);
            if goes_on || TAIL.is_match(&line.text) {
                open.last = line.at;
                open.append(&line.text);
                return None;
            }
        }
        let timed = TIMED.is_match(&line.text);
        let record = Record { at: line.at, stderr: line.stderr, text: line.text, head: None, tail: None };
        open.replace(Open { last: line.at, timed, record }).map(|open| open.record)
    }

    /// The records that ended with the log.
    pub(crate) fn end(self) -> impl Iterator<Item = Record> {
        self.open.into_iter().flatten().map(|open| open.record)
    }
}

impl Open {
    fn append(&mut self, text: &str) {
        if self.record.text.len() < LONGEST {
            self.record.text.push('\n');
            self.record.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of stdout, each so many milliseconds after the first.
    fn records(lines: &[(i64, &str)]) -> Vec<String> {
        let mut records = Records::default();
        let mut found = Vec::new();
        for (millisecond, text) in lines {
            let at = Timestamp::from_millisecond(*millisecond).unwrap();
            let line = Line { at, stderr: false, text: text.to_string() };
            found.extend(records.add(line));
        }
        found.extend(records.end());
        found.into_iter().map(|record| record.text).collect()
    }

    #[test]
    fn a_line_that_begins_with_white_space_goes_on() {
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
    fn a_stack_trace_is_one_record() {
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
    fn after_a_record_with_a_time_a_line_without_one_goes_on_if_it_came_at_once() {
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
