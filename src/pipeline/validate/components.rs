//! Checks that services and workers fit the roles that the rest of the file gives them.

use crate::base::error::Mistake;
use crate::input::toml_document::{Document, Row};
use crate::pipeline::model::Role;
use crate::pipeline::validate::missing_keys::{lacks_key, lacks_section};

/// Paths to systems, with the role that their service needs and that role's name in messages.
const SYSTEMS: &[(&str, Role, &str)] = &[
    ("kafka", Role::Broker, "broker"),
    ("broker.*", Role::Broker, "broker"),
    ("postgres", Role::Database, "database"),
    ("database.*", Role::Database, "database"),
];

/// Checks the components of a pipeline. `type_mistakes` are the mistakes found during
/// deserialization.
pub fn check(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    check_roles(document, mistakes);
    check_topics_of_groups(document, type_mistakes, mistakes);
    check_marks_section(document, type_mistakes, mistakes);
    check_topic_of_record_sql(document, type_mistakes, mistakes);
    check_dead_letters(document, type_mistakes, mistakes);
}

/// Requires a service with the right role for each broker and database. One service may run
/// both if no other service has the missing role.
fn check_roles(document: &Document, mistakes: &mut Vec<Mistake>) {
    let services = document.rows("service[]");
    let role = |service: &Row| service.value_as::<Role>("role").map(|(role, _)| role);
    let is_used_as = |name: &str, role: Role| {
        let systems = SYSTEMS.iter().filter(|(_, required, _)| *required == role);
        let mut services = systems.flat_map(|(path, ..)| document.texts(&format!("{path}.service")));
        services.any(|service| service.text == name)
    };
    for (path, required, role_name) in SYSTEMS {
        let candidates = services.iter().filter(|row| role(row) == Some(*required));
        let candidates: Vec<String> = candidates.filter_map(|row| Some(row.text("name")?.text)).collect();
        for reference in document.texts(&format!("{path}.service")) {
            let has_name = |row: &&Row| row.text("name").is_some_and(|name| name.text == reference.text);
            let mut matching = services.iter().filter(has_name);
            // The role is unknown if several services have the name or the role is unreadable.
            let (Some(service), None) = (matching.next(), matching.next()) else { continue };
            let Some(actual) = role(service).filter(|role| role != required) else { continue };
            if candidates.is_empty() && is_used_as(&reference.text, actual) {
                continue;
            }
            let help = match candidates.is_empty() {
                true => format!(
                    "set role = \"{role_name}\" on the service that runs it, and name that service here"
                ),
                false => format!("expected a service with role = \"{role_name}\": {}", candidates.join(", ")),
            };
            let actual = format!("{actual:?}").to_lowercase();
            let what = format!("the role of `{}` is {actual}, not {role_name}", reference.text);
            mistakes.push(document.source().mistake_in(reference.at, what).help(help));
        }
    }
}

/// Requires `topics` for each worker with a group. An empty list means that the worker consumes
/// none of the pipeline's topics.
fn check_topics_of_groups(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for worker in document.rows("worker[]") {
        let Some(group) = worker.text("group").filter(|_| lacks_key(&worker, "topics", type_mistakes)) else {
            continue;
        };
        let what = format!("group `{}` without `topics`", group.text);
        let help = "add `topics = [...]`, the topics that the worker consumes, or remove the group";
        mistakes.push(worker.mistake_in(group.at, what).help(help));
    }
}

/// Requires a `[marks]` section for `marked_by`.
fn check_marks_section(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    if !lacks_section(document, "marks", type_mistakes) {
        return;
    }
    for stage in document.rows("stage[]") {
        if let Some(first) = stage.list("marked_by").into_iter().next() {
            let help = "add [marks], the table of processed markers, or remove `marked_by`";
            mistakes.push(stage.mistake_in(first.at, "`marked_by` without [marks]").help(help));
        }
    }
}

/// Requires a topic for `record_sql`.
fn check_topic_of_record_sql(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for stage in document.rows("stage[]") {
        if let Some(sql) = stage.text("record_sql").filter(|_| lacks_key(&stage, "topic", type_mistakes)) {
            let help = "add `topic = \"...\"`, the topic to send records to, or remove `record_sql`";
            mistakes.push(stage.mistake_in(sql.at, "`record_sql` in a stage without a topic").help(help));
        }
    }
}

/// Requires a broker for dead letters, and a topic that no stage uses.
fn check_dead_letters(document: &Document, type_mistakes: &[Mistake], mistakes: &mut Vec<Mistake>) {
    for row in document.rows("dead_letters") {
        let Some(topic) = row.text("topic") else { continue };
        if lacks_key(&row, "broker", type_mistakes) && lacks_section(document, "kafka", type_mistakes) {
            let help = match document.keys("broker").is_empty() {
                true => "add [kafka] with `service = \"...\"`, the service that runs the broker",
                false => "name its broker with `broker = \"...\"`, or add [kafka]",
            };
            mistakes.push(row.mistake_in(topic.at.clone(), "dead letters without a broker").help(help));
        }
        let stages = document.rows("stage[]");
        let uses_topic = |stage: &&Row| stage.text("topic").is_some_and(|used| used.text == topic.text);
        if let Some(stage) = stages.iter().find(uses_topic) {
            let name = stage.text("name").map_or_else(String::new, |name| format!(" `{}`", name.text));
            let what = format!("the topic `{}` is also used by stage{name}", topic.text);
            let help = "expected a separate topic that holds only dead letters";
            mistakes.push(row.mistake_in(topic.at, what).help(help));
        }
    }
}
