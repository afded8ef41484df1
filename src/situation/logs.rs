//! An index of each log, built in one pass. It lists the records that match a pattern and those
//! that contain a requested id or one of its keys.

use crate::evidence::{Log, Observed, Reach, Reason, ReasonKind, Record};
use crate::pipeline::Pattern;
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::log_kinds::{Found, LogKinds};
use crate::runbook::log_signature::Signature;
use crate::situation::clock::Clocks;
use crate::situation::inputs::Inputs;
use crate::situation::recurrence::may_recur;
use crate::situation::settling::{Outage, Settling};
use crate::situation::workload::Workloads;
use crate::text::log::{Level, LogRecord};
use crate::text::log_message;
use crate::text::plural;
use crate::text::whole_word::{MAX_SEARCHED, is_whole_word};
use aho_corasick::{AhoCorasick, MatchKind};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// An error in a running service counts as resolved if the service has logged something
/// else for this long.
const RECOVERED_AFTER: SignedDuration = SignedDuration::from_secs(10);
/// An error in a running service also counts as resolved if it has not recurred for this long.
const STALE_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// The maximum length of a quoted record, in characters.
const MAX_QUOTED_CHARS: usize = 200;

/// A record that tells of trouble.
#[derive(Debug, Clone)]
pub struct Trouble<'a> {
    /// The record.
    pub record: &'a Record,
    /// The part of the error that says what is wrong, without line feeds and truncated.
    pub quote: String,
    /// Whether such an error concerns all events until it is mended.
    pub lasting: bool,
    /// Whether the record tells of a loss, which no later success makes good.
    pub destroys: bool,
    /// Whether the service succeeded later: at anything, if the trouble lasts until then, or with the
    /// requested event that the record names.
    pub healed: bool,
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
    /// The records that match each signature, newest first.
    troubles: BTreeMap<&'a str, Vec<Trouble<'a>>>,
    /// The errors that match no signature, newest first.
    unrecognised: Vec<Trouble<'a>>,
    /// The positions of the records that match each pattern, oldest first.
    matching: BTreeMap<&'a str, Vec<usize>>,
    /// The positions of the records that contain each id or key (in lower case), oldest first.
    naming: BTreeMap<String, Vec<usize>>,
}

impl<'a> LogIndex<'a> {
    /// Returns the records that match a signature, newest first.
    pub fn troubles(&self, signature: &Signature) -> &[Trouble<'a>] {
        self.troubles.get(signature.id.get_ref().as_str()).map_or(&[], Vec::as_slice)
    }

    /// Returns the records that match any signature.
    pub fn all_troubles(&self) -> impl Iterator<Item = &Trouble<'a>> {
        self.troubles.values().flatten()
    }

    /// Returns the errors that match no signature, newest first.
    pub fn unrecognised(&self) -> &[Trouble<'a>] {
        &self.unrecognised
    }

    /// Returns the records that match a pattern, oldest first.
    pub fn matching(&self, pattern: &Pattern) -> Vec<&'a Record> {
        self.records_at(self.positions_matching(pattern))
    }

    /// Returns the records that contain an id or a key, oldest first.
    pub fn naming(&self, word: &str) -> Vec<&'a Record> {
        self.records_at(self.positions_naming(word))
    }

    /// Returns the records that match a pattern and contain an id or a key, oldest first.
    pub fn matching_and_naming(&self, pattern: &Pattern, word: &str) -> Vec<&'a Record> {
        let matching = self.positions_matching(pattern);
        self.records_at(self.positions_naming(word).iter().filter(|at| matching.binary_search(at).is_ok()))
    }

    /// Reports whether any record contains an id or a key.
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
    /// rotated or the container was recreated, does not prove that a record is missing. `at` is the time of
    /// the event; `apart` is how far the engine's clock may differ from the clock that recorded it.
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
        let reaches_back = self.log.records.iter().filter(|record| record.at.is_some_and(old)).count() > 1;
        if self.log.cut && !reaches_back { Err(truncated(self.log)) } else { Ok(()) }
    }
}

