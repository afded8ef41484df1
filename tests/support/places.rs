//! The places in a document where text from outside may stand: its strings and its names.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Fields of a recording or a pipeline file whose keys are names.
const MAPS: [&str; 27] = [
    "brokers",
    "broker",
    "databases",
    "database",
    "runtimes",
    "topics",
    "groups",
    "other_groups",
    "searches",
    "workloads",
    "logs",
    "extents",
    "effects",
    "records",
    "headers",
    "keys",
    "health",
    "body",
    "answers",
    "custom",
    "counters",
    "committed",
    "images",
    "networks",
    "environment",
    "elsewhere",
    "lookup",
];
/// The states of an observation, which are no names.
const STATES: [&str; 3] = ["known", "unknown", "not-asked"];

/// A kind of place: all strings at the same path, where `*` stands for any name and `[]` for any
/// item. The path of a name ends with `{}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub String);

impl Place {
    /// Reports whether it is the place of a name.
    pub fn is_name(&self) -> bool {
        self.0.ends_with("{}")
    }
}

/// Returns each kind of place in a document, with the first text that stands there.
pub fn places(document: &Value) -> BTreeMap<Place, String> {
    let mut found = BTreeMap::new();
    let mut note = |place: &str, text: &str| {
        found.entry(Place(place.to_string())).or_insert_with(|| text.to_string());
        None
    };
    let mut copy = document.clone();
    visit(&mut copy, "", None, &mut note);
    found
}

/// Returns the document with other text at each place of a kind. Only the first name of a kind
/// changes, because names differ.
pub fn replaced(document: &Value, place: &Place, change: &dyn Fn(&str) -> String) -> Value {
    let mut done = false;
    let mut replace = |at: &str, text: &str| {
        let applies = at == place.0 && !(done && place.is_name());
        done |= applies;
        applies.then(|| change(text))
    };
    let mut copy = document.clone();
    visit(&mut copy, "", None, &mut replace);
    copy
}

/// Returns the document with another text wherever exactly `old` stands, as text or as a name.
pub fn renamed(document: &Value, old: &str, new: &str) -> Value {
    let mut copy = document.clone();
    visit(&mut copy, "", None, &mut |_, text| (text == old).then(|| new.to_string()));
    copy
}

/// Calls `change` with each string and name, and with its kind; what it returns replaces the text.
fn visit(
    value: &mut Value,
    path: &str,
    field: Option<&str>,
    change: &mut dyn FnMut(&str, &str) -> Option<String>,
) {
    match value {
        Value::String(text) => {
            if let Some(new) = change(path, text) {
                *text = new;
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| visit(item, &format!("{path}[]"), None, change))
        }
        Value::Object(fields) => {
            let mut visited = Map::new();
            for (mut key, mut value) in std::mem::take(fields) {
                let is_state = STATES.contains(&key.as_str());
                let is_name = !is_state && field.is_some_and(|field| MAPS.contains(&field));
                let below = if is_name { format!("{path}.*") } else { format!("{path}.{key}") };
                let next = if is_state { field.map(String::from) } else { Some(key.clone()) };
                let next = next.filter(|_| !is_name);
                visit(&mut value, &below, next.as_deref(), change);
                if is_name && let Some(new) = change(&format!("{below}{{}}"), &key) {
                    key = new;
                }
                visited.insert(key, value);
            }
            *fields = visited;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
