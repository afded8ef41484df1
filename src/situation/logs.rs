//! One index of each log, built in one pass: which records match what is looked for, and
//! which name an asked id or one of its keys.

use crate::evidence::{Log, Reach, Record, Seen, Why, WhyKind};
use crate::pipeline::Pattern;
use crate::runbook::own::OwnFact;
use crate::runbook::signature::Signature;
use crate::situation::clock::Clocks;
use crate::situation::settling::{Outage, Settling};
use crate::situation::source::Source;
use crate::situation::workload::Workloads;
use crate::text::message;
use crate::text::word::is_whole_word;
use aho_corasick::{AhoCorasick, MatchKind};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Trouble of a running service is over if it has logged something else for so long,
const OVER: SignedDuration = SignedDuration::from_secs(10);
/// or if it has been silent about it for so long.
const LONG_AGO: SignedDuration = SignedDuration::from_mins(5);
/// How much of a record is quoted, in characters.
const QUOTED: usize = 160;

/// The newest record of a signature.
#[derive(Debug, Clone)]
pub struct Trouble<'a> {
    /// It.
    pub record: &'a Record,
    /// Of a part that runs: the trouble is over.
    pub healed: bool,
    /// Whether it tells of a connection that was lost because of a restart.
    pub outage: Outage,
}

/// One log with its records by what they match and name.
pub struct LogIndex<'a> {
    /// What was read.
    pub log: &'a Log,
    /// When the container was created that logs there.
    created: Option<Timestamp>,
    troubles: BTreeMap<&'a str, Trouble<'a>>,
    /// By pattern, the matching records, oldest first.
    matching: BTreeMap<&'a str, Vec<usize>>,
    /// By id or key in lower case, the records that name it, oldest first.
    naming: BTreeMap<String, Vec<usize>>,
}

impl<'a> LogIndex<'a> {
    /// The newest record of a signature.
    pub fn trouble(&self, signature: &Signature) -> Option<&Trouble<'a>> {
        self.troubles.get(signature.id.get_ref().as_str())
    }

    /// The records that match a pattern, oldest first.
    pub fn matching(&self, pattern: &Pattern) -> Vec<&'a Record> {
        self.at(self.matches_of(pattern))
    }

    /// The records that name an id or a key, oldest first.
    pub fn naming(&self, word: &str) -> Vec<&'a Record> {
        self.at(self.named(word))
    }

    /// The records that match a pattern and name an id or a key, oldest first.
    pub fn both(&self, pattern: &Pattern, word: &str) -> Vec<&'a Record> {
        let matching = self.matches_of(pattern);
        self.at(self.named(word).iter().filter(|at| matching.binary_search(at).is_ok()))
    }

    /// Whether a record names an id or a key.
    pub fn names(&self, word: &str) -> bool {
        !self.named(word).is_empty()
    }

    fn matches_of(&self, pattern: &Pattern) -> &[usize] {
        self.matching.get(pattern.0.as_str()).map_or(&[], Vec::as_slice)
    }

    fn named(&self, word: &str) -> &[usize] {
        self.naming.get(&word.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    fn at<'i>(&self, records: impl IntoIterator<Item = &'i usize>) -> Vec<&'a Record> {
        records.into_iter().map(|at| &self.log.records[*at]).collect()
    }

    /// `Ok` when it reaches back to the event: one that begins after it (rotated, or of a
    /// container made anew) proves no absence. `at`: when that was, and by how much the
    /// engine's clock may be apart from the one that told it.
    pub fn covers(&self, at: Option<Timestamp>, apart: SignedDuration) -> Result<(), Why> {
        let log = self.log;
        complete(log)?;
        if log.cut_of_event {
            let say = format!("more records of {} name the event than were kept", log.container);
            return Err(Why::new(WhyKind::Limit, say));
        }
        let Some(at) = at.filter(|_| log.reach == Reach::Beginning) else {
            return Ok(());
        };
        let after = at.saturating_add(apart).unwrap_or(at);
        let say = match log.from {
            _ if self.created.is_some_and(|created| created > after) => {
                format!(
                    "{} was created after the event: what the one before it logged is gone",
                    log.container
                )
            }
            Some(from) if from > after => {
                format!("the log of {} begins after the event: what came before is gone", log.container)
            }
            Some(_) => return Ok(()),
            // An empty log tells neither when it began.
            None => format!("the log of {} is empty: it tells of no time", log.container),
        };
        Err(Why::new(WhyKind::Missing, say))
    }

    /// Whether its silence means that there was nothing, of a part that runs and keeps
    /// nothing waiting: old trouble of it is over.
    pub fn is_silent_of_late(&self, now: Timestamp) -> Result<(), Why> {
        let since = now.saturating_sub(LONG_AGO).unwrap_or_default();
        let old = |at: Timestamp| at <= since;
        if !self.log.from.is_some_and(old) {
            complete(self.log)?;
        }
        // Beside the line of its start, which is kept however old it is.
        let kept_so_far_back = self.log.records.iter().filter(|record| old(record.at)).count() > 1;
        if self.log.cut && !kept_so_far_back { Err(cut(self.log)) } else { Ok(()) }
    }
}

