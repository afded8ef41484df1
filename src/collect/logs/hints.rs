//! One search for all words that can make a record relevant. Records without any are neither parsed nor
//! matched against patterns.

use crate::input::required_literals::required_literals;
use crate::runbook::log_kinds::LogKinds;
use crate::runbook::log_signature::Signature;
use crate::text::log::SUCCESS_WORDS;
use crate::text::log_message::TROUBLE_STEMS;
use crate::text::whole_word::MAX_SEARCHED;
use aho_corasick::AhoCorasick;

/// Why a record may be relevant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Hint(u8);

impl Hint {
    /// It may name the id or one of the event's keys, or match a pattern of the pipeline.
    pub(super) const ABOUT: Hint = Hint(1);
    /// It may match a signature that counts whatever the record's level is.
    pub(super) const ANY_LEVEL: Hint = Hint(2);
    /// It may match a signature.
    pub(super) const SIGNATURE: Hint = Hint(4);
    /// It has a word of trouble.
    pub(super) const TROUBLE: Hint = Hint(8);
    /// It has a word of success.
    pub(super) const SUCCESS: Hint = Hint(16);

    pub(super) fn has(self, other: Hint) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOrAssign for Hint {
    fn bitor_assign(&mut self, other: Hint) {
        self.0 |= other.0;
    }
}

/// The search.
#[derive(Debug)]
pub(super) struct Hints {
    words: Option<AhoCorasick>,
    /// The hint of each word.
    hints: Vec<Hint>,
    /// The hints that every record has, because there is no word to search for.
    always: Hint,
}

impl Hints {
    /// `texts` are ids and keys; `patterns` are regular expressions of the pipeline.
    pub(super) fn new<'a>(
        texts: impl Iterator<Item = &'a str>,
        patterns: impl Iterator<Item = &'a str>,
        kinds: &LogKinds,
    ) -> Hints {
        let mut words = Words::default();
        let texts = texts.filter(|text| text.len() <= MAX_SEARCHED);
        texts.for_each(|text| words.add(&[text.to_string()], Hint::ABOUT));
        patterns.for_each(|pattern| words.add_pattern(pattern, Hint::ABOUT));
        let hint_of = |row: &Signature| match row.any_level {
            true => Hint(Hint::SIGNATURE.0 | Hint::ANY_LEVEL.0),
            false => Hint::SIGNATURE,
        };
        for (row, literals) in kinds.hints() {
            words.add_literals(literals, hint_of(&kinds[row]));
        }
        for row in kinds.iter() {
            row.sqlstates.iter().for_each(|state| words.add(&sqlstate_words(state), hint_of(row)));
        }
        TROUBLE_STEMS.iter().for_each(|word| words.add(&[word.to_string()], Hint::TROUBLE));
        SUCCESS_WORDS.split('|').for_each(|word| words.add(&[word.to_string()], Hint::SUCCESS));
        let Words { words, hints, always } = words;
        Hints { words: AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok(), hints, always }
    }

    /// Returns all hints in a record.
    pub(super) fn of(&self, text: &str) -> Hint {
        let mut all = self.always;
        let Some(words) = &self.words else { return Hint(u8::MAX) };
        for found in words.find_overlapping_iter(text) {
            all |= self.hints[found.pattern().as_usize()];
        }
        all
    }
}

#[derive(Default)]
struct Words {
    words: Vec<String>,
    hints: Vec<Hint>,
    always: Hint,
}

impl Words {
    fn add_pattern(&mut self, pattern: &str, hint: Hint) {
        self.add_literals(required_literals(pattern).as_deref(), hint);
    }

    fn add_literals(&mut self, literals: Option<&[String]>, hint: Hint) {
        match literals {
            Some(literals) => self.add(literals, hint),
            None => self.always |= hint,
        }
    }

    /// Adds words at least one of which a record has. Quotes and some signs are escaped in JSON, so only
    /// what stands between them is searched for.
    fn add(&mut self, words: &[String], hint: Hint) {
        for word in words.iter().filter(|word| !word.is_empty()) {
            let is_escaped = |c: char| "\"\\/<>&'".contains(c) || c.is_control() || !c.is_ascii();
            let longest = word.split(is_escaped).max_by_key(|part| part.len()).unwrap_or_default();
            match longest.len() < MIN_WORD {
                true => self.always |= hint,
                false => {
                    self.words.push(longest.to_string());
                    self.hints.push(hint);
                }
            }
        }
    }
}

/// Shorter words are in too many records.
const MIN_WORD: usize = 2;

/// Returns the words for a SQLSTATE; a class stands after one of these characters.
fn sqlstate_words(state: &str) -> Vec<String> {
    match state.strip_suffix('*') {
        Some(class) => "[(:= ".chars().map(|before| format!("{before}{class}")).collect(),
        None => vec![state.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::registry;
    use crate::runbook::lint;

    /// A row without a word to search for would have every record parsed.
    #[test]
    fn each_built_in_row_has_a_word_to_search_for() {
        let catalog = lint::read(None, registry(), &mut Vec::new()).unwrap();
        let wordless = catalog.signatures.hints().filter(|(_, literals)| {
            let mut words = Words::default();
            words.add_literals(*literals, Hint::SIGNATURE);
            words.always != Hint::default()
        });
        let wordless: Vec<&String> = wordless.map(|(row, _)| catalog.signatures[row].id.get_ref()).collect();
        assert_eq!(wordless, Vec::<&String>::new());
        let hints = Hints::new(["ord-1"].into_iter(), ["packed"].into_iter(), &catalog.signatures);
        let harmless =
            "{\"level\":\"info\",\"msg\":\"went on\",\"offset\":17,\"partition\":0,\"group\":\"a\"}";
        assert!(!hints.of(harmless).has(Hint::ANY_LEVEL) && !hints.of(harmless).has(Hint::TROUBLE));
        assert!(hints.of("ORD-1").has(Hint::ABOUT) && !hints.of("ORD-1").has(Hint::SIGNATURE));
        assert!(hints.of("connect ECONNREFUSED").has(Hint::SIGNATURE));
        assert!(hints.of("code 23505").has(Hint::SIGNATURE));
    }
}
