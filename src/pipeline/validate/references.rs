//! Checks that every reference in a pipeline names something that exists, and that names are
//! unique.

use crate::base::error::Mistake;
use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::input::row_references::{Names, duplicates};
use crate::input::toml_document::{Document, Entry, Row};
use crate::pipeline::model::HopKind;
use crate::pipeline::validate::http_requests;

/// Paths to references, grouped by the kind of their target.
const TO_SERVICE: &[&str] =
    &["kafka.service", "broker.*.service", "postgres.service", "database.*.service", "call.service"];
const TO_WORKER: &[&str] = &["stage[].worker"];
const TO_COMPONENT: &[&str] = &[
    "stage[].emitter",
    "line[].part",
    "kafka.used_by",
    "broker.*.used_by",
    "postgres.used_by",
    "database.*.used_by",
];
const TO_DATABASE: &[&str] = &["stage[].database", "marks.database"];
const TO_BROKER: &[&str] = &["topic[].broker", "dead_letters.broker"];
const TO_TOPIC: &[&str] = &["worker[].topics[]", "stage[].topic"];
const TO_STAGE: &[&str] = &["line[].stage", "call.stage", "stage[].after[]"];
const TO_KEY: &[&str] = &["lookup.*", "call.key"];

/// Paths to names that share a namespace, with the plural used in messages.
const NAMED: &[(&[&str], &str)] = &[
    (&["service[].name", "worker[].name"], "services or workers"),
    (&["topic[].name"], "topics"),
    (&["stage[].name"], "stages"),
    (&["event.keys[]"], "keys"),
];

/// Checks the references and names of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let names_in = |what, section: &str| row_names(document, what, section);
    let services = names_in("service", "service[]");
    let workers = names_in("worker", "worker[]");
    let components = workers.and("service or worker", &services);
    let names =
        |what, list: Vec<String>| Names { what, list, partially_parsed: document.is_partially_parsed() };
    let table_keys = |path| document.keys(path).into_iter().map(String::from).collect();
    let keys = names("key", document.texts("event.keys[]").into_iter().map(|entry| entry.text).collect());
    let mut check_paths = |paths: &[&str], names: &Names| {
        paths.iter().for_each(|path| names.reject_unknown(&document.texts(path), source, mistakes));
    };
    check_paths(TO_SERVICE, &services);
    check_paths(TO_WORKER, &workers);
    check_paths(TO_COMPONENT, &components);
    check_paths(TO_TOPIC, &names_in("topic", "topic[]"));
    check_paths(TO_STAGE, &names_in("stage", "stage[]"));
    check_paths(TO_KEY, &keys);
    check_paths(TO_BROKER, &names("broker", table_keys("broker")));
    check_paths(TO_DATABASE, &names("database", table_keys("database")));
    for stage in document.rows("stage[]") {
        hop_names(document, stage).reject_unknown(&stage.list("hops"), source, mistakes);
        check_marked_by(document, stage, &components, mistakes);
    }
    for path in document.texts("call.harmless.path") {
        http_requests::check_keys(&path, source, &keys, mistakes);
    }
    for request in document.rows("call.harmless") {
        http_requests::check(&request, source, mistakes);
    }
    reject_duplicate_names(document, mistakes);
    reject_reserved_names(document, mistakes);
}

/// Rejects additional brokers and databases that use the reserved name of the main one.
fn reject_reserved_names(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (section, name) in [("broker", MAIN_BROKER), ("database", MAIN_DATABASE)] {
        for entry in document.texts(&format!("{section}.{name}.service")) {
            let what = format!("an additional {section} cannot be called `{name}`");
            let mistake = document.source().mistake_in(entry.at, what);
            mistakes.push(mistake.help(format!("`{name}` is the {section} declared by [{name}]")));
        }
    }
}

fn row_names(document: &Document, what: &'static str, section: &str) -> Names {
    let rows = document.rows(section);
    let names: Vec<String> = rows.iter().filter_map(|row| Some(row.text("name")?.text)).collect();
    let partially_parsed = names.len() < rows.len() || document.is_partially_parsed();
    Names { what, list: names, partially_parsed }
}

/// Returns the valid hops for a stage: the built-in ones and the names of its lines.
fn hop_names(document: &Document, stage: Row) -> Names {
    let name = stage.text("name").map(|name| name.text);
    let lines = document.rows("line[]");
    let stages = row_names(document, "stage", "stage[]");
    // A line with an unknown stage may belong to this one.
    let may_be_this =
        |stage: &str| Some(stage) == name.as_deref() || !stages.list.iter().any(|known| known == stage);
    let may_belong =
        |line: &&Row| name.is_none() || line.text("stage").is_none_or(|stage| may_be_this(&stage.text));
    let lines: Vec<_> =
        lines.iter().filter(may_belong).map(|line| line.text("name").map(|name| name.text)).collect();
    let partially_parsed = lines.contains(&None) || document.is_partially_parsed();
    let named = HopKind::NAMED.iter().map(|(name, _)| (*name).to_string());
    Names { what: "hop", list: named.chain(lines.into_iter().flatten()).collect(), partially_parsed }
}

/// Reports misspelled component names in `marked_by`. Other names are allowed, because a source
/// need not be a component.
fn check_marked_by(document: &Document, stage: Row, components: &Names, mistakes: &mut Vec<Mistake>) {
    for owner in stage.list("marked_by").iter().filter(|owner| !components.has(&owner.text)) {
        if let Some(similar) = components.nearest(&owner.text) {
            let what = format!("unknown source in `marked_by`: `{}`", owner.text);
            let mistake = document.source().mistake_in(owner.at.clone(), what);
            mistakes.push(mistake.help(format!("did you mean `{similar}`?")));
        }
    }
}

fn reject_duplicate_names(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let mut reject = |entries: &[Entry], what: &str| {
        // Empty names are reported separately.
        for entry in duplicates(entries).into_iter().filter(|entry| !entry.text.trim().is_empty()) {
            let mistake =
                source.mistake_in(entry.at.clone(), format!("two {what} are called `{}`", entry.text));
            mistakes.push(mistake.help("rename or remove one of them"));
        }
    };
    for (paths, what) in NAMED {
        let entries: Vec<Entry> = paths.iter().flat_map(|path| document.texts(path)).collect();
        reject(&entries, what);
    }
    // The name of a line need only be unique within its component and stage.
    let mut lines: Vec<(Option<String>, Option<String>, Vec<Entry>)> = Vec::new();
    for row in document.rows("line[]") {
        let [component, stage] = ["part", "stage"].map(|key| row.text(key).map(|entry| entry.text));
        match lines.iter_mut().find(|(c, s, _)| (c, s) == (&component, &stage)) {
            Some((_, _, names)) => names.extend(row.text("name")),
            None => lines.push((component, stage, row.text("name").into_iter().collect())),
        }
    }
    lines.iter().for_each(|(_, _, names)| reject(names, "lines for the same component and stage"));
}
