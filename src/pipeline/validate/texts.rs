//! Texts that say nothing, where a name or words are needed.

use crate::base::error::Mistake;
use crate::input::document::Document;

/// Names that are written here, and nowhere before.
const NAMES: &[&str] = &[
    "name",
    "id.name",
    "service[].name",
    "service[].container",
    "worker[].name",
    "worker[].container",
    "worker[].deploy.image",
    "topic[].name",
    "stage[].name",
    "stage[].event",
    "line[].name",
    "call.name",
    "event.keys[]",
    "marks.table",
    "marks.id",
    "marks.event_id",
    "marks.event_type",
    "marks.source",
    "marks.processed_at",
    "dead_letters.topic",
    "dead_letters.reason",
    "dead_letters.worker",
];

/// Other texts, and what is expected of them.
const OTHERS: &[(&str, &str)] = &[
    ("noun[]", NOUN),
    ("worker[].group", "expected the consumer group of its clients, or no `group` at all"),
    ("stage[].marked_by[]", "expected the name of a source, as it stands in the table"),
    ("stage[].effect", "expected what it leaves in the database: a table's name, or words"),
    ("stage[].good_status[]", STATUS),
    ("stage[].waiting_status[]", STATUS),
];

const NOUN: &str = "expected the word for one and the word for several: [\"order\", \"orders\"]";
const STATUS: &str = "expected a status as `sql` gives it";

/// Checks the texts of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let names = NAMES.iter().map(|path| (*path, "expected a name"));
    for (path, help) in names.chain(OTHERS.iter().copied()) {
        for entry in document.texts(path).into_iter().filter(|entry| entry.text.trim().is_empty()) {
            mistakes.push(source.mistake_in(entry.at, "a text that says nothing").help(help));
        }
    }
    // What reads two words of a list does not look at a third.
    for word in document.texts("noun[]").into_iter().skip(2) {
        let what = format!("`{}` is one word too many", word.text);
        mistakes.push(source.mistake_in(word.at, what).help(NOUN));
    }
}
