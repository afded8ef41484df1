//! The JSON document: the contract for scripts.

use super::{Report, SCHEMA_VERSION};
use crate::error::{Error, Mistake};
use serde::Serialize;
use std::io::{self, Write};

/// Writes the report as one JSON document.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document(report, out)
}

/// Writes an error as one JSON document.
pub fn render_error(error: &Error, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema_version: u32,
        error: Shown<'a>,
    }
    #[derive(Serialize)]
    struct Shown<'a> {
        exit_code: u8,
        message: String,
        mistakes: Vec<OneMistake<'a>>,
    }
    #[derive(Serialize)]
    struct OneMistake<'a> {
        place: &'a str,
        what: &'a str,
        help: Option<&'a str>,
    }
    let mistakes = match error {
        Error::Usage(mistakes) => mistakes.as_slice(),
        Error::Internal(_) | Error::OutputClosed => &[],
    };
    fn one(mistake: &Mistake) -> OneMistake<'_> {
        OneMistake { place: &mistake.place, what: &mistake.what, help: mistake.help.as_deref() }
    }
    let mistakes = mistakes.iter().map(one).collect();
    let shown = Shown { exit_code: error.exit_code(), message: error.to_string(), mistakes };
    document(&Document { schema_version: SCHEMA_VERSION, error: shown }, out)
}

fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)
}
