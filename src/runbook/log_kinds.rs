//! Finds the kinds of trouble that a log record tells of: the signatures that match its errors.

use crate::input::regex_pattern;
use crate::input::required_literals::required_literals;
use crate::runbook::log_signature::Signature;
use crate::text::log::{Level, LogRecord};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex as TextRegex;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::ops::{Deref, Range};
use std::sync::{Arc, LazyLock, OnceLock};

/// The most memory that one signature's pattern may need, in bytes.
const MAX_PATTERN: usize = 2 << 20;
/// The memory that a search keeps to be fast, in bytes.
const SEARCH_MEMORY: usize = 1 << 20;

/// The signatures, with the searches that are built when the first record is judged. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LogKinds(Arc<Rows>);

#[derive(Debug, Default)]
struct Rows {
    signatures: Vec<Signature>,
    searches: OnceLock<Searches>,
}

impl Deref for LogKinds {
    type Target = [Signature];

    fn deref(&self) -> &[Signature] {
        &self.0.signatures
    }
}

/// A signature that matches an error of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The position of the signature.
    pub signature: usize,
    /// The error that it matches: its position in [`LogRecord::errors`].
    pub error: usize,
    /// The bytes of the error that it matches.
    pub range: Range<usize>,
    /// Whether it counts only if nothing else matches the record.
    is_weak: bool,
}

/// A search for any hint first, then for the patterns whose hints were found.
#[derive(Debug)]
struct Searches {
    hints: AhoCorasick,
    /// The pattern of each hint.
    owners: Vec<usize>,
    /// The patterns without a hint.
    unhinted: Vec<usize>,
    patterns: Vec<SignaturePattern>,
}

/// A pattern of a signature, compiled when its hint is found for the first time.
#[derive(Debug)]
struct SignaturePattern {
    signature: usize,
    is_weak: bool,
    text: String,
    /// Texts of which every match has at least one, if there are any.
    literals: Option<Vec<String>>,
    compiled: OnceLock<Option<Regex>>,
}

/// A SQLSTATE where it is marked as one: `SQLSTATE 42P01`, `code: '42P01'`, `(42P01)`, `[08006]`.
static SQLSTATE: LazyLock<TextRegex> = LazyLock::new(|| {
    let pattern = r#"(?:(?i:sql[ _-]?state|\bpg_?code|\bcode)["'\]]?\s*(?:is|[:=(\[]|=>)?\s*["'\[(]?|[(\[]|(?:ERROR|FATAL|PANIC) (?:\()?)([0-9A-Z]{5})(?:[)\]"',;:\s.]|$)"#;
    TextRegex::new(pattern).expect("a constant pattern")
});

impl LogKinds {
    /// Adds signatures; one with a known id replaces the earlier one.
    pub fn add(&mut self, signatures: Vec<Signature>) {
        let mut all = self.0.signatures.clone();
        for signature in signatures {
            match all.iter_mut().find(|known| known.id.get_ref() == signature.id.get_ref()) {
                Some(known) => *known = signature,
                None => all.push(signature),
            }
        }
        self.0 = Arc::new(Rows { signatures: all, searches: OnceLock::new() });
    }

