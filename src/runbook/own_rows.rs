//! What can be wrong with facts of the user's own.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry, Row};
use crate::input::names::Names;
use crate::input::pattern;
use crate::pipeline::sql;
use crate::pipeline::validate::requests;
use crate::runbook::catalog::Catalog;
use crate::runbook::notes::BUILT_IN;
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

/// What own facts name of a pipeline must be there; the pipeline's file need not be one
/// that can be read as a whole.
pub fn check_names(catalog: &Catalog, pipeline: &Document, mistakes: &mut Vec<Mistake>) {
    let files = |what, list: Vec<String>| Names { what, list, some_lost: pipeline.has_lost_rows() };
    let named = |section: &str, keep: &dyn Fn(&Row) -> bool| -> (Vec<String>, bool) {
        let rows = pipeline.rows(section);
        let names = rows.iter().map(|row| row.text("name").filter(|_| keep(row)).map(|name| name.text));
        (names.flatten().collect(), rows.iter().any(|row| row.text("name").is_none()))
    };
    let is_read = |row: &Row| row.text("role").is_none_or(|role| role.text != "database");
    let (services, lost) = named("service[]", &|_| true);
    let (with_log, _) = named("service[]", &is_read);
    let (workers, worker_lost) = named("worker[]", &|_| true);
    let mut services = files("service", services);
    let mut logged = files("service or worker with a log", with_log.into_iter().chain(workers).collect());
    services.some_lost |= lost;
    logged.some_lost |= lost || worker_lost;
    let further = files("database", pipeline.keys("database").into_iter().map(String::from).collect());
    let keys = files("key", pipeline.texts("event.keys[]").into_iter().map(|entry| entry.text).collect());
    // The built-in files have none.
    for source in catalog.sources.iter().filter(|source| !source.name.starts_with(BUILT_IN)) {
        let Some(document) = Document::of(source) else { continue };
        further.must_have(&document.texts("fact[].database"), source, mistakes);
        services.must_have(&document.texts("fact[].http.service"), source, mistakes);
        logged.must_have(&document.texts("fact[].log.part"), source, mistakes);
        for path in document.texts("fact[].http.path") {
            requests::keys(&path, source, &keys, mistakes);
        }
    }
}
