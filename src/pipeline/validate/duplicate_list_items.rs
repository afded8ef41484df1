//! Rejects duplicate items in lists.

use crate::base::error::Mistake;
use crate::input::row_references::duplicates;
use crate::input::toml_document::Document;

/// Lists whose items must be unique: section and key.
const LISTS: &[(&str, &str)] = &[
    ("worker[]", "topics"),
    ("stage[]", "after"),
    ("stage[]", "marked_by"),
    ("stage[]", "good_status"),
    ("stage[]", "waiting_status"),
];

/// Reports duplicate items, and statuses that are both good and waiting.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (section, key) in LISTS {
        for row in document.rows(section) {
            for entry in duplicates(&row.list(key)) {
                let what = format!("duplicate `{}` in `{key}`", entry.text);
                mistakes.push(row.mistake_in(entry.at.clone(), what).help("remove one of them"));
            }
        }
    }
    for stage in document.rows("stage[]") {
        let good = stage.list("good_status");
        for status in stage.list("waiting_status") {
            if good.iter().any(|good| good.text == status.text) {
                let what = format!("the status `{}` is also in `good_status`", status.text);
                mistakes.push(stage.mistake_in(status.at, what).help("remove it from one of the lists"));
            }
        }
    }
}
