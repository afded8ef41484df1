//! Selects which records in a log to keep. Those about the event come first, then errors
//! and those that match a pattern in the pipeline.

use crate::base::secret::redact;
use crate::collect::logs::hints::{Hint, Hints};
use crate::collect::logs::multiline::Numbered;
use crate::config::Config;
use crate::evidence::{Event, Record};
use crate::input::regex_pattern;
use crate::runbook::log_kinds::LogKinds;
use crate::text::log::{Level, LogRecord, level_of, shortened};
use crate::text::log_message;
use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use std::collections::{BTreeSet, VecDeque};

/// Maximum number of records to keep per container.
pub(crate) const MAX_RECORDS: usize = 400;
/// Additional records to keep for each id after the first.
const MAX_RECORDS_PER_ID: usize = 40;
/// Maximum length of a kept record, in bytes. Sealing cuts it to 2,000 characters; until then, a secret
/// at its end is recognized.
const MAX_LENGTH: usize = 8_000;
/// Maximum number of records to keep that may tell of a success; their words are common.
const MAX_SUCCESSES: usize = 64;
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
    kinds: LogKinds,
    hints: Hints,
    /// Maximum number of records to keep.
    max_records: usize,
}

impl Criteria {
    pub(crate) fn new(config: &Config, events: &[Event], since: Timestamp) -> Self {
        let keys = events.iter().flat_map(|event| event.keys.values().map(String::as_str)).collect();
        let target = &config.target;
        let ids = target.ids.iter().map(String::as_str).collect();
        let max_records = MAX_RECORDS + MAX_RECORDS_PER_ID * target.ids.len().saturating_sub(1);
        Criteria::of(since, (ids, keys), patterns(config), config.log_kinds.clone(), max_records)
    }

    fn of(
        since: Timestamp,
        (ids, keys): (Vec<&str>, Vec<&str>),
        patterns: BTreeSet<String>,
        kinds: LogKinds,
        max_records: usize,
    ) -> Self {
        let words = ids.iter().chain(&keys).copied();
        let hints = Hints::new(words, patterns.iter().map(String::as_str), &kinds);
        let patterns = compiled(&patterns);
        Criteria { since, id: any_of(ids), keys: any_of(keys), patterns, kinds, hints, max_records }
    }

    /// Reports whether a record may be about trouble: its logger says so, or it has words of trouble and no
    /// level, or it matches a signature.
    fn is_trouble(&self, record: &Record, hint: Hint) -> bool {
        let level = level_of(&record.text);
        let by_words = || record.stderr || hint.has(Hint::TROUBLE) && log_message::is_trouble(&record.text);
        let may_match = match level {
            // The names of a record's fields say what its message means.
            None => record.text.starts_with('{') || hint.has(Hint::SIGNATURE),
            Some(_) => hint.has(Hint::ANY_LEVEL),
        };
        level.map_or_else(by_words, |level| level >= Level::Warn)
            || may_match && !self.kinds.of(&LogRecord::parse(&record.text)).is_empty()
    }

    /// Returns the record's rank, where 0 is the most important, or `None` if it should be
    /// dropped.
    fn rank(&self, record: &Record, hint: Hint) -> Option<usize> {
        let is_about = hint.has(Hint::ABOUT);
        let matches = |regex: &Option<Regex>| regex.as_ref().is_some_and(|r| r.is_match(&record.text));
        if is_about && matches(&self.id) {
            Some(0)
        } else if is_about && matches(&self.keys) {
            Some(1)
        } else if self.is_trouble(record, hint)
            || is_about && self.patterns.iter().any(|pattern| pattern.is_match(&record.text))
        {
            Some(2)
        } else {
            None
        }
    }
}

/// Builds a case-insensitive regex that matches any of the strings.
fn any_of(texts: Vec<&str>) -> Option<Regex> {
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).map(regex::escape).collect();
    let regex = RegexBuilder::new(&texts.join("|")).case_insensitive(true).build();
    regex.ok().filter(|_| !texts.is_empty())
}

/// Compiles each pattern separately. A set of all patterns has too many states for the fast regex
/// engines, and the slow engine takes microseconds per byte.
fn compiled(patterns: &BTreeSet<String>) -> Vec<Regex> {
    patterns.iter().filter_map(|pattern| regex_pattern::compile(pattern).ok()).collect()
}

/// Returns the patterns from the pipeline, its facts and its checks. All of them compile.
fn patterns(config: &Config) -> BTreeSet<String> {
    let calls = config.pipeline.call.iter().flat_map(|call| [&call.logged, &call.answered]);
    let started = config.pipeline.worker.iter().filter_map(|worker| worker.started.as_ref());
    let of_pipeline = calls.chain(started).map(|pattern| pattern.0.as_str().to_string());
    of_pipeline.chain(config.log_patterns.iter().cloned()).collect()
}

