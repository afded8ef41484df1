//! Lists that say something twice.

use crate::base::error::Mistake;
use crate::input::document::Document;
use crate::input::names::twice;

/// Lists of names.
const LISTS: &[(&str, &str)] = &[
    ("worker[]", "topics"),
    ("stage[]", "after"),
    ("stage[]", "marked_by"),
    ("stage[]", "good_status"),
    ("stage[]", "waiting_status"),
];

/// Checks the lists of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (section, key) in LISTS {
        for row in document.rows(section) {
            for entry in twice(&row.list(key)) {
                let what = format!("`{}` stands twice in `{key}`", entry.text);
                mistakes.push(row.mistake_in(entry.at.clone(), what).help("take one of them out"));
            }
        }
    }
    for stage in document.rows("stage[]") {
        let good = stage.list("good_status");
        for status in stage.list("waiting_status") {
            if good.iter().any(|good| good.text == status.text) {
                let what = format!("the status `{}` is good, and it waits", status.text);
                mistakes.push(stage.mistake_in(status.at, what).help("take it out of one of the lists"));
            }
        }
    }
}
