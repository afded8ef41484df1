//! What can be wrong with facts of the user's own.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry, Row};
use crate::input::pattern;
use crate::pipeline::sql;
use crate::pipeline::validate::requests;
use crate::runbook::own::{About, Kind, PREFIX};
use std::collections::BTreeSet;

/// Where a fact can be seen.
const SOURCES: [&str; 3] = ["sql", "http", "log"];

/// What is wrong with the rows, as far as that can be seen without a pipeline.
pub fn check(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let mut before = BTreeSet::new();
    for document in files.iter().flatten() {
        let source = document.source();
        for row in document.rows("fact[]") {
            let Some(name) = row.text("name") else { continue };
            let mut tell = |(what, help): (String, &str)| {
                mistakes.push(source.mistake_in(name.at.clone(), what).help(help));
            };
            named(&name).into_iter().for_each(&mut tell);
            if !before.insert(name.text.clone()) {
                tell((format!("two facts are called `{}`", name.text), "give one of them another name"));
            }
            seen_where(&row, &name).into_iter().for_each(&mut tell);
            fits(&row, &name.text, source, mistakes);
            if let Some(statement) = row.text("sql") {
                mistakes.extend(sql::of_own_fact(&statement, source));
            }
        }
        for entry in document.texts("fact[].log.pattern") {
            if pattern::compile(&entry.text).is_ok_and(|compiled| pattern::finds_anything(&compiled)) {
                let mistake = source.mistake_in(entry.at, "a pattern that every record matches");
                mistakes.push(mistake.help("expected words that only such records have"));
            }
        }
    }
}

fn named(name: &Entry) -> Option<(String, &'static str)> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    let good = name.text.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain));
    let help =
        "expected own. and lower-case letters, digits, dots, dashes and underscores: own.refunds_waiting";
    (!good).then(|| (format!("`{}` is not the name of an own fact", name.text), help))
}

fn seen_where(row: &Row, name: &Entry) -> Option<(String, &'static str)> {
    let sources: Vec<&str> = SOURCES.into_iter().filter(|source| row.has(source)).collect();
    let name = &name.text;
    match (sources.as_slice(), row.has("kind")) {
        ([], _) => Some((format!("`{name}` is seen nowhere"), "give it one of sql, http and log")),
        (["sql"], false) => Some((
            format!("`{name}` does not say what its SQL gives"),
            "add kind = \"bool\" or kind = \"count\"",
        )),
        ([_], _) => None,
        (several, _) => Some((
            format!("`{name}` is seen in several places: {}", several.join(", ")),
            "keep one of them; a second one is a second fact",
        )),
    }
}

/// What the types of a row do not tell.
fn fits(row: &Row, name: &str, source: &Source, mistakes: &mut Vec<Mistake>) {
    let harmless = row.table("http").and_then(|request| request.written::<bool>("harmless"));
    if let Some((_, at)) = harmless.filter(|(harmless, _)| !harmless) {
        let mistake = row.mistake_in(at, format!("the request of `{name}` is not harmless"));
        mistakes
            .push(mistake.help("only what changes nothing is asked: a GET, and harmless = true to say so"));
    }
    if let Some(database) = row.text("database").filter(|_| !row.has("sql")) {
        let mistake = row.mistake_in(database.at, format!("`{name}` asks no database"));
        mistakes.push(mistake.help("`database` says where `sql` is asked: take it out, or add `sql`"));
    }
    of_nobody(row, name, mistakes);
    if let Some(request) = row.table("http") {
        requests::check(&request, source, mistakes);
    }
    let kind = row.written::<Kind>("kind").filter(|_| !row.has("sql"));
    let wrong = match kind {
        Some((Kind::Count, at)) if row.has("http") => {
            Some((at, "an answer is no count", "leave `kind` out: it is a bool"))
        }
        Some((Kind::Bool, at)) if row.has("log") => {
            Some((at, "records are no bool", "leave `kind` out: it is a count"))
        }
        _ => None,
    };
    if let Some((at, is, help)) = wrong {
        mistakes.push(row.mistake_in(at, format!("`{name}`: {is}")).help(help));
    }
}

/// What is about the database alone knows no event.
fn of_nobody(row: &Row, name: &str, mistakes: &mut Vec<Mistake>) {
    if row.written::<About>("about").is_none_or(|(about, _)| about != About::Database) {
        return;
    }
    let of_sql = row.text("sql").filter(|entry| sql::binds_id(&entry.text)).map(|entry| entry.at);
    let of_log = row.table("log").and_then(|log| log.written::<bool>("of_id"));
    let of_log = of_log.filter(|(of_id, _)| *of_id).map(|(_, at)| at);
    let of_http = row.table("http").and_then(|http| http.text("path"));
    let of_http = of_http.filter(|path| path.text.contains('{')).map(|path| path.at);
    for at in [of_sql, of_log, of_http].into_iter().flatten() {
        let mistake = row.mistake_in(at, format!("`{name}` is about the database and asks for an event"));
        mistakes.push(mistake.help("say about = \"event\", or ask without the event"));
    }
}
