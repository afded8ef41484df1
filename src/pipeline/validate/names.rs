//! Every name in a pipeline that refers to something must be that of something,
//! and no two things have one name.

use crate::base::error::Mistake;
use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::input::document::{Document, Entry, Row};
use crate::input::names::{Names, twice};
use crate::pipeline::model::HopKind;
use crate::pipeline::validate::requests;

/// Which names refer to what.
const TO_SERVICE: &[&str] =
    &["kafka.service", "broker.*.service", "postgres.service", "database.*.service", "call.service"];
const TO_WORKER: &[&str] = &["stage[].worker"];
const TO_PART: &[&str] = &[
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

/// Everything that has a name, and what two of it are called.
const NAMED: &[(&[&str], &str)] = &[
    (&["service[].name", "worker[].name"], "services or workers"),
    (&["topic[].name"], "topics"),
    (&["stage[].name"], "stages"),
    (&["event.keys[]"], "keys"),
];

/// Checks the names of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let of = |what, section: &str| rows(document, what, section);
    let services = of("service", "service[]");
    let workers = of("worker", "worker[]");
    let parts = workers.and("service or worker", &services);
    let known = |what, list: Vec<String>| Names { what, list, some_lost: document.has_lost_rows() };
    let tables = |path| document.keys(path).into_iter().map(String::from).collect();
    let keys = known("key", document.texts("event.keys[]").into_iter().map(|entry| entry.text).collect());
    let mut must = |paths: &[&str], names: &Names| {
        paths.iter().for_each(|path| names.must_have(&document.texts(path), source, mistakes));
    };
    must(TO_SERVICE, &services);
    must(TO_WORKER, &workers);
    must(TO_PART, &parts);
    must(TO_TOPIC, &of("topic", "topic[]"));
    must(TO_STAGE, &of("stage", "stage[]"));
    must(TO_KEY, &keys);
    must(TO_BROKER, &known("broker", tables("broker")));
    must(TO_DATABASE, &known("database", tables("database")));
    for stage in document.rows("stage[]") {
        hops(document, stage).must_have(&stage.list("hops"), source, mistakes);
        marked_by(document, stage, &parts, mistakes);
    }
    for path in document.texts("call.harmless.path") {
        requests::keys(&path, source, &keys, mistakes);
    }
    for request in document.rows("call.harmless") {
        requests::check(&request, source, mistakes);
    }
    duplicates(document, mistakes);
    reserved(document, mistakes);
}

/// The main broker and database have names of their own, which no other may have.
fn reserved(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (section, name) in [("broker", MAIN_BROKER), ("database", MAIN_DATABASE)] {
        for entry in document.texts(&format!("{section}.{name}.service")) {
            let what = format!("a further {section} cannot be called `{name}`");
            let mistake = document.source().mistake_in(entry.at, what);
            mistakes.push(mistake.help(format!("`{name}` is the one that [{name}] declares")));
        }
    }
}

fn rows(document: &Document, what: &'static str, section: &str) -> Names {
    let rows = document.rows(section);
    let names: Vec<String> = rows.iter().filter_map(|row| Some(row.text("name")?.text)).collect();
    let some_lost = names.len() < rows.len() || document.has_lost_rows();
    Names { what, list: names, some_lost }
}

/// What can be a hop of a stage: the words, and the names of the stage's lines.
fn hops(document: &Document, stage: Row) -> Names {
    let name = stage.text("name").map(|name| name.text);
    let lines = document.rows("line[]");
    let stages = rows(document, "stage", "stage[]");
    // A line whose stage is wrong may be of this one.
    let is_own = |of: &str| Some(of) == name.as_deref() || !stages.list.iter().any(|known| known == of);
    let own = |line: &&Row| name.is_none() || line.text("stage").is_none_or(|of| is_own(&of.text));
    let lines: Vec<_> =
        lines.iter().filter(own).map(|line| line.text("name").map(|name| name.text)).collect();
    let some_lost = lines.contains(&None) || document.has_lost_rows();
    let named = HopKind::NAMED.iter().map(|(name, _)| (*name).to_string());
    Names { what: "hop", list: named.chain(lines.into_iter().flatten()).collect(), some_lost }
}

/// A source need not be a service's name; but one that is nearly so is a slip.
fn marked_by(document: &Document, stage: Row, parts: &Names, mistakes: &mut Vec<Mistake>) {
    for owner in stage.list("marked_by").iter().filter(|owner| !parts.has(&owner.text)) {
        if let Some(near) = parts.nearest(&owner.text) {
            let what = format!("`marked_by` names nobody: `{}`", owner.text);
            let mistake = document.source().mistake_in(owner.at.clone(), what);
            mistakes.push(mistake.help(format!("did you mean `{near}`?")));
        }
    }
}

fn duplicates(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let mut tell = |entries: &[Entry], what: &str| {
        // What says nothing is told by itself.
        for entry in twice(entries).into_iter().filter(|entry| !entry.text.trim().is_empty()) {
            let mistake =
                source.mistake_in(entry.at.clone(), format!("two {what} are called `{}`", entry.text));
            mistakes.push(mistake.help("give one of them another name, or take it out"));
        }
    };
    for (paths, what) in NAMED {
        let entries: Vec<Entry> = paths.iter().flat_map(|path| document.texts(path)).collect();
        tell(&entries, what);
    }
    // A line is known by its name only among those of its part at its stage.
    let mut lines: Vec<(Option<String>, Option<String>, Vec<Entry>)> = Vec::new();
    for row in document.rows("line[]") {
        let [part, stage] = ["part", "stage"].map(|key| row.text(key).map(|entry| entry.text));
        match lines.iter_mut().find(|(p, s, _)| (p, s) == (&part, &stage)) {
            Some((_, _, names)) => names.extend(row.text("name")),
            None => lines.push((part, stage, row.text("name").into_iter().collect())),
        }
    }
    lines.iter().for_each(|(_, _, names)| tell(names, "lines of one part and stage"));
}
