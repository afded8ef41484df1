//! Checks that stages are consistent with workers and with each other.

use crate::base::error::Mistake;
use crate::input::row_references::Names;
use crate::input::toml_document::{Document, Entry, Row};
use crate::pipeline::validate::missing_keys::{lacks_key, lacks_section};
use crate::text::suggestion::nearest;
use std::collections::BTreeSet;

/// Checks the stages and workers of a pipeline. `type_mistakes` are the mistakes found during
/// deserialization.
pub fn check(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    check_consumed_topics(document, mistakes);
    check_order(document, mistakes);
    check_group_and_broker(document, type_mistakes, mistakes);
    check_single_broker(document, mistakes);
}

/// Requires all topics of a worker to be on one broker, since its group is on one broker.
fn check_single_broker(document: &Document, mistakes: &mut Vec<Mistake>) {
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
        let Some((first, first_broker)) = known.next() else { continue };
        if let Some((other, other_broker)) = known.find(|(_, broker)| *broker != first_broker) {
            let what =
                format!("`{}` is on {first_broker}, but `{}` is on {other_broker}", first.text, other.text);
            let help = "expected topics on one broker, because a worker's consumer group is on one broker";
            mistakes.push(document.source().mistake_in(other.at.clone(), what).help(help));
        }
    }
}

/// Requires the stages in `after` to be declared earlier in the file, which rules out cycles.
fn check_order(document: &Document, mistakes: &mut Vec<Mistake>) {
    let names: Vec<String> = document.texts("stage[].name").into_iter().map(|entry| entry.text).collect();
    let mut before: Vec<&str> = Vec::new();
    for stage in document.rows("stage[]") {
        let later = |after: &&Entry| names.contains(&after.text) && !before.contains(&after.text.as_str());
        for after in stage.list("after").iter().filter(later) {
            let what = format!("stage `{}` is declared later in the file", after.text);
            let help = "expected a stage that is declared before this one";
            mistakes.push(document.source().mistake_in(after.at.clone(), what).help(help));
        }
        let name = stage.text("name").map(|name| name.text);
        before.extend(names.iter().find(|known| Some(*known) == name.as_ref()).map(String::as_str));
    }
}

/// Requires a consumer group for workers that consume topics, and a broker for topics.
fn check_group_and_broker(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    let mut report = |at, what: String, help: &str| {
        mistakes.push(document.source().mistake_in(at, what).help(help));
    };
    for worker in document.rows("worker[]").iter().filter(|row| lacks_key(row, "group", type_mistakes)) {
        let topics = worker.list("topics");
        let (Some(first), Some(name)) = (topics.first(), worker.text("name")) else { continue };
        let what = format!("worker `{}` consumes topics without a group", name.text);
        report(first.at.clone(), what, "add `group = \"...\"`, the worker's consumer group");
    }
    let no_broker = lacks_section(document, "kafka", type_mistakes);
    if let Some(topic) = document.texts("topic[].name").first().filter(|_| no_broker) {
        let help = "add [kafka] with `service = \"...\"`, the service that runs the broker";
        report(topic.at.clone(), "topics without a broker".into(), help);
    }
}

/// Requires the worker of a stage to consume the stage's topic.
fn check_consumed_topics(document: &Document, mistakes: &mut Vec<Mistake>) {
    let topics = Names::new("topic", document.texts("topic[].name").into_iter().map(|entry| entry.text));
    let workers = document.rows("worker[]");
    for stage in document.rows("stage[]") {
        let (Some(topic), Some(name)) = (stage.text("topic"), stage.text("worker")) else { continue };
        let has_name = |row: &&Row| row.text("name").is_some_and(|worker| worker.text == name.text);
        let Some(worker) = workers.iter().find(has_name) else { continue };
        // A misspelled name may refer to this topic.
        let intended = |entry: &Entry| match topics.has(&entry.text) {
            true => Some(entry.text.clone()),
            false if nearest(&entry.text, [topic.text.as_str()]).is_some() => None,
            false => topics.nearest(&entry.text).map(String::from),
        };
        let consumed: Option<BTreeSet<String>> = worker.list("topics").iter().map(intended).collect();
        let Some(consumed) = consumed.filter(|_| topics.has(&topic.text)) else { continue };
        if !consumed.is_empty() && !consumed.contains(&topic.text) {
            let what = format!("worker `{}` does not consume `{}`", name.text, topic.text);
            let list: Vec<&str> = consumed.iter().map(String::as_str).collect();
            let help =
                format!("it consumes {}: use one of these, or add the topic to the worker", list.join(", "));
            mistakes.push(document.source().mistake_in(topic.at, what).help(help));
        }
    }
}
