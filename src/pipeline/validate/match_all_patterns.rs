//! Rejects patterns that match everything.

use crate::base::error::Mistake;
use crate::input::regex_pattern;
use crate::input::toml_document::Document;
use regex::Regex;

/// Patterns that must not match every log record, with the help text.
const PATTERNS: &[(&str, &str)] = &[
    ("worker[].started", SPECIFIC_TEXT),
    ("line[].pattern", SPECIFIC_TEXT),
    ("call.logged", SPECIFIC_TEXT),
    ("call.answered", SPECIFIC_TEXT),
    ("call.unanswered", SPECIFIC_TEXT),
    (
        "call.answered_well",
        "expected text found only in successful answers; repeat `answered` if all answers succeed",
    ),
];

const SPECIFIC_TEXT: &str = "expected text that appears only in this record";

/// The maximum length of an id in characters.
const MAX_ID_LENGTH: usize = 200;

/// Reports patterns that match everything.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    // Invalid patterns have been reported already.
    let compiled = |text: &str| regex_pattern::compile(text).ok();
    for (path, help) in PATTERNS {
        for entry in document.texts(path) {
            if compiled(&entry.text).is_some_and(|pattern| regex_pattern::matches_everything(&pattern)) {
                let mistake = document.source().mistake_in(entry.at, "the pattern matches every record");
                mistakes.push(mistake.help(*help));
            }
        }
    }
    for entry in document.texts("id.pattern") {
        let matches_longest = |pattern: &Regex| pattern.is_match(&"~".repeat(MAX_ID_LENGTH));
        if compiled(&entry.text)
            .is_some_and(|it| regex_pattern::matches_everything(&it) && matches_longest(&it))
        {
            let mistake = document.source().mistake_in(entry.at, "the pattern matches every string");
            mistakes.push(mistake.help("remove it, or match only valid ids: '^ORD-\\d+$'"));
        }
    }
}
