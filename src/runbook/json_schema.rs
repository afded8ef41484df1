//! JSON Schema rules for checks and causes that their Rust types alone cannot express.

use crate::base::renamed_ids::old_names;
use crate::runbook::custom_fact;
use crate::runbook::fact_info::FactInfo;
use crate::runbook::fact_value::Kind;
use crate::runbook::log_signature;
use crate::runbook::scope::Scope;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Returns the schema for the fact names of log signatures and custom facts. [`with_facts`] adds
/// the names in the registry.
pub(crate) fn fact_name(_: &mut SchemaGenerator) -> Schema {
    let of_signatures = json!({
        "pattern": format!("^{}", log_signature::FACT_PREFIX.replace('.', r"\.")),
        "description": "Whether the log has no record that matches the signature with this id.",
    });
    let custom =
        json!({ "pattern": custom_fact::NAME_PATTERN, "description": "A custom fact from a [[fact]] row." });
    json_schema!({ "type": "string", "anyOf": [of_signatures, custom] })
}

/// Returns the rules that depend on a check's fact; empty until [`with_facts`] fills them in.
pub(crate) fn rules_by_fact() -> Vec<Value> {
    Vec::new()
}

/// Adds the facts of a registry to the schema of a catalog file.
pub fn with_facts(mut schema: Schema, registry: &[FactInfo]) -> Schema {
    let names = registry.iter().flat_map(|fact| {
        let renamed = format!("Renamed to `{}`.", fact.name);
        let old = old_names(fact.name).map(move |old| (old, renamed.clone()));
        [(fact.name, fact.doc.to_string())].into_iter().chain(old)
    });
    let constants = names.map(|(name, doc)| json!({ "const": name, "description": doc }));
    if let Some(Value::Array(any_of)) = schema.pointer_mut("/$defs/Check/properties/fact/anyOf") {
        any_of.splice(..0, constants);
    }
    if let Some(all_of) = schema.pointer_mut("/$defs/Check/allOf") {
        *all_of = fact_rules(registry).into();
    }
    schema
}

/// Returns one rule for each set of facts with the same scopes and kind. It lists the subjects and
/// expectations that their checks may have.
fn fact_rules(registry: &[FactInfo]) -> Vec<Value> {
    let mut groups: Vec<(&[Scope], Kind, Vec<String>)> = Vec::new();
    for fact in registry {
        let old = old_names(fact.name).map(String::from);
        let names = [fact.name.to_string()].into_iter().chain(old);
        match groups.iter_mut().find(|(scopes, kind, _)| *scopes == fact.scopes && *kind == fact.kind) {
            Some((_, _, all)) => all.extend(names),
            None => groups.push((fact.scopes, fact.kind, names.collect())),
        }
    }
    let rule = |(scopes, kind, names): (&[Scope], Kind, Vec<String>)| {
        json!({
            "if": { "properties": { "fact": { "enum": names } }, "required": ["fact"] },
            "then": { "properties": { "for_each": { "enum": scopes }, "expect": expectation(kind) } },
        })
    };
    groups.into_iter().map(rule).collect()
}

/// Returns the schema for expectations about a kind of value, with the valid operators and their values.
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

/// Requires a cause to have either links or members.
pub(crate) fn links_or_members(schema: &mut Schema) {
    let non_empty = |field: &str| json!({ "properties": { field: { "minItems": 1 } }, "required": [field] });
    let empty = json!({ "maxItems": 0 });
    schema.insert("if".into(), non_empty("any_of"));
    schema.insert(
        "then".into(),
        json!({ "properties": { "always": empty, "usually": empty, "sometimes": empty } }),
    );
    schema.insert("else".into(), non_empty("always"));
}
