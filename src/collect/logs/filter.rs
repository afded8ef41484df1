//! Selects which records in a log to keep. Those about the event come first, then errors
//! and those that match a pattern in the pipeline.

use crate::base::secret::redact;
use crate::config::Config;
use crate::evidence::{Event, Record};
use crate::text::log_message;
use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use std::collections::{BTreeSet, VecDeque};

/// Maximum number of records to keep per container.
pub(crate) const MAX_RECORDS: usize = 400;
/// Additional records to keep for each id after the first.
const MAX_RECORDS_PER_ID: usize = 40;
/// Maximum length of a kept record, in characters.
const MAX_LENGTH: usize = 2_000;
/// Maximum length of a record until secrets are masked, in bytes. Longer than a kept record, so that a
/// secret at its end is still recognized.
const MAX_UNMASKED: usize = 8_000;
/// Maximum number of bytes to keep for each rank.
const MAX_BYTES: [usize; 3] = [4 << 20, 1 << 20, 1 << 20];

/// What to look for in every log.
#[derive(Debug)]
pub(crate) struct Criteria {
    /// Ignore records older than this.
    pub(crate) since: Timestamp,
    id: Option<Regex>,
    keys: Option<Regex>,
    patterns: Vec<Regex>,
    /// Maximum number of records to keep.
    max_records: usize,
}

impl Criteria {
    pub(crate) fn new(config: &Config, events: &[Event], since: Timestamp) -> Self {
        let keys = events.iter().flat_map(|event| event.keys.values().map(String::as_str)).collect();
        let target = &config.target;
        Criteria {
            since,
            id: any_of(target.ids.iter().map(String::as_str).collect()),
            keys: any_of(keys),
            patterns: compiled(patterns(config)),
            max_records: MAX_RECORDS + MAX_RECORDS_PER_ID * target.ids.len().saturating_sub(1),
        }
    }

    /// Returns the record's rank, where 0 is the most important, or `None` if it should be
    /// dropped.
    fn rank(&self, record: &Record) -> Option<usize> {
        let matches = |regex: &Option<Regex>| regex.as_ref().is_some_and(|r| r.is_match(&record.text));
        if matches(&self.id) {
            Some(0)
        } else if matches(&self.keys) {
            Some(1)
        } else if record.stderr
            || log_message::is_trouble(&record.text)
            || self.patterns.iter().any(|pattern| pattern.is_match(&record.text))
        {
            Some(2)
        } else {
            None
        }
    }
}

/// Builds a case-insensitive regex that matches any of the texts.
fn any_of(texts: Vec<&str>) -> Option<Regex> {
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).map(regex::escape).collect();
    let regex = RegexBuilder::new(&texts.join("|")).case_insensitive(true).build();
    regex.ok().filter(|_| !texts.is_empty())
}

/// Compiles each pattern by itself. A set of them all has too many states for the fast engines, and the
/// slow one takes microseconds for each byte.
fn compiled(patterns: Vec<String>) -> Vec<Regex> {
    let patterns: BTreeSet<String> = patterns.into_iter().collect();
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
}

/// Returns the patterns from the pipeline, its facts and its checks. Each one compiles.
fn patterns(config: &Config) -> Vec<String> {
    let calls = config.pipeline.call.iter().flat_map(|call| [&call.logged, &call.answered]);
    let started = config.pipeline.worker.iter().filter_map(|worker| worker.started.as_ref());
    let of_pipeline = calls.chain(started).map(|pattern| pattern.0.as_str().to_string());
    of_pipeline.chain(config.log_patterns.iter().cloned()).collect()
}

/// Keeps the newest records of each rank and the worker's newest start.
pub(crate) struct Selection<'a> {
    criteria: &'a Criteria,
    started: Option<&'a Regex>,
    ranks: [VecDeque<Record>; 3],
    bytes: [usize; 3],
    start: Option<Record>,
    dropped: [bool; 3],
}

/// Which records were dropped because there were too many.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Whether any records were dropped.
    pub(crate) any: bool,
    /// Whether records that name the id or one of the event's keys were dropped.
    pub(crate) about_event: bool,
}

impl<'a> Selection<'a> {
    /// `started` matches the line that the worker logs when it starts. The newest such line
    /// is kept regardless of its age.
    pub(crate) fn new(criteria: &'a Criteria, started: Option<&'a Regex>) -> Self {
        let ranks = Default::default();
        Selection { criteria, started, ranks, bytes: [0; 3], start: None, dropped: [false; 3] }
    }

    pub(crate) fn add(&mut self, record: Record) {
        let is_start = self.started.is_some_and(|started| started.is_match(&record.text));
        let record = match is_start {
            true => self.start.replace(record),
            false => Some(record),
        };
        if let Some(record) = record.filter(|record| record.at >= self.criteria.since) {
            self.add_by_rank(record);
        }
    }

