//! What can be wrong with overrides.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::input::names::Names;
use std::collections::BTreeSet;

/// What is wrong with the overrides of all files.
pub fn check(files: &[Option<Document>], checks: &Names, causes: &Names, mistakes: &mut Vec<Mistake>) {
    let both = checks.and("check or cause", causes);
    let mut before = BTreeSet::new();
    for document in files.iter().flatten() {
        let source = document.source();
        both.must_have(&document.texts("override[].id"), source, mistakes);
        for row in document.rows("override[]") {
            let Some(id) = row.text("id") else { continue };
            if !before.insert(id.text.clone()) {
                let mistake = source.mistake_in(id.at.clone(), format!("`{}` is overridden twice", id.text));
                mistakes.push(mistake.help("say all of it in one row"));
            }
            let has = ["severity", "off", "until"].map(|key| row.has(key));
            let is_cause = !checks.has(&id.text) && causes.has(&id.text);
            mistakes.extend(wrong(has, is_cause, &id, source));
        }
    }
}

fn wrong(has: [bool; 3], is_cause: bool, id: &Entry, source: &Source) -> Option<Mistake> {
    let Entry { text, at } = id;
    let (what, help) = match has {
        [true, ..] if is_cause => {
            (format!("`{text}` is a cause: it has no severity"), "override the checks that it breaks")
        }
        [false, false, false] => (
            format!("the override of `{text}` says nothing"),
            "expected severity = \"error\", \"warn\" or \"note\", or off = \"why\" with until = \"2026-12-31\"",
        ),
        [true, true, _] => (
            format!("`{text}` is switched off and has a severity"),
            "keep one of them: what is off is not judged",
        ),
        [_, true, false] => {
            (format!("`{text}` is switched off for ever"), "say until when: until = \"2026-12-31\"")
        }
        [_, false, true] => (format!("`until` of `{text}` ends nothing"), "say why it is off: off = \"why\""),
        _ => return None,
    };
    Some(source.mistake_in(at.clone(), what).help(help))
}
