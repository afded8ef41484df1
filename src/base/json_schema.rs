//! Helpers shared by the JSON Schemas of files and reports. The schemas are derived from the
//! types; `pipeline-doctor schema` prints them.

use schemars::consts::meta_schemas::DRAFT2020_12;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// The pattern for check, cause and signature ids.
pub const ID: &str = "^[a-z0-9-]+$";

/// Returns a schema that pipeline SQL must not match, because the SQL may not bind values.
pub fn bound_value() -> Value {
    json!({ "pattern": r"\$[0-9]|\{id\}" })
}

/// Returns the schema for a TOML file.
pub fn file_schema<T: JsonSchema>(title: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let settings =
        settings.with_transform(RecursiveTransform(tidy)).with_transform(RecursiveTransform(remove_null));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema
}

/// Returns the schema for a JSON document that has one of several shapes. No shape allows unknown
/// fields.
pub fn document_schema(title: &str, alternatives: &[fn(&mut SchemaGenerator) -> Schema]) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings =
        settings.with_transform(RecursiveTransform(tidy)).with_transform(RecursiveTransform(deny_unknown));
    let mut generator = settings.into_generator();
    let alternatives: Vec<Schema> = alternatives.iter().map(|build| build(&mut generator)).collect();
    json_schema!({
        "$schema": DRAFT2020_12,
        "title": title,
        "anyOf": alternatives,
        "$defs": generator.take_definitions(true),
    })
}

/// Removes Rust-specific details: number sizes, and the links and line breaks in doc comments.
fn tidy(schema: &mut Schema) {
    let is_rust_format =
        |format: &str| format.starts_with("int") || format.starts_with("uint") || format == "double";
    if schema.get("format").and_then(Value::as_str).is_some_and(is_rust_format) {
        schema.remove("format");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace("[`", "`").replace("`]", "`").replace('\n', " ");
    }
}

/// Removes `null`, which TOML lacks. Optional keys are omitted instead.
fn remove_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    let null = json!({ "type": "null" });
    let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") else { return };
    alternatives.retain(|alternative| *alternative != null);
    if let [Value::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        only.into_iter().for_each(|(key, value)| {
            schema.insert(key, value);
        });
    }
}

/// Forbids unknown fields, so that a misspelled field fails validation.
fn deny_unknown(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".into(), false.into());
    }
}
