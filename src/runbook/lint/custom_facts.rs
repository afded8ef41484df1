//! Mistakes in custom facts.

use crate::base::error::Mistake;
use crate::base::renamed_ids::current;
use crate::input::Source;
use crate::input::regex_pattern;
use crate::input::toml_document::{Document, Entry, Row};
use crate::pipeline::sql;
use crate::pipeline::validate::http_requests;
use crate::runbook::custom_fact::{About, Kind, PREFIX};
use std::collections::BTreeSet;

/// The keys that give a fact its source.
const SOURCES: [&str; 3] = ["sql", "http", "log"];

/// Reports the mistakes that can be found without a pipeline.
pub fn check(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let mut names = BTreeSet::new();
    for document in files.iter().flatten() {
        let source = document.source();
        for row in document.rows("fact[]") {
            let Some(name) = row.text("name") else { continue };
            let mut report = |(what, help): (String, &str)| {
                mistakes.push(source.mistake_in(name.at.clone(), what).help(help));
            };
            invalid_name(&name).into_iter().for_each(&mut report);
            if !names.insert(name.text.clone()) {
                report((format!("two facts are named `{}`", name.text), "rename one of them"));
            }
            invalid_source(&row, &name).into_iter().for_each(&mut report);
            check_source(&row, &name.text, source, mistakes);
            if let Some(statement) = row.text("sql") {
                mistakes.extend(sql::custom_fact_mistakes(&statement, source));
            }
        }
        for entry in document.texts("fact[].log.pattern") {
            if regex_pattern::compile(&entry.text)
                .is_ok_and(|compiled| regex_pattern::matches_everything(&compiled))
            {
                let mistake = source.mistake_in(entry.at, "this pattern matches every record");
                mistakes.push(mistake.help("expected words that only the wanted records contain"));
            }
        }
    }
}

fn invalid_name(name: &Entry) -> Option<(String, &'static str)> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    let is_valid = current(&name.text)
        .strip_prefix(PREFIX)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_allowed));
    let help = "expected `custom.` followed by lower-case letters, digits, dots, dashes or underscores: custom.refunds_waiting";
    (!is_valid).then(|| (format!("`{}` is not the name of a custom fact", name.text), help))
}

fn invalid_source(row: &Row, name: &Entry) -> Option<(String, &'static str)> {
    let sources: Vec<&str> = SOURCES.into_iter().filter(|source| row.has(source)).collect();
    let name = &name.text;
    match (sources.as_slice(), row.has("kind")) {
        ([], _) => Some((format!("`{name}` has no source"), "add one of `sql`, `http` and `log`")),
        (["sql"], false) => Some((
            format!("`{name}` does not specify what kind of value its SQL returns"),
            "add kind = \"bool\" or kind = \"count\"",
        )),
        ([_], _) => None,
        (several, _) => Some((
            format!("`{name}` has several sources: {}", several.join(", ")),
            "keep one of them, and declare another fact for each of the others",
        )),
    }
}

/// Checks the keys of a row against its source.
fn check_source(row: &Row, name: &str, source: &Source, mistakes: &mut Vec<Mistake>) {
    let harmless = row.table("http").and_then(|request| request.value_as::<bool>("harmless"));
    if let Some((_, at)) = harmless.filter(|(harmless, _)| !harmless) {
        let mistake = row.mistake_in(at, format!("the request for `{name}` is not marked as harmless"));
        mistakes.push(
            mistake.help("only GET requests that change nothing are sent: confirm with harmless = true"),
        );
    }
    if let Some(database) = row.text("database").filter(|_| !row.has("sql")) {
        let mistake = row.mistake_in(database.at, format!("`{name}` has `database` without `sql`"));
        mistakes.push(mistake.help("`database` selects where `sql` runs: remove it, or add `sql`"));
    }
    reject_event_in_database_fact(row, name, mistakes);
    if let Some(request) = row.table("http") {
        http_requests::check(&request, source, mistakes);
    }
    let kind = row.value_as::<Kind>("kind").filter(|_| !row.has("sql"));
    let invalid = match kind {
        Some((Kind::Count, at)) if row.has("http") => {
            Some((at, "an `http` fact cannot be a count", "remove `kind`: the value is a bool"))
        }
        Some((Kind::Bool, at)) if row.has("log") => {
            Some((at, "a `log` fact cannot be a bool", "remove `kind`: the value is a count"))
        }
        _ => None,
    };
    if let Some((at, is, help)) = invalid {
        mistakes.push(row.mistake_in(at, format!("`{name}`: {is}")).help(help));
    }
}

/// Rejects references to an event in a fact about the database.
fn reject_event_in_database_fact(row: &Row, name: &str, mistakes: &mut Vec<Mistake>) {
    if row.value_as::<About>("about").is_none_or(|(about, _)| about != About::Database) {
        return;
    }
    let in_sql = row.text("sql").filter(|entry| sql::binds_id(&entry.text)).map(|entry| entry.at);
    let in_log = row.table("log").and_then(|log| log.value_as::<bool>("of_id"));
    let in_log = in_log.filter(|(of_id, _)| *of_id).map(|(_, at)| at);
    let in_http = row.table("http").and_then(|http| http.text("path"));
    let in_http = in_http.filter(|path| path.text.contains('{')).map(|path| path.at);
    for at in [in_sql, in_log, in_http].into_iter().flatten() {
        let mistake = row.mistake_in(at, format!("`{name}` is about the database but refers to an event"));
        mistakes.push(mistake.help("set about = \"event\", or remove the reference to the event"));
    }
}
