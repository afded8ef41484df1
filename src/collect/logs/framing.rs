//! What container runtimes and the journal write around the lines of a log file.

use crate::collect::runtime::docker::log_lines::{Line, MAX_LINE_LENGTH};
use crate::text::log::{LogRecord, strip_escapes, time_of};
use jiff::Timestamp;
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The frame of Kubernetes' container runtimes: `TIME stdout F text`; `P` is a part of a line.
static CRI: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP]) (.*)$")
        .expect("a constant pattern")
});

/// The time that `docker logs -t` and `kubectl logs --timestamps` write before a line.
static STAMPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (.*)$").expect("a constant pattern")
});

/// The name that `docker compose logs` and `kubectl logs --prefix` write before a line.
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[\w.-]+\s*\| |\[pod/[\w./-]+\] )").expect("a constant pattern"));

/// The fields of the journal that are kept, besides the one that begins a record.
const JOURNAL_FIELDS: [&str; 2] = ["MESSAGE", "PRIORITY"];

/// A line of Docker's `json-file` driver.
#[derive(Deserialize)]
struct DockerLine {
    log: String,
    #[serde(default)]
    stream: String,
    time: Timestamp,
}

/// Takes lines out of their frames. Lines without a frame stay as they are.
#[derive(Debug, Default)]
pub(super) struct Unframer {
    partial: Option<Line>,
    /// The fields of the journal's record that is being read.
    journal: BTreeMap<String, String>,
}

impl Unframer {
    /// Passes the line in a frame to `take`, if it is complete.
    pub(super) fn add(&mut self, text: &str, take: &mut impl FnMut(Line)) {
        if self.add_journal(text, take) {
            return;
        }
        // Most lines have no frame; a look at a few bytes spares them the patterns.
        let bytes = text.as_bytes();
        let is_stamped = bytes.get(10) == Some(&b'T') && bytes[0].is_ascii_digit();
        if is_stamped && let Some(found) = CRI.captures(text) {
            return self.add_part(
                found[1].parse().ok(),
                &found[2] == "stderr",
                &found[4],
                &found[3] == "P",
                take,
            );
        }
        if text.starts_with("{\"log\":")
            && let Ok(found) = serde_json::from_str::<DockerLine>(text)
        {
            let is_part = !found.log.ends_with('\n');
            let log = found.log.trim_end_matches(['\n', '\r']);
            return self.add_part(Some(found.time), found.stream == "stderr", log, is_part, take);
        }
        let stamp = is_stamped.then(|| STAMPED.captures(text)).flatten();
        let (at, text) = match stamp {
            Some(found) => (found[1].parse().ok(), found.get(2).map_or("", |rest| rest.as_str())),
            None => (None, text),
        };
        let may_have_prefix = text.starts_with('[') || memchr::memchr(b'|', text.as_bytes()).is_some();
        let prefix = may_have_prefix.then(|| PREFIX.find(text)).flatten();
        let text = prefix.map_or(text, |prefix| &text[prefix.end()..]);
        take(line(at, false, text));
    }

    /// Passes on what is left at the end.
    pub(super) fn end(&mut self, take: &mut impl FnMut(Line)) {
        self.end_of_journal_record(take);
        self.partial.take().into_iter().for_each(take);
    }

    fn add_part(
        &mut self,
        at: Option<Timestamp>,
        stderr: bool,
        text: &str,
        is_part: bool,
        take: &mut impl FnMut(Line),
    ) {
        let mut whole = match self.partial.take().filter(|partial| partial.stderr == stderr) {
            Some(partial) => {
                let room = MAX_LINE_LENGTH.saturating_sub(partial.text.len());
                Line { text: partial.text + &text[..text.floor_char_boundary(room)], ..partial }
            }
            None => line(at, stderr, text),
        };
        whole.at = whole.at.or(at);
        if is_part {
            self.partial = Some(whole);
        } else {
            take(Line { text: strip_escapes(&whole.text).into_owned(), ..whole });
        }
    }

    /// Takes a line of `journalctl -o export`: `FIELD=value`, and an empty line after each record.
    fn add_journal(&mut self, text: &str, take: &mut impl FnMut(Line)) -> bool {
        if text.is_empty() && !self.journal.is_empty() {
            self.end_of_journal_record(take);
            return true;
        }
        let begins = text.starts_with("__CURSOR=") || text.starts_with("__REALTIME_TIMESTAMP=");
        if self.journal.is_empty() && !begins {
            return false;
        }
        if let Some((name, value)) = text.split_once('=')
            && (begins || JOURNAL_FIELDS.contains(&name))
        {
            self.journal.insert(name.to_string(), value.to_string());
        }
        true
    }

    fn end_of_journal_record(&mut self, take: &mut impl FnMut(Line)) {
        let fields = std::mem::take(&mut self.journal);
        let Some(message) = fields.get("MESSAGE") else { return };
        let at = fields
            .get("__REALTIME_TIMESTAMP")
            .and_then(|at| Timestamp::from_microsecond(at.parse().ok()?).ok());
        // The level stands in a field of its own.
        let priority =
            fields.get("PRIORITY").and_then(|priority| priority.parse::<u8>().ok()).filter(|p| *p < 8);
        let text = match priority.filter(|_| LogRecord::parse(message).level.is_none()) {
            Some(priority) => format!("<{priority}>{message}"),
            None => message.clone(),
        };
        take(line(at, false, &text));
    }
}

/// Returns a line with its own time, if it has no other.
fn line(at: Option<Timestamp>, stderr: bool, text: &str) -> Line {
    let text = strip_escapes(text).into_owned();
    let at = at.or_else(|| time_of(&text));
    Line { at, stderr, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unframed(lines: &[&str]) -> Vec<(bool, String, bool)> {
        let mut unframer = Unframer::default();
        let mut found = Vec::new();
        let mut take = |line: Line| found.push((line.at.is_some(), line.text, line.stderr));
        lines.iter().for_each(|line| unframer.add(line, &mut take));
        unframer.end(&mut take);
        found
    }

    #[test]
    fn takes_lines_out_of_their_frames() {
        let framed = [
            "2026-11-10T11:05:00.481Z stderr P ERROR no",
            "2026-11-10T11:05:00.481Z stderr F  row",
            r#"{"log":"no row\n","stream":"stderr","time":"2026-11-10T11:05:00.481Z"}"#,
            "2026-11-10T11:05:00.481000000Z plain",
            "worker-1  | plain",
            "plain",
        ];
        let expected = [
            (true, "ERROR no row".to_string(), true),
            (true, "no row".to_string(), true),
            (true, "plain".to_string(), false),
            (false, "plain".to_string(), false),
            (false, "plain".to_string(), false),
        ];
        assert_eq!(unframed(&framed), expected);
    }

    #[test]
    fn reads_the_export_of_the_journal() {
        let export = [
            "__CURSOR=s=1",
            "__REALTIME_TIMESTAMP=1794733641077000",
            "PRIORITY=3",
            "MESSAGE=no row",
            "",
            "__CURSOR=s=2",
            "MESSAGE=two",
        ];
        let found = unframed(&export);
        assert_eq!(found[0], (true, "<3>no row".to_string(), false));
        assert_eq!(found[1].1, "two");
    }
}
