//! An estimate for logs of runtimes that the signatures were not written with: each runtime's cases are
//! judged without what only these cases support.
//!
//! A phrase or exception class is left out if it occurs in a log of the runtime and in no log of another
//! one. What other runtimes share, and names that standards and systems define (SQLSTATEs, Kafka's errors,
//! system errors), stay. Whole rows never go, so other phrases of a kind still count.

use crate::cases::{Case, Judge, Outcome};
use pipeline_doctor::runbook::log_kinds::LogKinds;
use pipeline_doctor::runbook::log_signature::Signature;
use regex::{Regex, RegexBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Judges each case without what only its own runtime supports. Also returns how many phrases and classes
/// that were.
pub fn judged(judge: &Judge, cases: Vec<Case>) -> (Vec<(Case, Outcome)>, usize) {
    let owners = owners(judge.signatures(), &cases);
    let mut by_runtime: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases {
        by_runtime.entry(case.truth.runtime.clone()).or_default().push(case);
    }
    let (mut all, mut left_out) = (Vec::new(), 0);
    for (runtime, cases) in by_runtime {
        let own: BTreeSet<&str> =
            owners.iter().filter(|(_, owner)| **owner == runtime).map(|(text, _)| text.as_str()).collect();
        left_out += own.len();
        let judge = Judge::with(without(judge.signatures(), &own));
        all.extend(cases.into_iter().map(|case| judge.judged(case)));
    }
    all.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    (all, left_out)
}

/// Returns each phrase and exception class that occurs in the logs of one runtime only, with that runtime.
fn owners(signatures: &LogKinds, cases: &[Case]) -> BTreeMap<String, String> {
    let logs: Vec<(&str, String)> =
        cases.iter().map(|case| (case.truth.runtime.as_str(), text(&case.directory))).collect();
    let learnt = signatures.iter().flat_map(|row| {
        let phrases =
            row.phrases.iter().chain(&row.weak_phrases).map(|phrase| (phrase, phrase_regex(phrase)));
        let classes =
            row.exceptions.iter().chain(&row.weak_exceptions).map(|class| (class, class_regex(class)));
        phrases.chain(classes).collect::<Vec<(&String, Regex)>>()
    });
    let owner = |(learnt, regex): (&String, Regex)| {
        let mut runtimes: Vec<&str> =
            logs.iter().filter(|(_, text)| regex.is_match(text)).map(|(runtime, _)| *runtime).collect();
        runtimes.dedup();
        runtimes.sort_unstable();
        runtimes.dedup();
        match runtimes.as_slice() {
            [only] => Some((learnt.clone(), only.to_string())),
            _ => None,
        }
    };
    learnt.filter_map(owner).collect()
}

fn without(signatures: &LogKinds, left_out: &BTreeSet<&str>) -> LogKinds {
    let keep = |texts: &mut Vec<String>| texts.retain(|text| !left_out.contains(text.as_str()));
    let mut rows: Vec<Signature> = signatures.to_vec();
    for row in &mut rows {
        [&mut row.phrases, &mut row.weak_phrases, &mut row.exceptions, &mut row.weak_exceptions]
            .into_iter()
            .for_each(keep);
    }
    let mut kinds = LogKinds::default();
    kinds.add(rows);
    kinds
}

/// Returns the logs of a case, as one text. JSON's escaped quotes are as the message had them.
fn text(directory: &Path) -> String {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.map(|path| fs::read_to_string(path).unwrap_or_default().replace("\\\"", "\"")).collect()
}

fn phrase_regex(phrase: &str) -> Regex {
    RegexBuilder::new(phrase).case_insensitive(true).build().expect("phrases are checked when they are read")
}

fn class_regex(class: &str) -> Regex {
    Regex::new(&format!(r"\b{}\b", regex::escape(class))).expect("an escaped name")
}
