//! Finds declarations that nothing uses. They are valid but probably unintended.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::row_references::duplicates;
use crate::input::toml_document::{Document, Entry};
use crate::text::suggestion::nearest;

/// Paths that use a topic, worker, additional broker or additional database.
const TOPIC_USES: &[&str] = &["stage[].topic", "worker[].topics[]"];
const WORKER_USES: &[&str] = &["stage[].worker"];
const BROKER_USES: &[&str] = &["topic[].broker", "dead_letters.broker"];
const DATABASE_USES: &[&str] = &["stage[].database", "marks.database"];

/// Returns a note for each unused declaration, or nothing if the file is only partially parsed.
pub fn unused_declarations(source: &Source) -> Vec<Mistake> {
    let Some(document) = Document::parse(source).filter(|document| !document.is_partially_parsed()) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let mut note = |at, what: String, help: &str| notes.push(source.mistake_in(at, what).help(help));
    for entry in unused(&document, document.texts("topic[].name"), TOPIC_USES) {
        let help = "it is checked, but no event uses it: add it where it is consumed, or remove it";
        note(entry.at, format!("no stage or worker uses the topic `{}`", entry.text), help);
    }
    for worker in document.rows("worker[]").iter().filter(|worker| worker.list("topics").is_empty()) {
        for entry in unused(&document, worker.text("name").into_iter().collect(), WORKER_USES) {
            let help = "the worker is checked, but its work is not: give it a stage, or remove it";
            note(entry.at, format!("no stage uses the worker `{}`", entry.text), help);
        }
        if let Some(group) = worker.text("group").filter(|_| worker.has("topics")) {
            let help = "its members are checked, but not what they consume";
            note(group.at, format!("group `{}` consumes none of the pipeline's topics", group.text), help);
        }
    }
    for (section, users) in [("broker", BROKER_USES), ("database", DATABASE_USES)] {
        for (name, service) in tables(&document, section) {
            let declared = vec![Entry { text: name, at: service.at }];
            for entry in unused(&document, declared, users) {
                let help = "it is checked, but no event uses it: add it where it is used, or remove it";
                note(entry.at, format!("nothing in this file uses [{section}.{}]", entry.text), help);
            }
        }
    }
    let containers = ["service[].container", "worker[].container"];
    let containers: Vec<Entry> = containers.iter().flat_map(|path| document.texts(path)).collect();
    for entry in duplicates(&containers) {
        let help = "correct if one process has both roles; otherwise change one of the names";
        note(entry.at.clone(), format!("two services or workers use the container `{}`", entry.text), help);
    }
    notes
}

/// Returns the tables of a section, each with its name and service.
fn tables(document: &Document, section: &str) -> Vec<(String, Entry)> {
    let service = |name: &str| document.texts(&format!("{section}.{name}.service")).pop();
    let keys = document.keys(section).into_iter();
    keys.filter_map(|name| Some((name.to_string(), service(name)?))).collect()
}

/// Returns the declarations whose names, even with typos, appear at none of the paths.
fn unused(document: &Document, declared: Vec<Entry>, users: &[&str]) -> Vec<Entry> {
    let used: Vec<Entry> = users.iter().flat_map(|path| document.texts(path)).collect();
    declared
        .into_iter()
        .filter(|entry| !used.iter().any(|user| nearest(&user.text, [entry.text.as_str()]).is_some()))
        .collect()
}