/// Succeeds if the log was read back to the wanted time or to its beginning.
pub fn complete(log: &Log) -> Result<(), Reason> {
    match log.reach {
        Reach::Wanted | Reach::Beginning => Ok(()),
        Reach::Limit => Err(Reason::new(ReasonKind::Limit, stopped(log))),
    }
}

/// Says how far back the log was read, and what the rest would take.
fn stopped(log: &Log) -> String {
    let back = log.from.map(|from| format!(", back to {}", from.strftime("%H:%M:%SZ"))).unwrap_or_default();
    let rest = log
        .estimated_bytes
        .map(|bytes| format!("; the event is about {} back (--log-limit)", plural::size(bytes)));
    let records = plural::count(log.read, "record");
    format!("stopped reading the log of {} after {records}{back}{}", log.container, rest.unwrap_or_default())
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
    log.records.iter().rev().any(|record| record.at == log.to && log_message::is_trouble(&record.text))
}

/// The indexed logs of all components.
pub struct Logs<'a> {
    /// The signatures by which trouble is recognised.
    pub signatures: &'a LogKinds,
    inputs: Inputs<'a>,
    all: BTreeMap<&'a str, LogIndex<'a>>,
}

impl<'a> Logs<'a> {
    /// Indexes all logs, reading each record once.
    pub fn build(
        inputs: Inputs<'a>,
        (clocks, workloads, settling): (&Clocks, &Workloads<'a>, &Settling),
        signatures: &'a LogKinds,
        custom_facts: &'a [CustomFact],
    ) -> Self {
        let search_words = search_words(inputs);
        let finder = finder(&search_words);
        let of = |(component, log): (&'a String, &'a Log)| {
            let naming = naming(log, &search_words, finder.as_ref());
            let (troubles, unrecognised) =
                Judge { log, signatures, now: clocks.docker_now, settling, naming: &naming }.judge();
            let index = LogIndex {
                log,
                created: workloads.known(component).and_then(|container| container.created),
                troubles,
                unrecognised,
                matching: matching(log, &patterns(inputs, component, custom_facts)),
                naming,
            };
            (component.as_str(), index)
        };
        let seen = inputs.evidence.logs.iter().filter_map(|(component, log)| Some((component, log.known()?)));
        Logs { signatures, inputs, all: seen.map(of).collect() }
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

/// Judges each record of a log once.
struct Judge<'a, 'n> {
    log: &'a Log,
    signatures: &'a LogKinds,
    now: Timestamp,
    settling: &'n Settling,
    naming: &'n BTreeMap<String, Vec<usize>>,
}

/// The records that match each signature, newest first, and the errors that match none.
type Judged<'a> = (BTreeMap<&'a str, Vec<Trouble<'a>>>, Vec<Trouble<'a>>);

impl<'a> Judge<'a, '_> {
    /// Reads the records from the newest to the oldest, so that every later success is known.
    fn judge(&self) -> Judged<'a> {
        let (mut troubles, mut unrecognised): Judged<'a> = Default::default();
        let mut succeeded = false;
        let mut succeeded_events: BTreeSet<&str> = BTreeSet::new();
        for (at, record) in self.log.records.iter().enumerate().rev() {
            let parsed = LogRecord::parse(&record.text);
            let found = self.signatures.of(&parsed);
            let events = self.events_named(at);
            let healed_event = events.iter().any(|event| succeeded_events.contains(event));
            if found.is_empty() && parsed.level == Some(Level::Error) {
                let quote = message_of(&record.text);
                unrecognised.push(Trouble { healed: healed_event, ..self.trouble(at, quote, false) });
            }
            for kind in &found {
                let signature = &self.signatures[kind.signature];
                // What failed for the requested event is only healed by a success with that event.
                let healed = healed_event || signature.lasting && succeeded && events.is_empty();
                let trouble = self.trouble(at, quoted(&parsed, kind), signature.connection);
                let trouble =
                    Trouble { healed, lasting: signature.lasting, destroys: signature.destroys, ..trouble };
                troubles.entry(signature.id.get_ref().as_str()).or_default().push(trouble);
            }
            if found.is_empty() && parsed.tells_success() {
                succeeded = true;
                succeeded_events.extend(events);
            }
        }
        troubles.values_mut().for_each(|all| self.keep_what_recurs(all));
        (troubles, unrecognised)
    }

