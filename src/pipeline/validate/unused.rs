//! What a pipeline declares and nothing uses: no mistake, but worth a look.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::input::names::twice;
use crate::text::suggestion::nearest;

/// What uses a topic, a worker, a further broker and a further database.
const OF_TOPIC: &[&str] = &["stage[].topic", "worker[].topics[]"];
const OF_WORKER: &[&str] = &["stage[].worker"];
const OF_BROKER: &[&str] = &["topic[].broker", "dead_letters.broker"];
const OF_DATABASE: &[&str] = &["stage[].database", "marks.database"];

/// What is declared and not used; nothing of a file that cannot be read as a whole.
pub fn unused(source: &Source) -> Vec<Mistake> {
    let Some(document) = Document::of(source).filter(|document| !document.has_lost_rows()) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let mut tell = |at, what: String, help: &str| notes.push(source.mistake_in(at, what).help(help));
    for entry in unnamed(&document, document.texts("topic[].name"), OF_TOPIC) {
        let help = "it is looked at, and it tells of no event: name it where it is read, or take it out";
        tell(entry.at, format!("no stage and no worker uses the topic `{}`", entry.text), help);
    }
    for worker in document.rows("worker[]").iter().filter(|worker| worker.list("topics").is_empty()) {
        for entry in unnamed(&document, worker.text("name").into_iter().collect(), OF_WORKER) {
            let help = "it is looked at, what it does is not: give it a stage, or take it out";
            tell(entry.at, format!("no stage has the worker `{}`", entry.text), help);
        }
        if let Some(group) = worker.text("group").filter(|_| worker.has("topics")) {
            let help = "its members are looked at, what they read is not";
            tell(group.at, format!("group `{}` reads no topic of the pipeline", group.text), help);
        }
    }
    for (section, users) in [("broker", OF_BROKER), ("database", OF_DATABASE)] {
        for (name, service) in tables(&document, section) {
            let declared = vec![Entry { text: name, at: service.at }];
            for entry in unnamed(&document, declared, users) {
                let help =
                    "it is looked at, and it tells of no event: name it where it is used, or take it out";
                tell(entry.at, format!("nothing in this file uses [{section}.{}]", entry.text), help);
            }
        }
    }
    let containers = ["service[].container", "worker[].container"];
    let containers: Vec<Entry> = containers.iter().flat_map(|path| document.texts(path)).collect();
    for entry in twice(&containers) {
        let help = "right where one process is both; else give one of them its own";
        tell(entry.at.clone(), format!("two services or workers have the container `{}`", entry.text), help);
    }
    notes
}

/// The names and the services of a section's tables.
fn tables(document: &Document, section: &str) -> Vec<(String, Entry)> {
    let service = |name: &str| document.texts(&format!("{section}.{name}.service")).pop();
    let keys = document.keys(section).into_iter();
    keys.filter_map(|name| Some((name.to_string(), service(name)?))).collect()
}

/// Those whose name stands at none of the paths, nor one that may be a slip for it.
fn unnamed(document: &Document, declared: Vec<Entry>, users: &[&str]) -> Vec<Entry> {
    let used: Vec<Entry> = users.iter().flat_map(|path| document.texts(path)).collect();
    declared
        .into_iter()
        .filter(|entry| !used.iter().any(|user| nearest(&user.text, [entry.text.as_str()]).is_some()))
        .collect()
}
