//! Patterns that find every record say nothing.

use crate::base::error::Mistake;
use crate::input::document::Document;
use crate::input::pattern;
use regex::Regex;

/// All patterns of a pipeline that tell something by finding it, and the way out of one
/// that finds everything.
const PATTERNS: &[(&str, &str)] = &[
    ("worker[].started", WORDS),
    ("line[].pattern", WORDS),
    ("call.logged", WORDS),
    ("call.answered", WORDS),
    ("call.unanswered", WORDS),
    ("call.answered_well", "expected words that only a good answer has: those of `answered`, where each is"),
];

const WORDS: &str = "expected words that only this record has";

/// The longest id.
const LONGEST: usize = 200;

/// Checks that no pattern finds everything.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    // One that cannot be read has been told already.
    let compiled = |text: &str| pattern::compile(text).ok();
    for (path, help) in PATTERNS {
        for entry in document.texts(path) {
            if compiled(&entry.text).is_some_and(|pattern| pattern::finds_anything(&pattern)) {
                let mistake = document.source().mistake_in(entry.at, "a pattern that every record matches");
                mistakes.push(mistake.help(*help));
            }
        }
    }
    for entry in document.texts("id.pattern") {
        let any_length = |pattern: &Regex| pattern.is_match(&"~".repeat(LONGEST));
        if compiled(&entry.text).is_some_and(|it| pattern::finds_anything(&it) && any_length(&it)) {
            let mistake = document.source().mistake_in(entry.at, "a pattern that every text matches");
            mistakes.push(mistake.help("leave it out, or say what only these ids have: '^ORD-\\d+$'"));
        }
    }
}
