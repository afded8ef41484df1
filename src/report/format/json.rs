//! The JSON document: the contract for scripts.

use crate::base::error::{Error, Mistake};
use crate::base::secret::redact;
use crate::report::layout::Screen;
use crate::report::model::{Report, SCHEMA_VERSION};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// A mistake, as scripts read it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OneMistake {
    /// Where: a file with its line, a flag, a variable.
    place: String,
    /// The file, where it is in one.
    file: Option<String>,
    /// Its line there, from 1.
    line: Option<usize>,
    /// Its column there, in characters from 1.
    column: Option<usize>,
    /// What is wrong, and what was expected.
    what: String,
    /// The way out, where there is one to name.
    help: Option<String>,
}

impl From<&Mistake> for OneMistake {
    fn from(mistake: &Mistake) -> Self {
        let excerpt = mistake.excerpt.as_ref();
        OneMistake {
            place: redact(&mistake.place),
            file: excerpt.map(|excerpt| redact(&excerpt.file)),
            line: excerpt.map(|excerpt| excerpt.line),
            column: excerpt.map(|excerpt| excerpt.column),
            what: redact(&mistake.what),
            help: mistake.help.as_deref().map(redact),
        }
    }
}

/// Writes a report as one JSON document.
pub fn render(report: &Report, _: Screen, out: &mut dyn Write) -> io::Result<()> {
    write(report, out)
}

/// Writes what has its contract in its type as one JSON document.
pub fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document).map_err(io::Error::from)?;
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

/// Writes an error as one JSON document.
pub fn render_error(error: &Error, out: &mut dyn Write) -> io::Result<()> {
    let mistakes = match error {
        Error::Usage(mistakes) => mistakes.as_slice(),
        Error::Internal(_) | Error::OutputClosed => &[],
    };
    let mistakes = mistakes.iter().map(OneMistake::from).collect();
    let shown = Shown { exit_code: error.exit_code(), message: error.to_string(), mistakes };
    write(&NoReport { schema_version: SCHEMA_VERSION, error: shown }, out)
}

/// Writes an explanation, or what it generates, as one JSON document.
pub fn render_text(id: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    write(&serde_json::json!({ "schema_version": SCHEMA_VERSION, "id": id, "text": text }), out)
}
