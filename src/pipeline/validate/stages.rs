//! What stages say must agree with what workers and other stages say.

use crate::base::error::Mistake;
use crate::input::document::{Document, Entry, Row};
use crate::input::names::Names;
use crate::pipeline::validate::absent::{has_no, is_without};
use crate::text::suggestion::nearest;
use std::collections::BTreeSet;

/// Checks the stages and workers of a pipeline; `unread` is what could not be read of it.
pub fn check(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    consumed(document, mistakes);
    in_order(document, mistakes);
    with_group_and_broker(document, unread, mistakes);
    of_one_broker(document, mistakes);
}

/// A worker is a member of one group, and that is on one broker.
fn of_one_broker(document: &Document, mistakes: &mut Vec<Mistake>) {
    let topics = document.rows("topic[]");
    let broker = |topic: &Entry| {
        let row = topics.iter().find(|row| row.text("name").is_some_and(|name| name.text == topic.text));
        row.map(|row| {
            row.text("broker").map_or("[kafka]".to_string(), |name| format!("[broker.{}]", name.text))
        })
    };
    for worker in document.rows("worker[]") {
        let topics = worker.list("topics");
        let mut known = topics.iter().filter_map(|topic| Some((topic, broker(topic)?)));
        let Some((first, its)) = known.next() else { continue };
        if let Some((other, elsewhere)) = known.find(|(_, broker)| *broker != its) {
            let what = format!("`{}` is on {its}, `{}` on {elsewhere}", first.text, other.text);
            let help = "expected topics of one broker: a worker is a member of one group, on one broker";
            mistakes.push(document.source().mistake_in(other.at.clone(), what).help(help));
        }
    }
}

/// Stages come after those that stand before them in the file, so that there are no circles.
fn in_order(document: &Document, mistakes: &mut Vec<Mistake>) {
    let names: Vec<String> = document.texts("stage[].name").into_iter().map(|entry| entry.text).collect();
    let mut before: Vec<&str> = Vec::new();
    for stage in document.rows("stage[]") {
        let later = |after: &&Entry| names.contains(&after.text) && !before.contains(&after.text.as_str());
        for after in stage.list("after").iter().filter(later) {
            let what = format!("stage `{}` stands further down", after.text);
            let help = "expected stages that stand before this one in the file";
            mistakes.push(document.source().mistake_in(after.at.clone(), what).help(help));
        }
        let name = stage.text("name").map(|name| name.text);
        before.extend(names.iter().find(|known| Some(*known) == name.as_ref()).map(String::as_str));
    }
}

/// Whoever consumes topics does so in a group, and topics are on a broker.
fn with_group_and_broker(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    let mut tell = |at, what: String, help: &str| {
        mistakes.push(document.source().mistake_in(at, what).help(help));
    };
    for worker in document.rows("worker[]").iter().filter(|row| is_without(row, "group", unread)) {
        let topics = worker.list("topics");
        let (Some(first), Some(name)) = (topics.first(), worker.text("name")) else { continue };
        let what = format!("worker `{}` consumes topics and names no group", name.text);
        tell(first.at.clone(), what, "add `group = \"...\"`: the consumer group of its clients");
    }
    let no_broker = has_no(document, "kafka", unread);
    if let Some(topic) = document.texts("topic[].name").first().filter(|_| no_broker) {
        let help = "add [kafka] with `service = \"...\"`, the service that runs it";
        tell(topic.at.clone(), "topics, and no broker".into(), help);
    }
}

/// A stage's worker must consume its topic.
fn consumed(document: &Document, mistakes: &mut Vec<Mistake>) {
    let topics = Names::of("topic", document.texts("topic[].name").into_iter().map(|entry| entry.text));
    let workers = document.rows("worker[]");
    for stage in document.rows("stage[]") {
        let (Some(topic), Some(name)) = (stage.text("topic"), stage.text("worker")) else { continue };
        let named = |row: &&Row| row.text("name").is_some_and(|own| own.text == name.text);
        let Some(worker) = workers.iter().find(named) else { continue };
        // A name that is wrong by itself may be meant for this topic.
        let meant = |entry: &Entry| match topics.has(&entry.text) {
            true => Some(entry.text.clone()),
            false if nearest(&entry.text, [topic.text.as_str()]).is_some() => None,
            false => topics.nearest(&entry.text).map(String::from),
        };
        let consumed: Option<BTreeSet<String>> = worker.list("topics").iter().map(meant).collect();
        let Some(consumed) = consumed.filter(|_| topics.has(&topic.text)) else { continue };
        if !consumed.is_empty() && !consumed.contains(&topic.text) {
            let what = format!("worker `{}` does not consume `{}`", name.text, topic.text);
            let list: Vec<&str> = consumed.iter().map(String::as_str).collect();
            let help = format!("it consumes {}: name one of these, or add the topic there", list.join(", "));
            mistakes.push(document.source().mistake_in(topic.at, what).help(help));
        }
    }
}
