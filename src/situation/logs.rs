//! An index of each log, built in one pass. It lists the records that match a pattern and those
//! that name a requested id or one of its keys.

use crate::evidence::{Log, Observed, Reach, Reason, ReasonKind, Record};
use crate::pipeline::Pattern;
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::log_signature::Signature;
use crate::situation::clock::Clocks;
use crate::situation::inputs::Inputs;
use crate::situation::settling::{Outage, Settling};
use crate::situation::workload::Workloads;
use crate::text::log_message;
use crate::text::whole_word::is_whole_word;
use aho_corasick::{AhoCorasick, MatchKind};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// An error in a running service counts as resolved if the service has logged something
/// else for this long.
const RECOVERED_AFTER: SignedDuration = SignedDuration::from_secs(10);
/// An error in a running service also counts as resolved if it has not recurred for this long.
const STALE_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// The maximum length of a quoted record, in characters.
const MAX_QUOTED_CHARS: usize = 160;

/// The newest record that matches a signature.
#[derive(Debug, Clone)]
pub struct Trouble<'a> {
    /// The record.
    pub record: &'a Record,
    /// Whether the error is over, provided that the component is running.
    pub resolved: bool,
    /// Whether the record reports a connection that was lost because of a restart.
    pub outage: Outage,
}

/// One log, with its records indexed by pattern and by id.
pub struct LogIndex<'a> {
    /// The log that was read.
    pub log: &'a Log,
    /// When the container that writes the log was created.
    created: Option<Timestamp>,
    troubles: BTreeMap<&'a str, Trouble<'a>>,
    /// The positions of the records that match each pattern, oldest first.
    matching: BTreeMap<&'a str, Vec<usize>>,
    /// The positions of the records that name each id or key (in lower case), oldest first.
    naming: BTreeMap<String, Vec<usize>>,
}

impl<'a> LogIndex<'a> {
    /// Returns the newest record that matches a signature.
    pub fn trouble(&self, signature: &Signature) -> Option<&Trouble<'a>> {
        self.troubles.get(signature.id.get_ref().as_str())
    }

    /// Returns the records that match a pattern, oldest first.
    pub fn matching(&self, pattern: &Pattern) -> Vec<&'a Record> {
        self.records_at(self.positions_matching(pattern))
    }

    /// Returns the records that name an id or a key, oldest first.
    pub fn naming(&self, word: &str) -> Vec<&'a Record> {
        self.records_at(self.positions_naming(word))
    }

    /// Returns the records that match a pattern and name an id or a key, oldest first.
    pub fn matching_and_naming(&self, pattern: &Pattern, word: &str) -> Vec<&'a Record> {
        let matching = self.positions_matching(pattern);
        self.records_at(self.positions_naming(word).iter().filter(|at| matching.binary_search(at).is_ok()))
    }

    /// Reports whether any record names an id or a key.
    pub fn names(&self, word: &str) -> bool {
        !self.positions_naming(word).is_empty()
    }

    fn positions_matching(&self, pattern: &Pattern) -> &[usize] {
        self.matching.get(pattern.0.as_str()).map_or(&[], Vec::as_slice)
    }

    fn positions_naming(&self, word: &str) -> &[usize] {
        self.naming.get(&word.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    fn records_at<'i>(&self, records: impl IntoIterator<Item = &'i usize>) -> Vec<&'a Record> {
        records.into_iter().map(|at| &self.log.records[*at]).collect()
    }

    /// Succeeds if the log reaches back to the event. A log that begins later, because it was
    /// rotated or the container was recreated, proves no absence. `at` is the time of the
    /// event; `apart` is how far the engine's clock may be from the clock that recorded it.
    pub fn covers(&self, at: Option<Timestamp>, apart: SignedDuration) -> Result<(), Reason> {
        let log = self.log;
        complete(log)?;
        if log.cut_of_event {
            let message = format!("more records from {} name the event than were kept", log.container);
            return Err(Reason::new(ReasonKind::Limit, message));
        }
        let Some(at) = at.filter(|_| log.reach == Reach::Beginning) else {
            return Ok(());
        };
        let after = at.saturating_add(apart).unwrap_or(at);
        let message = match log.from {
            _ if self.created.is_some_and(|created| created > after) => {
                format!(
                    "{} was created after the event, and the log of its predecessor is gone",
                    log.container
                )
            }
            Some(from) if from > after => {
                format!("the log of {} begins after the event, and older records are gone", log.container)
            }
            Some(_) => return Ok(()),
            // The beginning of an empty log is unknown.
            None => format!("the log of {} is empty, so it covers no known time", log.container),
        };
        Err(Reason::new(ReasonKind::Missing, message))
    }

    /// Succeeds if silence in the log proves that there was no recent error. Meant for
    /// running components without a backlog, whose old errors are over.
    pub fn check_recent_silence(&self, now: Timestamp) -> Result<(), Reason> {
        let since = now.saturating_sub(STALE_AFTER).unwrap_or_default();
        let old = |at: Timestamp| at <= since;
        if !self.log.from.is_some_and(old) {
            complete(self.log)?;
        }
        // The startup line does not count because it is kept regardless of its age.
        let reaches_back = self.log.records.iter().filter(|record| old(record.at)).count() > 1;
        if self.log.cut && !reaches_back { Err(truncated(self.log)) } else { Ok(()) }
    }
}

