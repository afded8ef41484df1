//! Which records of a log are kept: those about the event first, then those
//! that the pipeline names, and errors.

use crate::base::secret::redact;
use crate::config::Config;
use crate::evidence::{Event, Record};
use crate::text::message;
use jiff::Timestamp;
use regex::{Regex, RegexBuilder, RegexSet};
use std::collections::VecDeque;

/// How many records of one container are kept,
pub(crate) const MOST: usize = 400;
/// and how many more for each further id that was asked about.
const MOST_OF_ID: usize = 40;
/// How much of one record is kept, in characters.
const LONGEST: usize = 2_000;

/// What is looked for in every log.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// From when on.
    pub(crate) since: Timestamp,
    id: Option<Regex>,
    keys: Option<Regex>,
    patterns: RegexSet,
    /// How many records are kept.
    most: usize,
}

impl Wanted {
    pub(crate) fn new(config: &Config, events: &[Event], since: Timestamp) -> Self {
        let keys = events.iter().flat_map(|event| event.keys.values().map(String::as_str)).collect();
        let target = &config.target;
        Wanted {
            since,
            id: any_of(target.ids.iter().map(String::as_str).collect()),
            keys: any_of(keys),
            patterns: RegexSet::new(patterns(config)).unwrap_or_default(),
            most: MOST + MOST_OF_ID * target.ids.len().saturating_sub(1),
        }
    }

    /// How much it matters: 0 the most, `None` not at all.
    fn rank(&self, record: &Record) -> Option<usize> {
        let names = |regex: &Option<Regex>| regex.as_ref().is_some_and(|r| r.is_match(&record.text));
        if names(&self.id) {
            Some(0)
        } else if names(&self.keys) {
            Some(1)
        } else if record.stderr || message::is_trouble(&record.text) || self.patterns.is_match(&record.text) {
            Some(2)
        } else {
            None
        }
    }
}

/// Matches any of the texts, in either case.
fn any_of(texts: Vec<&str>) -> Option<Regex> {
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).map(regex::escape).collect();
    let any = RegexBuilder::new(&texts.join("|")).case_insensitive(true).build();
    any.ok().filter(|_| !texts.is_empty())
}

/// What facts and checks look for. Each compiles by itself; should they not fit
/// into one set together, errors are kept all the same.
fn patterns(config: &Config) -> Vec<String> {
    let calls = config.pipeline.call.iter().flat_map(|call| [&call.logged, &call.answered]);
    let started = config.pipeline.worker.iter().filter_map(|worker| worker.started.as_ref());
    let of_pipeline = calls.chain(started).map(|pattern| pattern.0.as_str().to_string());
    of_pipeline.chain(config.log_patterns.iter().cloned()).collect()
}

/// Keeps the newest records of each rank, and the newest start.
pub(crate) struct Kept<'a> {
    wanted: &'a Wanted,
    started: Option<&'a Regex>,
    ranks: [VecDeque<Record>; 3],
    start: Option<Record>,
    dropped: [bool; 3],
}

/// Which records had to go, because there were too many.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Any.
    pub(crate) any: bool,
    /// Of those that name the id or one of its keys.
    pub(crate) of_event: bool,
}

impl<'a> Kept<'a> {
    /// `started`: the line of the worker's start, kept whenever it was.
    pub(crate) fn new(wanted: &'a Wanted, started: Option<&'a Regex>) -> Self {
        let ranks = Default::default();
        Kept { wanted, started, ranks, start: None, dropped: [false; 3] }
    }

    pub(crate) fn add(&mut self, record: Record) {
        let is_start = self.started.is_some_and(|started| started.is_match(&record.text));
        let record = match is_start {
            true => self.start.replace(record),
            false => Some(record),
        };
        if let Some(record) = record.filter(|record| record.at >= self.wanted.since) {
            self.add_by_rank(record);
        }
    }

    fn add_by_rank(&mut self, record: Record) {
        let Some(rank) = self.wanted.rank(&record) else {
            return;
        };
        let records = &mut self.ranks[rank];
        records.push_back(record);
        if records.len() > self.wanted.most {
            records.pop_front();
            self.dropped[rank] = true;
        }
    }

    /// The records, oldest first, without secrets and cut; and which had to go.
    pub(crate) fn end(self) -> (Vec<Record>, Cut) {
        let most = self.wanted.most;
        let mut dropped = self.dropped;
        let mut kept: Vec<Record> = self.start.into_iter().collect();
        for (mut records, dropped) in self.ranks.into_iter().zip(&mut dropped) {
            let surplus = records.len().saturating_sub(most - kept.len().min(most));
            *dropped |= surplus > 0;
            kept.extend(records.drain(..).skip(surplus));
        }
        kept.sort_by_key(|record| record.at);
        let cut = Cut { any: dropped.contains(&true), of_event: dropped[0] || dropped[1] };
        (kept.into_iter().map(shown).collect(), cut)
    }
}

fn shown(record: Record) -> Record {
    let text = redact(&record.text);
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text[..end].to_string(),
        None => text,
    };
    Record { text, ..record }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            since: Timestamp::from_second(100).unwrap(),
            id: any_of(vec!["AB-1"]),
            keys: any_of(vec!["", "customer-7"]),
            patterns: RegexSet::new(["packed"]).unwrap(),
            most: MOST,
        }
    }

    fn record(second: i64, text: &str) -> Record {
        let at = Timestamp::from_second(second).unwrap();
        Record { at, stderr: false, text: text.into(), head: None, tail: None }
    }

    fn kept(records: impl IntoIterator<Item = Record>) -> (Vec<String>, bool) {
        let wanted = wanted();
        let started = Regex::new("Started").unwrap();
        let mut kept = Kept::new(&wanted, Some(&started));
        for record in records {
            kept.add(record);
        }
        let (records, cut) = kept.end();
        (records.into_iter().map(|record| record.text).collect(), cut.any)
    }

    #[test]
    fn what_is_kept_names_the_event_matches_a_pattern_or_is_an_error() {
        let texts = ["order ab-1", "CUSTOMER-7", "packed 3", "info: fine", "[t] error: x", "TypeError: y"];
        let (found, cut) = kept(texts.iter().map(|text| record(200, text)));
        assert_eq!(found, ["order ab-1", "CUSTOMER-7", "packed 3", "[t] error: x", "TypeError: y"]);
        assert!(!cut);
    }

    #[test]
    fn of_what_is_too_old_only_the_newest_start_is_kept() {
        let records = [record(1, "Started"), record(2, "Started again"), record(3, "ab-1 old")];
        assert_eq!(kept(records).0, ["Started again"]);
    }

    #[test]
    fn errors_never_displace_what_names_the_event() {
        let errors = (0..1000).map(|second| record(200 + second, &format!("error {second}")));
        let (found, cut) = kept([record(150, "ab-1")].into_iter().chain(errors));
        assert_eq!((found.len(), cut), (MOST, true));
        assert_eq!(found[0], "ab-1");
        assert_eq!(found[MOST - 1], "error 999");
    }

    #[test]
    fn secrets_and_surplus_characters_go() {
        let long = format!("ab-1 password=hunter2 {}", "ä".repeat(3000));
        let text = kept([record(200, &long)]).0.remove(0);
        assert!(!text.contains("hunter2"));
        assert_eq!(text.chars().count(), LONGEST);
    }
}
