//! Detects missing keys and sections. A key or section does not count as missing if a reported
//! mistake may be a misspelling of it.

use crate::base::error::Mistake;
use crate::input::toml_document::{Document, Row};
use crate::text::suggestion::nearest;

/// Reports whether a row lacks a key. `type_mistakes` are the mistakes found during
/// deserialization.
pub fn lacks_key(row: &Row, key: &str, type_mistakes: &[Mistake]) -> bool {
    // A line without a key is invalid or part of a multi-line value, so it may hold the key.
    let may_be = |mistake: &Mistake| first_key(mistake).is_none_or(|found| is_similar(&found, key));
    !row.has(key) && !type_mistakes.iter().any(|mistake| row.contains(mistake) && may_be(mistake))
}

/// Reports whether a file lacks a section.
pub fn lacks_section(document: &Document, section: &str, type_mistakes: &[Mistake]) -> bool {
    let may_be = |mistake: &Mistake| first_key(mistake).is_some_and(|found| is_similar(&found, section));
    document.rows(section).is_empty() && !document.is_partially_parsed() && !type_mistakes.iter().any(may_be)
}

fn is_similar(found: &str, name: &str) -> bool {
    nearest(found, [name]).is_some()
}

/// Returns the key or section name on the line of a mistake.
fn first_key(mistake: &Mistake) -> Option<String> {
    let line = &mistake.excerpt.as_ref()?.text;
    toml::from_str::<toml::Table>(line).ok()?.keys().next().cloned()
}
