//! The JSON document: the contract for scripts.

use super::SCHEMA_VERSION;
use crate::error::{Error, Mistake};
use crate::secret::redact;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// Writes a report, or what else has its contract in its type, as one JSON document.
pub fn render(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report).map_err(io::Error::from)?;
    writeln!(out)
}

/// What is written in the place of a report where there is none.
#[derive(Serialize, JsonSchema)]
pub struct NoReport {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema_version: u32,
    /// Why.
    error: Shown,
}

/// Why a run ended without a report.
#[derive(Serialize, JsonSchema)]
struct Shown {
    /// 1: the program itself failed; 2: wrong usage or configuration.
    exit_code: u8,
    /// All of it in words.
    message: String,
    /// What the user can put right.
    mistakes: Vec<OneMistake>,
}

/// One mistake in what the user gave.
#[derive(Serialize, JsonSchema)]
struct OneMistake {
    /// Where: a file with its line, a flag, a variable.
    place: String,
    /// What is wrong, and what was expected.
    what: String,
    /// The way out, where there is one to name.
    help: Option<String>,
}

/// Writes an error as one JSON document.
pub fn render_error(error: &Error, out: &mut dyn Write) -> io::Result<()> {
    let mistakes = match error {
        Error::Usage(mistakes) => mistakes.as_slice(),
        Error::Internal(_) | Error::OutputClosed => &[],
    };
    fn one(mistake: &Mistake) -> OneMistake {
        OneMistake {
            place: redact(&mistake.place),
            what: redact(&mistake.what),
            help: mistake.help.as_deref().map(redact),
        }
    }
    let mistakes = mistakes.iter().map(one).collect();
    let shown = Shown { exit_code: error.exit_code(), message: error.to_string(), mistakes };
    render(&NoReport { schema_version: SCHEMA_VERSION, error: shown }, out)
}

/// Writes an explanation, or what it generates, as one JSON document.
pub fn render_text(id: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    render(&serde_json::json!({ "schema_version": SCHEMA_VERSION, "id": id, "text": text }), out)
}
