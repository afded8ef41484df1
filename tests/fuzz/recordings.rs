//! Recordings, from `--replay` to every format.

use crate::input::{Change, changed, changes, text};
use crate::support::outputs::{self, Kind, SCREENS};
use crate::support::pipelines::recorded;
use crate::support::replay::Runbook;
use crate::watch::{assert_visible, run};
use pipeline_doctor::evidence::recording;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::runbook::catalog::Catalog;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use std::path::Path;

/// What replaces a value in a recording.
#[derive(Debug, Clone)]
enum Edit {
    Value(Index, Value),
    Remove(Index),
    Swap(Index, Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let extreme = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(i32::MAX),
        json!(1e308),
        json!(""),
        json!([]),
        json!({}),
        json!("9999-12-30T22:00:00.999999999Z"),
        json!("-009999-01-02T01:59:59Z"),
        json!("1970-01-01T00:00:00Z"),
        json!("x".repeat(100_000)),
        json!("running"),
        json!("known"),
    ]);
    let value = prop_oneof![3 => extreme, 2 => text(8).prop_map(Value::from)];
    let edit = prop_oneof![
        30 => (any::<Index>(), value).prop_map(|(at, value)| Edit::Value(at, value)),
        1 => any::<Index>().prop_map(Edit::Remove),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Edit::Swap(one, other)),
    ];
    prop::collection::vec(edit, 1..12)
}

/// Returns the JSON pointers to all values below the root.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        pointers(value, &at, found);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, value)| below(&i.to_string(), value)),
        _ => {}
    }
}

fn edited(document: &Value, edits: &[Edit]) -> Value {
    let mut document = document.clone();
    for edit in edits {
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        if all.is_empty() {
            break;
        }
        let at = |index: &Index| all[index.index(all.len())].clone();
        match edit {
            Edit::Value(index, value) => {
                // Another type is refused at once, so few of those that the generator makes are used.
                let is_same_type = |old: &Value| std::mem::discriminant(old) == std::mem::discriminant(value);
                if let Some(old) = document.pointer_mut(&at(index)).filter(|old| is_same_type(old)) {
                    *old = value.clone();
                }
            }
            Edit::Remove(index) => {
                let at = at(index);
                let (parent, key) = at.rsplit_once('/').unwrap_or_default();
                match document.pointer_mut(parent) {
                    Some(Value::Object(fields)) => drop(fields.remove(key)),
                    Some(Value::Array(items)) => items.clear(),
                    _ => {}
                }
            }
            Edit::Swap(one, other) => {
                let (one, other) = (at(one), at(other));
                let copy = document.pointer(&one).cloned().unwrap_or_default();
                if let Some(old) = document.pointer_mut(&other) {
                    *old = copy;
                }
            }
        }
    }
    document
}

/// Reads a recording and renders everything. Returns whether it was accepted.
fn replay(text: &str, pipeline: &Pipeline, catalog: &Catalog) -> bool {
    let Ok(evidence) = recording::read(text) else { return false };
    for output in outputs::of_evidence(&evidence, pipeline, catalog, &SCREENS) {
        assert_visible(&output.text);
        if output.kind == Kind::Json {
            serde_json::from_str::<Value>(&output.text).unwrap();
        }
    }
    let written = recording::write(&evidence).unwrap();
    assert_eq!(recording::read(&written).unwrap(), evidence);
    true
}

#[test]
fn recordings() {
    let mut all = Vec::new();
    for recorded in recorded() {
        let runbook = Runbook::of(Some(Path::new(&crate::support::root().join(&recorded.config))));
        let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap();
        let documents: Vec<String> = recorded.recordings.iter().map(read).collect();
        all.push((runbook, documents));
    }
    let accepted = std::cell::Cell::new(0_u32);
    let strategy = (any::<Index>(), any::<Index>(), edits(), prop::option::weighted(0.1, changes(4)));
    let check = |(pipeline, which, edits, changes): (Index, Index, Vec<Edit>, Option<Vec<Change>>)| {
        let (runbook, documents) = &all[pipeline.index(all.len())];
        let text = &documents[which.index(documents.len())];
        let text = match changes {
            Some(changes) => changed(text, &changes),
            None => edited(&serde_json::from_str(text).unwrap(), &edits).to_string(),
        };
        let is_accepted = replay(&text, &runbook.pipeline, &runbook.catalog);
        accepted.set(accepted.get() + u32::from(is_accepted));
    };
    run("recordings", 20_000, &strategy, check);
    println!("recordings: {} were accepted and rendered", accepted.get());
}
