//! The rules of checks and causes that their types alone do not tell an editor.

use crate::runbook::known::Known;
use crate::runbook::own;
use crate::runbook::scope::Scope;
use crate::runbook::signature;
use crate::runbook::value::Kind;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// The name of a fact: a log signature's, or one of the user's own; [`with_facts`] adds
/// those of the registry.
pub(crate) fn fact(_: &mut SchemaGenerator) -> Schema {
    let of_logs = json!({
        "pattern": format!("^{}", signature::FACT.replace('.', r"\.")),
        "description": "Whether the log is clear of the signature of that id.",
    });
    let own = json!({ "pattern": own::NAME, "description": "A fact of your own: a row [[fact]]." });
    json_schema!({ "type": "string", "anyOf": [of_logs, own] })
}

/// What a check may expect, by its fact: [`with_facts`] fills it in.
pub(crate) fn by_fact() -> Vec<Value> {
    Vec::new()
}

/// The schema of a file of rows, where its checks judge the facts of a registry.
pub fn with_facts(mut schema: Schema, registry: &[Known]) -> Schema {
    let named = registry.iter().map(|known| json!({ "const": known.name, "description": known.doc }));
    if let Some(Value::Array(any_of)) = schema.pointer_mut("/$defs/Check/properties/fact/anyOf") {
        any_of.splice(..0, named);
    }
    if let Some(all_of) = schema.pointer_mut("/$defs/Check/allOf") {
        *all_of = fitting(registry).into();
    }
    schema
}

/// What a check may be asked of, and what it may expect, by its fact.
fn fitting(registry: &[Known]) -> Vec<Value> {
    let mut alike: Vec<(&[Scope], Kind, Vec<&str>)> = Vec::new();
    for known in registry {
        match alike.iter_mut().find(|(scopes, kind, _)| *scopes == known.scopes && *kind == known.kind) {
            Some((_, _, names)) => names.push(known.name),
            None => alike.push((known.scopes, known.kind, vec![known.name])),
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
