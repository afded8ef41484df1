//! Patterns that find every record say nothing.

use crate::error::Mistake;
use crate::pattern;
use crate::toml_input::document::Document;

/// All patterns of a pipeline that tell something by finding it.
const PATTERNS: &[&str] =
    &["worker[].started", "line[].pattern", "call.logged", "call.answered", "call.unanswered"];

/// Checks that no pattern finds everything.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for entry in PATTERNS.iter().flat_map(|path| document.texts(path)) {
        // One that cannot be read has been told already.
        if pattern::compile(&entry.text).is_ok_and(|compiled| pattern::finds_anything(&compiled)) {
            let what = "a pattern that every record matches";
            let mistake = document.source().mistake_in(entry.at, what);
            mistakes.push(mistake.help("expected words that only this record has"));
        }
    }
}
