//! The rules of checks and causes that their types alone do not tell an editor.

use crate::fact::{FACTS, Kind, Scope};
use crate::runbook::own;
use crate::runbook::signature;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// The name of a fact: one of the registry's, or a log signature's.
pub(crate) fn fact(_: &mut SchemaGenerator) -> Schema {
    let named = FACTS.iter().map(|spec| json!({ "const": spec.name, "description": spec.doc }));
    let of_logs = json!({
        "pattern": format!("^{}", signature::FACT.replace('.', r"\.")),
        "description": "Whether the log is clear of the signature of that id.",
    });
    let own = json!({ "pattern": own::NAME, "description": "A fact of your own: a row [[fact]]." });
    let any_of: Vec<Value> = named.chain([of_logs, own]).collect();
    json_schema!({ "type": "string", "anyOf": any_of })
}

/// What a check may be asked of, and what it may expect, by its fact.
pub(crate) fn fitting() -> Vec<Value> {
    let mut alike: Vec<(&[Scope], Kind, Vec<&str>)> = Vec::new();
    for spec in FACTS {
        match alike.iter_mut().find(|(scopes, kind, _)| *scopes == spec.scopes && *kind == spec.kind) {
            Some((_, _, names)) => names.push(spec.name),
            None => alike.push((spec.scopes, spec.kind, vec![spec.name])),
        }
    }
    let fitting = |(scopes, kind, names): (&[Scope], Kind, Vec<&str>)| {
        json!({
            "if": { "properties": { "fact": { "enum": names } }, "required": ["fact"] },
            "then": { "properties": { "for_each": { "enum": scopes }, "expect": expectation(kind) } },
        })
    };
    alike.into_iter().map(fitting).collect()
}

/// The operators that fit a kind, and their values.
fn expectation(kind: Kind) -> Value {
    let value = match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Count => json!({ "type": "integer" }),
        Kind::Words(words) => json!({ "enum": words }),
    };
    let list = match kind {
        Kind::Words(_) => json!({ "items": value }),
        Kind::Bool | Kind::Count => json!(false),
    };
    let ordered = if kind == Kind::Bool { json!(false) } else { value.clone() };
    json!({ "properties": {
        "is": value, "is_not": value,
        "at_least": ordered, "at_most": ordered,
        "one_of": list, "none_of": list,
    } })
}

/// A cause has links, or stands for others that have them.
pub(crate) fn links_or_members(schema: &mut Schema) {
    let some = |field: &str| json!({ "properties": { field: { "minItems": 1 } }, "required": [field] });
    let none = json!({ "maxItems": 0 });
    schema.insert("if".into(), some("any_of"));
    schema.insert(
        "then".into(),
        json!({ "properties": { "always": none, "usually": none, "sometimes": none } }),
    );
    schema.insert("else".into(), some("always"));
}
