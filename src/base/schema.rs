//! What the JSON Schemas of files and reports have in common. The schemas are
//! derived from the types themselves; `pipeline-doctor schema` prints them.

use schemars::consts::meta_schemas::DRAFT2020_12;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// What an id of a check, cause or signature looks like.
pub const ID: &str = "^[a-z0-9-]+$";

/// What the SQL of a pipeline must not match: it binds no value itself.
pub fn binding() -> Value {
    json!({ "pattern": r"\$[0-9]|\{id\}" })
}

/// The schema of a TOML file.
pub fn of_file<T: JsonSchema>(title: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let tidy =
        settings.with_transform(RecursiveTransform(tidy)).with_transform(RecursiveTransform(never_null));
    let mut schema = tidy.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema
}

/// The schema of a JSON document that is one of several: each adds its own.
/// Fields that a type does not have are in none of them.
pub fn of_document(title: &str, either: &[fn(&mut SchemaGenerator) -> Schema]) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let tidy =
        settings.with_transform(RecursiveTransform(tidy)).with_transform(RecursiveTransform(no_others));
    let mut generator = tidy.into_generator();
    let either: Vec<Schema> = either.iter().map(|one| one(&mut generator)).collect();
    json_schema!({
        "$schema": DRAFT2020_12,
        "title": title,
        "anyOf": either,
        "$defs": generator.take_definitions(true),
    })
}

/// Without what only Rust knows: the sizes of its numbers, links and lines of its docs.
fn tidy(schema: &mut Schema) {
    let of_rust =
        |format: &str| format.starts_with("int") || format.starts_with("uint") || format == "double";
    if schema.get("format").and_then(Value::as_str).is_some_and(of_rust) {
        schema.remove("format");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace("[`", "`").replace("`]", "`").replace('\n', " ");
    }
}

/// TOML has no null: what is optional is left out.
fn never_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".into(), one);
        }
    }
    let null = json!({ "type": "null" });
    let Some(Value::Array(either)) = schema.get_mut("anyOf") else { return };
    either.retain(|one| *one != null);
    if let [Value::Object(one)] = either.as_slice() {
        let one = one.clone();
        schema.remove("anyOf");
        one.into_iter().for_each(|(key, value)| {
            schema.insert(key, value);
        });
    }
}

/// A misspelt field of a document is a mistake.
fn no_others(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".into(), false.into());
    }
}