    /// An error that may recur is not over.
    fn keep_what_recurs(&self, troubles: &mut [Trouble<'a>]) {
        let now = self.log.to.unwrap_or(self.now).max(self.now);
        if may_recur(troubles.iter().filter_map(|trouble| trouble.record.at), now) {
            let open = troubles.iter_mut().filter(|trouble| trouble.outage != Outage::Over);
            open.for_each(|trouble| trouble.resolved = false);
        }
    }

    /// Returns the requested ids and keys that a record names.
    fn events_named(&self, at: usize) -> Vec<&str> {
        let naming = self.naming.iter().filter(|(_, named)| named.binary_search(&at).is_ok());
        naming.map(|(event, _)| event.as_str()).collect()
    }

    fn trouble(&self, at: usize, quote: String, connection: bool) -> Trouble<'a> {
        let record = &self.log.records[at];
        let outage = record.at.filter(|_| connection).map_or(Outage::No, |at| self.settling.outage(at));
        let after = |end: Timestamp| record.at.map(|at| end.duration_since(at));
        let at_end_of_log = self.log.to.and_then(after).is_none_or(|after| after <= RECOVERED_AFTER);
        let recent = after(self.now).is_none_or(|after| after <= STALE_AFTER);
        let resolved = !at_end_of_log || outage == Outage::Over || !recent;
        Trouble { record, quote, lasting: false, destroys: false, healed: false, resolved, outage }
    }
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
    all.filter(|word| (1..=MAX_SEARCHED).contains(&word.len()))
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
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

/// Quotes the errors of a record: the message, and what the match is in, as one line. What is long is cut
/// around the match.
fn quoted(record: &LogRecord, found: &Found) -> String {
    let error = &record.errors[found.error];
    let matched = around(error, found.range.clone());
    let mut parts: Vec<String> = Vec::new();
    for text in record.errors[..found.error].iter().map(|error| around(error, 0..0)) {
        let is_said = matched.contains(&text) || parts.iter().any(|part| part.contains(&text));
        if !is_said && parts.len() < MAX_WRAPPERS {
            parts.push(text);
        }
    }
    parts.push(matched);
    parts.join(": ")
}

/// Most errors that are quoted before the one that says what is wrong.
const MAX_WRAPPERS: usize = 2;

/// A line that is shorter says too little without the next one.
const MIN_QUOTED_CHARS: usize = 60;

/// Returns the line of a range, and the next one if this one is short. A long line is cut on both sides.
fn around(text: &str, range: std::ops::Range<usize>) -> String {
    let at = text.floor_char_boundary(range.start);
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let before = text[start..at].chars().count();
    let (first, rest) = text[start..].split_once('\n').unwrap_or((&text[start..], ""));
    let next = rest.lines().next().filter(|next| !next.contains("{\"")).unwrap_or_default();
    let is_short = first.ends_with(':') || first.chars().count() < MIN_QUOTED_CHARS;
    let joined = if is_short { format!("{first} {next}") } else { first.to_string() };
    let line: Vec<char> = joined.trim_end().replace('\t', " ").chars().collect();
    if line.len() <= MAX_QUOTED_CHARS {
        return line.into_iter().collect();
    }
    // The match and what follows it tell more than what precedes it.
    let first = before.saturating_sub(MAX_QUOTED_CHARS / 4).min(line.len() - MAX_QUOTED_CHARS);
    let cut: String = line[first..first + MAX_QUOTED_CHARS].iter().collect();
    let head = if first > 0 { "..." } else { "" };
    let tail = if first + MAX_QUOTED_CHARS < line.len() { "..." } else { "" };
    format!("{head}{cut}{tail}")
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
