//! What services and workers are must agree with what they are named for.

use crate::base::error::Mistake;
use crate::input::document::{Document, Row};
use crate::pipeline::model::Role;
use crate::pipeline::validate::absent::{has_no, is_without};

/// Systems, and what runs them.
const SYSTEMS: &[(&str, Role, &str)] = &[
    ("kafka", Role::Broker, "broker"),
    ("broker.*", Role::Broker, "broker"),
    ("postgres", Role::Database, "database"),
    ("database.*", Role::Database, "database"),
];

/// Checks the parts of a pipeline; `unread` is what could not be read of it.
pub fn check(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    roles(document, mistakes);
    without_topics(document, unread, mistakes);
    without_marks(document, unread, mistakes);
    without_topic(document, unread, mistakes);
    dead_letters(document, unread, mistakes);
}

/// A broker is run by a broker, a database by a database. One service may be both, where
/// no other is what it is not by its role.
fn roles(document: &Document, mistakes: &mut Vec<Mistake>) {
    let services = document.rows("service[]");
    let role = |service: &Row| service.written::<Role>("role").map(|(role, _)| role);
    let is_for = |name: &str, is: Role| {
        let systems = SYSTEMS.iter().filter(|(_, wanted, _)| *wanted == is);
        let mut named = systems.flat_map(|(path, ..)| document.texts(&format!("{path}.service")));
        named.any(|service| service.text == name)
    };
    for (path, wanted, word) in SYSTEMS {
        let fitting = services.iter().filter(|row| role(row) == Some(*wanted));
        let fitting: Vec<String> = fitting.filter_map(|row| Some(row.text("name")?.text)).collect();
        for named in document.texts(&format!("{path}.service")) {
            let mut own =
                services.iter().filter(|row| row.text("name").is_some_and(|name| name.text == named.text));
            // Of two of one name, or a role that cannot be read, nothing is known.
            let (Some(service), None) = (own.next(), own.next()) else { continue };
            let Some(is) = role(service).filter(|is| is != wanted) else { continue };
            if fitting.is_empty() && is_for(&named.text, is) {
                continue;
            }
            let help = match fitting.is_empty() {
                true => format!("say role = \"{word}\" at the service that runs it, and name that one"),
                false => format!("expected a service with role = \"{word}\": {}", fitting.join(", ")),
            };
            let is = format!("{is:?}").to_lowercase();
            let what = format!("the role of `{}` is {is}, not {word}", named.text);
            mistakes.push(document.source().mistake_in(named.at, what).help(help));
        }
    }
}

/// Who is a member of a group consumes topics. An empty list says that these are none of
/// the pipeline's.
fn without_topics(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for worker in document.rows("worker[]") {
        let Some(group) = worker.text("group").filter(|_| is_without(&worker, "topics", unread)) else {
            continue;
        };
        let what = format!("group `{}`, and no `topics`", group.text);
        let help = "add `topics = [...]`, what the worker consumes, or take the group out";
        mistakes.push(worker.mistake_in(group.at, what).help(help));
    }
}

/// Marks are in a table.
fn without_marks(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    if !has_no(document, "marks", unread) {
        return;
    }
    for stage in document.rows("stage[]") {
        if let Some(first) = stage.list("marked_by").into_iter().next() {
            let help = "add [marks], the table that says who has processed what, or take it out";
            mistakes.push(stage.mistake_in(first.at, "`marked_by`, and no [marks]").help(help));
        }
    }
}

/// A record is sent to a topic.
fn without_topic(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for stage in document.rows("stage[]") {
        if let Some(sql) = stage.text("record_sql").filter(|_| is_without(&stage, "topic", unread)) {
            let help = "add `topic = \"...\"`, or take it out: records are sent to topics";
            mistakes.push(stage.mistake_in(sql.at, "`record_sql` at a stage without topic").help(help));
        }
    }
}

/// Dead letters are on a broker, and beside the way.
fn dead_letters(document: &Document, unread: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for row in document.rows("dead_letters") {
        let Some(topic) = row.text("topic") else { continue };
        if is_without(&row, "broker", unread) && has_no(document, "kafka", unread) {
            let help = match document.keys("broker").is_empty() {
                true => "add [kafka] with `service = \"...\"`, the service that runs it",
                false => "name its broker with `broker = \"...\"`, or add [kafka]",
            };
            mistakes.push(row.mistake_in(topic.at.clone(), "dead letters, and no [kafka]").help(help));
        }
        let stages = document.rows("stage[]");
        let of_topic = |stage: &&Row| stage.text("topic").is_some_and(|own| own.text == topic.text);
        if let Some(stage) = stages.iter().find(of_topic) {
            let name = stage.text("name").map_or_else(String::new, |name| format!(" `{}`", name.text));
            let what = format!("the topic `{}` is that of stage{name}, too", topic.text);
            let help = "expected a topic of their own: what arrives there was given up";
            mistakes.push(row.mistake_in(topic.at, what).help(help));
        }
    }
}