/// `Ok` when the log was read as far back as it was wanted, or to its beginning.
pub fn complete(log: &Log) -> Result<(), Why> {
    match log.reach {
        Reach::Wanted | Reach::Beginning => Ok(()),
        Reach::Limit => Err(Why::new(
            WhyKind::Limit,
            format!("stopped reading the log of {} after {} records", log.container, log.read),
        )),
    }
}

/// The same, and nothing that matched had to go.
pub fn whole(log: &Log) -> Result<(), Why> {
    complete(log)?;
    if log.cut { Err(cut(log)) } else { Ok(()) }
}

/// That more matched than was kept.
pub fn cut(log: &Log) -> Why {
    Why::new(WhyKind::Limit, format!("more records of {} matched than were kept", log.container))
}

/// Whether the newest record of a log tells of trouble.
pub fn complained_last(log: &Log) -> bool {
    log.records.iter().rev().any(|record| Some(record.at) == log.to && message::is_trouble(&record.text))
}

/// The logs of all services and workers.
pub struct Logs<'a> {
    source: Source<'a>,
    all: BTreeMap<&'a str, LogIndex<'a>>,
}

impl<'a> Logs<'a> {
    /// Reads each record once.
    pub fn build(
        source: Source<'a>,
        (clocks, workloads, settling): (&Clocks, &Workloads<'a>, &Settling),
        signatures: &'a [Signature],
        own: &'a [OwnFact],
    ) -> Self {
        let words = words(source);
        let finder = finder(&words);
        let of = |(part, log): (&'a String, &'a Log)| {
            let index = LogIndex {
                log,
                created: workloads.known(part).and_then(|container| container.created),
                troubles: troubles(log, signatures, clocks.docker_now, settling),
                matching: matching(log, &patterns(source, part, own)),
                naming: naming(log, &words, finder.as_ref()),
            };
            (part.as_str(), index)
        };
        let seen = source.evidence.logs.iter().filter_map(|(part, log)| Some((part, log.known()?)));
        Logs { source, all: seen.map(of).collect() }
    }

    /// That of a service or worker.
    pub fn of(&self, part: &str) -> Seen<&LogIndex<'a>> {
        self.source.log(part).and_then(|_| match self.all.get(part) {
            Some(index) => Seen::Known(index),
            None => Seen::unknown(WhyKind::Missing, format!("no log of {part}")),
        })
    }

    /// How many were read.
    pub fn read(&self) -> usize {
        self.all.len()
    }

    /// The services and workers that have one, in the order of their names.
    pub fn parts(&self) -> impl Iterator<Item = &'a str> {
        let pipeline = self.source.pipeline;
        let parts = self.source.evidence.logs.keys().map(String::as_str);
        parts.filter(|part| pipeline.parts().any(|(known, _)| known == *part))
    }
}

/// The newest record of each signature.
fn troubles<'a>(
    log: &'a Log,
    signatures: &'a [Signature],
    now: Timestamp,
    settling: &Settling,
) -> BTreeMap<&'a str, Trouble<'a>> {
    let of = |signature: &'a Signature| {
        let record = log.records.iter().rev().find(|record| signature.pattern.0.is_match(&record.text))?;
        let outage = if signature.connection { settling.outage(record.at) } else { Outage::No };
        let last_words = log.to.is_none_or(|to| to.duration_since(record.at) <= OVER);
        let recent = now.duration_since(record.at) <= LONG_AGO;
        let healed = !last_words || outage == Outage::Over || !recent;
        Some((signature.id.get_ref().as_str(), Trouble { record, healed, outage }))
    };
    signatures.iter().filter_map(of).collect()
}

