//! Reads recordings: evidence as `--record` wrote it, by this version or an earlier one.

use crate::evidence::document::{Evidence, SCHEMA};
use crate::evidence::schema1;
use serde::Deserialize;

/// Why a text is not read as a recording.
#[derive(Debug)]
pub enum Unread {
    /// It is not JSON.
    NotJson(serde_json::Error),
    /// It has this schema, or none.
    Schema(Option<u64>),
    /// It is not what its schema says.
    NotEvidence(serde_json::Error),
}

/// The part of every document that says what the rest is.
#[derive(Deserialize)]
struct Head {
    schema: Option<serde_json::Value>,
}

/// Reads a recording; one of an earlier schema is converted.
pub fn read(text: &str) -> Result<Evidence, Unread> {
    // What is JSON and no object has no schema.
    let schema = match serde_json::from_str::<Head>(text) {
        Ok(head) => head.schema.and_then(|schema| schema.as_u64()),
        Err(error) if error.is_data() => None,
        Err(error) => return Err(Unread::NotJson(error)),
    };
    let evidence = match schema {
        Some(schema) if schema == u64::from(SCHEMA) => serde_json::from_str(text),
        Some(schema) if schema == u64::from(schema1::OLD) => schema1::evidence(text),
        other => return Err(Unread::Schema(other)),
    };
    evidence.map_err(Unread::NotEvidence)
}

/// The text of a recording.
pub fn write(evidence: &Evidence) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(evidence)? + "\n")
}