/// Succeeds if the log was read back to the wanted time or to its beginning.
pub fn complete(log: &Log) -> Result<(), Reason> {
    match log.reach {
        Reach::Wanted | Reach::Beginning => Ok(()),
        Reach::Limit => Err(Reason::new(
            ReasonKind::Limit,
            format!("stopped reading the log of {} after {} records", log.container, log.read),
        )),
    }
}

/// Succeeds if the log was read completely and no matching record was dropped.
pub fn complete_and_untruncated(log: &Log) -> Result<(), Reason> {
    complete(log)?;
    if log.cut { Err(truncated(log)) } else { Ok(()) }
}

/// Returns a reason stating that more records matched than were kept.
pub fn truncated(log: &Log) -> Reason {
    Reason::new(ReasonKind::Limit, format!("more records from {} matched than were kept", log.container))
}

/// Reports whether the newest record in a log is an error.
pub fn ends_with_trouble(log: &Log) -> bool {
    log.records.iter().rev().any(|record| Some(record.at) == log.to && log_message::is_trouble(&record.text))
}

/// The indexed logs of all components.
pub struct Logs<'a> {
    inputs: Inputs<'a>,
    all: BTreeMap<&'a str, LogIndex<'a>>,
}

impl<'a> Logs<'a> {
    /// Indexes all logs, reading each record once.
    pub fn build(
        inputs: Inputs<'a>,
        (clocks, workloads, settling): (&Clocks, &Workloads<'a>, &Settling),
        signatures: &'a [Signature],
        custom_facts: &'a [CustomFact],
    ) -> Self {
        let search_words = search_words(inputs);
        let finder = finder(&search_words);
        let of = |(component, log): (&'a String, &'a Log)| {
            let index = LogIndex {
                log,
                created: workloads.known(component).and_then(|container| container.created),
                troubles: troubles(log, signatures, clocks.docker_now, settling),
                matching: matching(log, &patterns(inputs, component, custom_facts)),
                naming: naming(log, &search_words, finder.as_ref()),
            };
            (component.as_str(), index)
        };
        let seen = inputs.evidence.logs.iter().filter_map(|(component, log)| Some((component, log.known()?)));
        Logs { inputs, all: seen.map(of).collect() }
    }

    /// Returns the index of a component's log.
    pub fn of(&self, component: &str) -> Observed<&LogIndex<'a>> {
        self.inputs.log(component).and_then(|_| match self.all.get(component) {
            Some(index) => Observed::Known(index),
            None => Observed::unknown(ReasonKind::Missing, format!("no log of {component}")),
        })
    }

    /// Returns how many logs were read.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Returns the components that have a log, ordered by name.
    pub fn components(&self) -> impl Iterator<Item = &'a str> {
        let pipeline = self.inputs.pipeline;
        let components = self.inputs.evidence.logs.keys().map(String::as_str);
        components.filter(|component| pipeline.components().any(|(known, _)| known == *component))
    }
}

/// Finds the newest record that matches each signature.
fn troubles<'a>(
    log: &'a Log,
    signatures: &'a [Signature],
    now: Timestamp,
    settling: &Settling,
) -> BTreeMap<&'a str, Trouble<'a>> {
    let of = |signature: &'a Signature| {
        let record = log.records.iter().rev().find(|record| signature.pattern.0.is_match(&record.text))?;
        let outage = if signature.connection { settling.outage(record.at) } else { Outage::No };
        let at_end_of_log = log.to.is_none_or(|to| to.duration_since(record.at) <= RECOVERED_AFTER);
        let recent = now.duration_since(record.at) <= STALE_AFTER;
        let resolved = !at_end_of_log || outage == Outage::Over || !recent;
        Some((signature.id.get_ref().as_str(), Trouble { record, resolved, outage }))
    };
    signatures.iter().filter_map(of).collect()
}

