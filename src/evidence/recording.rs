//! Reads and writes recordings: evidence written by `--record` in this version or an earlier one.

use crate::base::renamed_ids::current;
use crate::evidence::recording_schema1;
use crate::evidence::run_evidence::{Evidence, SCHEMA};
use crate::text::json;
use serde::Deserialize;
use std::io;

/// Why a document is not a valid recording.
#[derive(Debug)]
pub enum RecordingError {
    /// The document is not JSON.
    NotJson(serde_json::Error),
    /// The schema version is unsupported or missing.
    Schema(Option<u64>),
    /// The document does not conform to its schema.
    NotEvidence(serde_json::Error),
}

/// The field that identifies the schema of a document.
#[derive(Deserialize)]
struct Header {
    schema: Option<serde_json::Value>,
}

/// Reads a recording and converts it if its schema is older.
pub fn read(text: &str) -> Result<Evidence, RecordingError> {
    // JSON that is not an object has no schema version.
    let schema = match serde_json::from_str::<Header>(text) {
        Ok(header) => header.schema.and_then(|schema| schema.as_u64()),
        Err(error) if error.is_data() => None,
        Err(error) => return Err(RecordingError::NotJson(error)),
    };
    let evidence = match schema {
        Some(schema) if schema == u64::from(SCHEMA) => serde_json::from_str(text),
        Some(schema) if schema == u64::from(recording_schema1::VERSION) => recording_schema1::read(text),
        other => return Err(RecordingError::Schema(other)),
    };
    let mut evidence: Evidence = evidence.map_err(RecordingError::NotEvidence)?;
    let events = evidence.events.iter_mut().map(|event| &mut event.answers);
    for answers in events.chain([&mut evidence.custom]) {
        let old = std::mem::take(answers);
        answers.extend(old.into_iter().map(|(fact, seen)| (current(&fact).into_owned(), seen)));
    }
    Ok(evidence)
}

/// Serialises evidence as the text of a recording.
pub fn write(evidence: &Evidence) -> io::Result<String> {
    let mut document = Vec::new();
    json::write_pretty(evidence, &mut document)?;
    document.push(b'\n');
    String::from_utf8(document).map_err(io::Error::other)
}