    /// Returns the signatures that match a record. The error nearest to the root decides, because those
    /// around it only say what failed for that reason. Signatures that are fallbacks count only if
    /// nothing else matches.
    pub fn of(&self, record: &LogRecord) -> Vec<Found> {
        let any_level = record.level.is_some_and(|level| level < Level::Warn);
        let (mut fallbacks, mut beside): (Vec<Found>, Vec<Found>) = Default::default();
        let mut strongest: Vec<Found> = Vec::new();
        for (number, error) in record.errors.iter().enumerate().rev() {
            let mut found = self.matching(error, number);
            found.retain(|found| !any_level || self[found.signature].any_level);
            let (weak, strong): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|found| found.is_weak);
            let (added, strong): (Vec<Found>, Vec<Found>) =
                strong.into_iter().partition(|found| self[found.signature].beside);
            beside.extend(added);
            if strongest.is_empty() {
                strongest = strong;
            }
            if fallbacks.is_empty() {
                fallbacks = weak;
            }
        }
        let decided = if strongest.is_empty() && beside.is_empty() { fallbacks } else { strongest };
        beside.retain(|found| !decided.iter().any(|other| other.signature == found.signature));
        let mut all: Vec<Found> = decided.into_iter().chain(beside).collect();
        all.sort_by_key(|found| found.signature);
        all.dedup_by_key(|found| found.signature);
        all
    }

    /// Returns the patterns of all signatures: the signature's position, and texts of which every match has at
    /// least one, if there are any.
    pub fn hints(&self) -> impl Iterator<Item = (usize, Option<&[String]>)> {
        self.searches().patterns.iter().map(|pattern| (pattern.signature, pattern.literals.as_deref()))
    }

    /// Builds the searches ahead of time, which takes as long as the first requests to the systems.
    pub fn prepare(&self) {
        self.searches();
    }

    fn searches(&self) -> &Searches {
        self.0.searches.get_or_init(|| Searches::new(self))
    }

    /// Returns the signatures that match a text, in their order.
    fn matching(&self, text: &str, error: usize) -> Vec<Found> {
        let searches = self.searches();
        let is_fallback = |signature: usize| self[signature].fallback;
        let mut found: Vec<Found> = searches
            .find(text)
            .map(|(pattern, range)| {
                let is_weak = pattern.is_weak || is_fallback(pattern.signature);
                Found { signature: pattern.signature, error, range, is_weak }
            })
            .collect();
        let has_strong = found.iter().any(|found| !found.is_weak);
        for state in SQLSTATE.captures_iter(text).filter_map(|found| found.get(1)) {
            // Class 08 only says that something is wrong with a connection.
            if has_strong && state.as_str().starts_with("08") {
                continue;
            }
            let rows = self.iter().enumerate().filter(|(_, row)| row.has_sqlstate(state.as_str()));
            found.extend(rows.map(|(signature, _)| Found {
                signature,
                error,
                range: state.range(),
                is_weak: is_fallback(signature),
            }));
        }
        found.sort_by_key(|found| (found.signature, found.is_weak, found.range.start));
        found.dedup_by_key(|found| found.signature);
        found
    }
}

impl Searches {
    fn new(signatures: &[Signature]) -> Searches {
        let pattern = |signature, is_weak, text: String| {
            let literals = required_literals(&text);
            SignaturePattern { signature, is_weak, text, literals, compiled: OnceLock::new() }
        };
        let patterns = signatures.iter().enumerate().flat_map(|(number, row)| {
            let strong = row.regexes().into_iter().map(move |text| pattern(number, false, text));
            strong.chain(row.weak_regexes().into_iter().map(move |text| pattern(number, true, text)))
        });
        let patterns: Vec<SignaturePattern> = patterns.collect();
        let (mut hints, mut owners, mut unhinted) = (Vec::new(), Vec::new(), Vec::new());
        for (number, pattern) in patterns.iter().enumerate() {
            match &pattern.literals {
                Some(literals) => {
                    owners.extend(literals.iter().map(|_| number));
                    hints.extend(literals);
                }
                None => unhinted.push(number),
            }
        }
        // Few records are searched, so a search that is built fast is better than a fast search.
        let kind = Some(AhoCorasickKind::NoncontiguousNFA);
        let searcher = AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(hints);
        let hints = searcher.unwrap_or_else(|_| AhoCorasick::new([""; 0]).expect("no pattern is too large"));
        Searches { hints, owners, unhinted, patterns }
    }

    /// Returns the patterns that match a text, and where.
    fn find(&self, text: &str) -> impl Iterator<Item = (&SignaturePattern, Range<usize>)> {
        let hinted =
            self.hints.find_overlapping_iter(text).map(|hint| self.owners[hint.pattern().as_usize()]);
        let candidates: BTreeSet<usize> = hinted.chain(self.unhinted.iter().copied()).collect();
        candidates.into_iter().filter_map(|number| {
            let pattern = &self.patterns[number];
            let compiled = pattern.compiled.get_or_init(|| compile(&pattern.text).ok()).as_ref()?;
            Some((pattern, compiled.find(text.as_bytes())?.range()))
        })
    }
}

/// Compiles a signature's pattern. It is matched against bytes, because ASCII classes are much smaller
/// than those of Unicode.
fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).size_limit(MAX_PATTERN).dfa_size_limit(SEARCH_MEMORY).build()
}

/// Checks that a phrase is a regular expression, small enough, and not one that matches everything. The
/// error is a deserializer message.
pub fn check_phrase(phrase: &str) -> Result<(), String> {
    regex_pattern::check_syntax(phrase)?;
    let compiled = compile(phrase).map_err(|_| regex_pattern::too_large(phrase, MAX_PATTERN))?;
    match regex_pattern::DISSIMILAR_RECORDS.iter().all(|record| compiled.is_match(record.as_bytes())) {
        true => Err("this phrase matches every record".to_string()),
        false => Ok(()),
    }
}