/// Returns the patterns that the pipeline and custom facts search for in a component's log.
fn patterns<'a>(inputs: Inputs<'a>, component: &str, custom_facts: &'a [CustomFact]) -> Vec<&'a Pattern> {
    let pipeline = inputs.pipeline;
    let lines =
        pipeline.line.iter().filter(|line| line.component.get_ref() == component).map(|line| &line.pattern);
    let started = pipeline.worker.iter().filter(|worker| worker.name == component);
    let started = started.filter_map(|worker| worker.started.as_ref());
    let calls = pipeline.call.iter().flat_map(|call| {
        let worker = pipeline.stage(call.stage.get_ref()).map(|stage| stage.worker.get_ref().as_str());
        let logged = (call.service.get_ref() == component).then_some(&call.logged);
        let answers = [Some(&call.answered), call.unanswered.as_ref()].into_iter().flatten();
        logged.into_iter().chain(answers.filter(move |_| worker == Some(component)))
    });
    let custom_logs =
        custom_facts.iter().filter_map(|fact| fact.log.as_ref()).filter(|log| log.component == component);
    lines.chain(started).chain(calls).chain(custom_logs.map(|log| &log.pattern)).collect()
}

fn matching<'a>(log: &Log, patterns: &[&'a Pattern]) -> BTreeMap<&'a str, Vec<usize>> {
    let records = || log.records.iter().enumerate();
    let of = |pattern: &&'a Pattern| {
        let found = records().filter(|(_, record)| pattern.0.is_match(&record.text)).map(|(at, _)| at);
        (pattern.0.as_str(), found.collect())
    };
    patterns.iter().map(of).collect()
}

/// Returns the requested ids and their keys in lower case.
fn search_words(inputs: Inputs) -> Vec<String> {
    let events = &inputs.evidence.events;
    let rows = events.iter().filter_map(|event| event.rows.known()?.event.known());
    let keys = rows.flat_map(|row| row.keys.values());
    let all = events.iter().map(|event| &event.id).chain(keys).map(|word| word.to_ascii_lowercase());
    all.filter(|word| !word.is_empty()).collect::<BTreeSet<String>>().into_iter().collect()
}

fn finder(search_words: &[String]) -> Option<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    let built = builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(search_words);
    built.ok().filter(|_| !search_words.is_empty())
}

fn naming(log: &Log, search_words: &[String], finder: Option<&AhoCorasick>) -> BTreeMap<String, Vec<usize>> {
    let mut naming: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let Some(finder) = finder else { return naming };
    for (at, record) in log.records.iter().enumerate() {
        let mut named: Vec<usize> = finder
            .find_overlapping_iter(record.text.as_str())
            .filter(|found| is_whole_word(record.text.as_bytes(), found.start(), found.end()))
            .map(|found| found.pattern().as_usize())
            .collect();
        named.sort_unstable();
        named.dedup();
        for word in named {
            match naming.get_mut(&search_words[word]) {
                Some(records) => records.push(at),
                None => {
                    naming.insert(search_words[word].clone(), vec![at]);
                }
            }
        }
    }
    naming
}

/// Returns a record's message: its first line without time, level and fields, truncated.
pub fn message_of(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    in_one_line(&log_message::extract(line))
}

/// Returns a record as one line without time and level, truncated.
pub fn in_one_line(text: &str) -> String {
    let text = log_message::strip_header(text.trim());
    let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Returns the part of a record that matches a signature: its message, or the whole record
/// if the message alone does not match.
pub fn quoted(text: &str, signature: &Signature) -> String {
    let message = message_of(text);
    if signature.pattern.0.is_match(&message) { message } else { in_one_line(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_the_message_of_a_record() {
        let record = "[2026-01-07 16:55:09] error: [Worker] Attempt 1 failed: no  row\n  Meta: {\"a\":1}";
        assert_eq!(message_of(record), "[Worker] Attempt 1 failed: no row");
        assert_eq!(message_of("\nplain"), "plain");
        assert_eq!(message_of(&"x".repeat(500)).chars().count(), MAX_QUOTED_CHARS + 3);
    }

    #[test]
    fn indexes_each_record_under_every_word_it_names() {
        let log: Log = serde_json::from_value(serde_json::json!({
            "container": "shop", "read": 3, "bytes": 0, "from": null, "to": null, "reach": "wanted",
            "wanted": "2026-01-07T10:00:00Z", "cut": false, "records": [
                {"at": "2026-01-07T10:00:00Z", "stderr": false, "text": "ord-1 of ORD-10, key ORD-1-a"},
                {"at": "2026-01-07T10:00:01Z", "stderr": false, "text": "ORD-10, xORD-1"},
                {"at": "2026-01-07T10:00:02Z", "stderr": false, "text": "nothing"}
            ]
        }))
        .unwrap();
        let search_words: Vec<String> = ["ord-1", "ord-1-a", "ord-10", "ord-2"].map(String::from).to_vec();
        let naming = naming(&log, &search_words, finder(&search_words).as_ref());
        for word in &search_words {
            let scanned = log.records.iter().enumerate().filter(|(_, record)| record.names(word));
            let scanned: Vec<usize> = scanned.map(|(at, _)| at).collect();
            assert_eq!(naming.get(word).cloned().unwrap_or_default(), scanned, "{word}");
        }
    }
}
