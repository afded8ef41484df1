//! Mistakes in overrides.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::row_references::Names;
use crate::input::toml_document::{Document, Entry};
use std::collections::BTreeSet;

/// Checks the overrides of all files.
pub fn check(files: &[Option<Document>], checks: &Names, causes: &Names, mistakes: &mut Vec<Mistake>) {
    let checks_and_causes = checks.and("check or cause", causes);
    let mut seen = BTreeSet::new();
    for document in files.iter().flatten() {
        let source = document.source();
        checks_and_causes.reject_unknown(&document.texts("override[].id"), source, mistakes);
        for row in document.rows("override[]") {
            let Some(id) = row.text("id") else { continue };
            if !seen.insert(id.text.clone()) {
                let mistake = source.mistake_in(id.at.clone(), format!("`{}` is overridden twice", id.text));
                mistakes.push(mistake.help("combine the overrides in one row"));
            }
            let has = ["severity", "off", "until"].map(|key| row.has(key));
            let is_cause = !checks.has(&id.text) && causes.has(&id.text);
            mistakes.extend(invalid(has, is_cause, &id, source));
        }
    }
}

/// Returns the mistake in an override, or `None` if it is valid. `has` says which of the keys
/// `severity`, `off` and `until` are present.
fn invalid(has: [bool; 3], is_cause: bool, id: &Entry, source: &Source) -> Option<Mistake> {
    let Entry { text, at } = id;
    let (what, help) = match has {
        [true, ..] if is_cause => {
            (format!("`{text}` is a cause and has no severity"), "override the checks that it breaks")
        }
        [false, false, false] => (
            format!("the override of `{text}` changes nothing"),
            "expected severity = \"error\", \"warn\" or \"note\", or off = \"REASON\" with until = \"2026-12-31\"",
        ),
        [true, true, _] => (
            format!("the override of `{text}` has both `off` and `severity`"),
            "keep one of them, because a check that is switched off is not judged",
        ),
        [_, true, false] => (
            format!("`{text}` is switched off without an end date"),
            "add the end date: until = \"2026-12-31\"",
        ),
        [_, false, true] => (
            format!("the override of `{text}` has `until` without `off`"),
            "add the reason: off = \"REASON\"",
        ),
        _ => return None,
    };
    Some(source.mistake_in(at.clone(), what).help(help))
}