/// What the pipeline and custom facts look for in the log of a part.
fn patterns<'a>(source: Source<'a>, part: &str, own: &'a [OwnFact]) -> Vec<&'a Pattern> {
    let pipeline = source.pipeline;
    let lines = pipeline.line.iter().filter(|line| line.part.get_ref() == part).map(|line| &line.pattern);
    let started = pipeline.worker.iter().filter(|worker| worker.name == part);
    let started = started.filter_map(|worker| worker.started.as_ref());
    let calls = pipeline.call.iter().flat_map(|call| {
        let worker = pipeline.stage(call.stage.get_ref()).map(|stage| stage.worker.get_ref().as_str());
        let logged = (call.service.get_ref() == part).then_some(&call.logged);
        let own = [Some(&call.answered), call.unanswered.as_ref()].into_iter().flatten();
        logged.into_iter().chain(own.filter(move |_| worker == Some(part)))
    });
    let of_facts = own.iter().filter_map(|fact| fact.log.as_ref()).filter(|log| log.part == part);
    lines.chain(started).chain(calls).chain(of_facts.map(|log| &log.pattern)).collect()
}

fn matching<'a>(log: &Log, patterns: &[&'a Pattern]) -> BTreeMap<&'a str, Vec<usize>> {
    let records = || log.records.iter().enumerate();
    let of = |pattern: &&'a Pattern| {
        let found = records().filter(|(_, record)| pattern.0.is_match(&record.text)).map(|(at, _)| at);
        (pattern.0.as_str(), found.collect())
    };
    patterns.iter().map(of).collect()
}

/// The asked ids and their keys, in lower case.
fn words(source: Source) -> Vec<String> {
    let events = &source.evidence.events;
    let rows = events.iter().filter_map(|event| event.rows.known()?.event.known());
    let keys = rows.flat_map(|row| row.keys.values());
    let all = events.iter().map(|event| &event.id).chain(keys).map(|word| word.to_ascii_lowercase());
    all.filter(|word| !word.is_empty()).collect::<BTreeSet<String>>().into_iter().collect()
}

fn finder(words: &[String]) -> Option<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    // Of many words a compact automaton is built faster than it is used.
    let built = builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(words);
    built.ok().filter(|_| !words.is_empty())
}

fn naming(log: &Log, words: &[String], finder: Option<&AhoCorasick>) -> BTreeMap<String, Vec<usize>> {
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
            match naming.get_mut(&words[word]) {
                Some(records) => records.push(at),
                None => {
                    naming.insert(words[word].clone(), vec![at]);
                }
            }
        }
    }
    naming
}

/// A record's message: its first line, without what stands around it, cut.
pub fn message_of(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    in_one_line(&message::of(line))
}

/// A record in one line, without time and level, cut.
pub fn in_one_line(text: &str) -> String {
    let text = message::without_head(text.trim());
    let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// What of a record tells of a signature: its message, or more where that does not.
pub fn quoted(text: &str, signature: &Signature) -> String {
    let message = message_of(text);
    if signature.pattern.0.is_match(&message) { message } else { in_one_line(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_quoted_by_its_message() {
        let record = "[2026-01-07 16:55:09] error: [Worker] Attempt 1 failed: no  row\n  Meta: {\"a\":1}";
        assert_eq!(message_of(record), "[Worker] Attempt 1 failed: no row");
        assert_eq!(message_of("\nplain"), "plain");
        assert_eq!(message_of(&"x".repeat(500)).chars().count(), QUOTED + 3);
    }

    #[test]
    fn each_record_is_found_by_every_word_that_it_names() {
        let log: Log = serde_json::from_value(serde_json::json!({
            "container": "shop", "read": 3, "bytes": 0, "from": null, "to": null, "reach": "wanted",
            "wanted": "2026-01-07T10:00:00Z", "cut": false, "records": [
                {"at": "2026-01-07T10:00:00Z", "stderr": false, "text": "ord-1 of ORD-10, key ORD-1-a"},
                {"at": "2026-01-07T10:00:01Z", "stderr": false, "text": "ORD-10, xORD-1"},
                {"at": "2026-01-07T10:00:02Z", "stderr": false, "text": "nothing"}
            ]
        }))
        .unwrap();
        let words: Vec<String> = ["ord-1", "ord-1-a", "ord-10", "ord-2"].map(String::from).to_vec();
        let naming = naming(&log, &words, finder(&words).as_ref());
        for word in &words {
            let scanned = log.records.iter().enumerate().filter(|(_, record)| record.names(word));
            let scanned: Vec<usize> = scanned.map(|(at, _)| at).collect();
            assert_eq!(naming.get(word).cloned().unwrap_or_default(), scanned, "{word}");
        }
    }
}