    fn add_by_rank(&mut self, mut record: Record) {
        let Some(rank) = self.criteria.rank(&record) else {
            return;
        };
        record.text.truncate(record.text.floor_char_boundary(MAX_UNMASKED));
        record.text.shrink_to_fit();
        let (records, bytes) = (&mut self.ranks[rank], &mut self.bytes[rank]);
        *bytes += record.text.len();
        records.push_back(record);
        while records.len() > self.criteria.max_records || *bytes > MAX_BYTES[rank] {
            let Some(oldest) = records.pop_front() else { return };
            *bytes -= oldest.text.len();
            self.dropped[rank] = true;
        }
    }

    /// Returns the records, oldest first, redacted and truncated, and whether any were
    /// dropped.
    pub(crate) fn finish(self) -> (Vec<Record>, Dropped) {
        let max = self.criteria.max_records;
        let mut dropped = self.dropped;
        let mut kept: Vec<Record> = self.start.into_iter().collect();
        for (mut records, dropped) in self.ranks.into_iter().zip(&mut dropped) {
            let surplus = records.len().saturating_sub(max - kept.len().min(max));
            *dropped |= surplus > 0;
            kept.extend(records.drain(..).skip(surplus));
        }
        kept.sort_by_key(|record| record.at);
        let dropped = Dropped { any: dropped.contains(&true), about_event: dropped[0] || dropped[1] };
        (kept.into_iter().map(redacted).collect(), dropped)
    }
}

/// Redacts secrets and truncates the text.
fn redacted(record: Record) -> Record {
    let text = redact(&record.text);
    let text = match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => text[..end].to_string(),
        None => text,
    };
    Record { text, ..record }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria() -> Criteria {
        Criteria {
            since: Timestamp::from_second(100).unwrap(),
            id: any_of(vec!["AB-1"]),
            keys: any_of(vec!["", "customer-7"]),
            patterns: compiled(vec!["packed".into()]),
            max_records: MAX_RECORDS,
        }
    }

    fn record(second: i64, text: &str) -> Record {
        let at = Timestamp::from_second(second).unwrap();
        Record { at, stderr: false, text: text.into(), head: None, tail: None }
    }

    fn select(records: impl IntoIterator<Item = Record>) -> (Vec<String>, bool) {
        let criteria = criteria();
        let started = Regex::new("Started").unwrap();
        let mut selection = Selection::new(&criteria, Some(&started));
        for record in records {
            selection.add(record);
        }
        let (records, dropped) = selection.finish();
        (records.into_iter().map(|record| record.text).collect(), dropped.any)
    }

    #[test]
    fn keeps_errors_and_records_that_match_event_or_pattern() {
        let texts = ["order ab-1", "CUSTOMER-7", "packed 3", "info: fine", "[t] error: x", "TypeError: y"];
        let (found, dropped) = select(texts.iter().map(|text| record(200, text)));
        assert_eq!(found, ["order ab-1", "CUSTOMER-7", "packed 3", "[t] error: x", "TypeError: y"]);
        assert!(!dropped);
    }

    #[test]
    fn keeps_only_the_newest_start_of_old_records() {
        let records = [record(1, "Started"), record(2, "Started again"), record(3, "ab-1 old")];
        assert_eq!(select(records).0, ["Started again"]);
    }

    #[test]
    fn errors_never_displace_records_of_the_event() {
        let errors = (0..1000).map(|second| record(200 + second, &format!("error {second}")));
        let (found, dropped) = select([record(150, "ab-1")].into_iter().chain(errors));
        assert_eq!((found.len(), dropped), (MAX_RECORDS, true));
        assert_eq!(found[0], "ab-1");
        assert_eq!(found[MAX_RECORDS - 1], "error 999");
    }

    #[test]
    fn keeps_a_bounded_number_of_bytes() {
        let long = "ab-1 ".to_string() + &"x".repeat(20_000);
        let (criteria, newest) = (Criteria { max_records: 10_000, ..criteria() }, 2_000);
        let mut selection = Selection::new(&criteria, None);
        (0..=newest).for_each(|second| selection.add(record(200 + second, &long)));
        assert!(selection.bytes[0] <= MAX_BYTES[0], "{}", selection.bytes[0]);
        let (records, dropped) = selection.finish();
        assert_eq!(records.last().unwrap().at, Timestamp::from_second(200 + newest).unwrap());
        assert!(dropped.about_event && records.len() < 1_000);
    }

    #[test]
    fn redacts_secrets_and_truncates_long_records() {
        let long = format!("ab-1 password=hunter2 {}", "ä".repeat(3000));
        let text = select([record(200, &long)]).0.remove(0);
        assert!(!text.contains("hunter2"));
        assert_eq!(text.chars().count(), MAX_LENGTH);
    }
}
