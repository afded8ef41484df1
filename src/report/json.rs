//! The JSON document: the contract for scripts.

use super::trace::Trace;
use super::traces::Traces;
use super::{Report, SCHEMA_VERSION};
use crate::error::{Error, Mistake};
use crate::secret::redact;
use serde::Serialize;
use std::io::{self, Write};

/// Writes the report as one JSON document.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document(report, out)
}

/// Writes the trace of one event as one JSON document.
pub fn render_trace(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    document(trace, out)
}

/// Writes the traces of several events as one JSON document.
pub fn render_traces(traces: &Traces, out: &mut dyn Write) -> io::Result<()> {
    document(traces, out)
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
    #[derive(Serialize)]
    struct OneMistake {
        place: String,
        what: String,
        help: Option<String>,
    }
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
    document(&Document { schema_version: SCHEMA_VERSION, error: shown }, out)
}

/// Writes an explanation, or what it generates, as one JSON document.
pub fn render_text(id: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    document(&serde_json::json!({ "schema_version": SCHEMA_VERSION, "id": id, "text": text }), out)
}

fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)
}