/// Keeps the newest records of each rank, the newest record that shows a worker's start, and the newest
/// success after trouble.
pub(crate) struct Selection<'a> {
    criteria: &'a Criteria,
    started: Option<&'a Regex>,
    ranks: [VecDeque<Numbered>; 3],
    bytes: [usize; 3],
    start: Option<Numbered>,
    /// The newest records that may tell of a success.
    successes: VecDeque<Numbered>,
    /// The number of the first record about trouble.
    first_trouble: Option<u64>,
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
        Selection {
            criteria,
            started,
            ranks: Default::default(),
            bytes: [0; 3],
            start: None,
            successes: VecDeque::new(),
            first_trouble: None,
            dropped: [false; 3],
        }
    }

    pub(crate) fn add(&mut self, numbered: Numbered) {
        let is_start = self.started.is_some_and(|started| started.is_match(&numbered.1.text));
        let record = match is_start {
            true => self.start.replace(numbered),
            false => Some(numbered),
        };
        if let Some(record) =
            record.filter(|(_, record)| record.at.is_none_or(|at| at >= self.criteria.since))
        {
            self.add_by_rank(record);
        }
    }

    fn add_by_rank(&mut self, (number, mut record): Numbered) {
        let hint = self.criteria.hints.of(&record.text);
        let Some(rank) = self.criteria.rank(&record, hint) else {
            if hint.has(Hint::SUCCESS) {
                self.successes.push_back((number, record));
                if self.successes.len() > MAX_SUCCESSES {
                    self.successes.pop_front();
                }
            }
            return;
        };
        if rank == 2 || self.criteria.is_trouble(&record, hint) {
            let first = self.first_trouble.get_or_insert(number);
            *first = number.min(*first);
        }
        record.text = shortened(record.text, MAX_LENGTH);
        record.text.shrink_to_fit();
        let (records, bytes) = (&mut self.ranks[rank], &mut self.bytes[rank]);
        *bytes += record.text.len();
        records.push_back((number, record));
        while records.len() > self.criteria.max_records || *bytes > MAX_BYTES[rank] {
            let Some((_, oldest)) = records.pop_front() else { return };
            *bytes -= oldest.text.len();
            self.dropped[rank] = true;
        }
    }

    /// Returns the records, oldest first and redacted, and whether any were dropped.
    pub(crate) fn finish(self) -> (Vec<Record>, Dropped) {
        let max = self.criteria.max_records;
        let mut dropped = self.dropped;
        // A success before all trouble has ended none.
        let is_later = |number: &u64| self.first_trouble.is_some_and(|first| *number > first);
        let tells_success =
            |(number, record): &Numbered| is_later(number) && LogRecord::parse(&record.text).tells_success();
        let success = self.successes.into_iter().rev().find(tells_success);
        let mut kept: Vec<Numbered> = self.start.into_iter().chain(success).collect();
        for (mut records, dropped) in self.ranks.into_iter().zip(&mut dropped) {
            let surplus = records.len().saturating_sub(max - kept.len().min(max));
            *dropped |= surplus > 0;
            kept.extend(records.drain(..).skip(surplus));
        }
        kept.sort_by_key(|(number, _)| *number);
        let dropped = Dropped { any: dropped.contains(&true), about_event: dropped[0] || dropped[1] };
        (kept.into_iter().map(|(_, record)| redacted(record)).collect(), dropped)
    }
}

/// Redacts the secrets in the text.
pub(crate) fn redacted(record: Record) -> Record {
    Record { text: redact(&record.text), ..record }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria() -> Criteria {
        let since = Timestamp::from_second(100).unwrap();
        let patterns = BTreeSet::from(["packed".into()]);
        let words = (vec!["AB-1"], vec!["", "customer-7"]);
        Criteria::of(since, words, patterns, LogKinds::default(), MAX_RECORDS)
    }

    fn record(second: i64, text: &str) -> Record {
        let at = Timestamp::from_second(second).unwrap();
        Record { at: Some(at), stderr: false, text: text.into(), head: None, tail: None }
    }

    fn select(records: impl IntoIterator<Item = Record>) -> (Vec<String>, bool) {
        let criteria = criteria();
        let started = Regex::new("Started").unwrap();
        let mut selection = Selection::new(&criteria, Some(&started));
        for record in (1..).zip(records) {
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
        (0..)
            .zip(0..=newest)
            .for_each(|(number, second)| selection.add((number, record(200 + second, &long))));
        assert!(selection.bytes[0] <= MAX_BYTES[0], "{}", selection.bytes[0]);
        let (records, dropped) = selection.finish();
        assert_eq!(records.last().unwrap().at, Timestamp::from_second(200 + newest).ok());
        assert!(dropped.about_event && records.len() < 1_000);
    }

    #[test]
    fn redacts_secrets_and_truncates_long_records() {
        let long = format!("ab-1 password=hunter2 {}", "ä".repeat(MAX_LENGTH));
        let text = select([record(200, &long)]).0.remove(0);
        assert!(!text.contains("hunter2"));
        assert!((MAX_LENGTH / 2..MAX_LENGTH + 20).contains(&text.len()), "{}", text.len());
    }
}
