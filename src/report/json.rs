//! The JSON document: the contract for scripts.

use super::SCHEMA_VERSION;
use crate::error::{Error, Mistake};
use crate::secret::redact;
use serde::Serialize;
use std::io::{self, Write};

/// A mistake, as scripts read it. `file`, `line` and `column` (both from 1) where
/// it is in a file.
#[derive(Serialize)]
pub(super) struct OneMistake {
    place: String,
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    what: String,
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

/// Writes a report, or what else has its contract in its type, as one JSON document.
pub fn render(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report).map_err(io::Error::from)?;
    writeln!(out)
}

/// Writes an error as one JSON document.
pub fn render_error(error: &Error, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document {
        schema_version: u32,
        error: Shown,
    }
    #[derive(Serialize)]
    struct Shown {
        exit_code: u8,
        message: String,
        mistakes: Vec<OneMistake>,
    }
    let mistakes = match error {
        Error::Usage(mistakes) => mistakes.as_slice(),
        Error::Internal(_) | Error::OutputClosed => &[],
    };
    let mistakes = mistakes.iter().map(OneMistake::from).collect();
    let shown = Shown { exit_code: error.exit_code(), message: error.to_string(), mistakes };
    render(&Document { schema_version: SCHEMA_VERSION, error: shown }, out)
}

/// Writes an explanation, or what it generates, as one JSON document.
pub fn render_text(id: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    render(&serde_json::json!({ "schema_version": SCHEMA_VERSION, "id": id, "text": text }), out)
}
