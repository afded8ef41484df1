//! Rejects empty strings where a name or text is required.

use crate::base::error::Mistake;
use crate::input::toml_document::Document;

/// Paths to names that must not be empty.
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

/// Paths to other strings that must not be empty, with their help text.
const OTHERS: &[(&str, &str)] = &[
    ("noun[]", NOUN),
    ("worker[].group", "expected the worker's consumer group; omit `group` if it has none"),
    ("stage[].marked_by[]", "expected the name of a source, as it appears in the marks table"),
    ("stage[].effect", "expected the name of the effect in the database, such as a table name"),
    ("stage[].good_status[]", STATUS),
    ("stage[].waiting_status[]", STATUS),
];

const NOUN: &str = "expected singular and plural: [\"order\", \"orders\"]";
const STATUS: &str = "expected a status as returned by `sql`";

/// Reports empty strings, and extra words in `noun`.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let names = NAMES.iter().map(|path| (*path, "expected a name"));
    for (path, help) in names.chain(OTHERS.iter().copied()) {
        for entry in document.texts(path).into_iter().filter(|entry| entry.text.trim().is_empty()) {
            mistakes.push(source.mistake_in(entry.at, "empty string").help(help));
        }
    }
    // Deserializing the pair ignores extra words.
    for word in document.texts("noun[]").into_iter().skip(2) {
        let what = format!("too many words: `{}`", word.text);
        mistakes.push(source.mistake_in(word.at, what).help(NOUN));
    }
}
