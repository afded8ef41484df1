//! Renders JSON documents, which are the contract with scripts.

use crate::base::error::{Error, Mistake};
use crate::base::secret::withhold;
use crate::report::model::{Report, SCHEMA_VERSION};
use crate::report::terminal::Screen;
use crate::text::json::write_pretty;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// A mistake in the configuration or usage.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReportedMistake {
    /// The location of the mistake: a file and line, a flag or an environment variable.
    place: String,
    /// The file, if the mistake is in one.
    file: Option<String>,
    /// The line in the file, counted from 1.
    line: Option<usize>,
    /// The column in the line, counted in characters from 1.
    column: Option<usize>,
    /// What is wrong, and what was expected.
    what: String,
    /// How to fix it, if known.
    help: Option<String>,
}

impl From<&Mistake> for ReportedMistake {
    fn from(mistake: &Mistake) -> Self {
        let excerpt = mistake.excerpt.as_ref();
        ReportedMistake {
            place: withhold(&mistake.place),
            file: excerpt.map(|excerpt| withhold(&excerpt.file)),
            line: excerpt.map(|excerpt| excerpt.line),
            column: excerpt.map(|excerpt| excerpt.column),
            what: withhold(&mistake.what),
            help: mistake.help.as_deref().map(withhold),
        }
    }
}

/// Writes a report as one JSON document.
pub fn render(report: &Report, _: Screen, out: &mut dyn Write) -> io::Result<()> {
    write(report, out)
}

/// Writes any document as JSON.
pub fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_pretty(document, out)?;
    writeln!(out)
}

/// The document that replaces the report if the run ends with an error.
#[derive(Serialize, JsonSchema)]
pub struct NoReport {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema_version: u32,
    /// The error that ended the run.
    error: ReportedError,
}

/// The error that ended a run without a report.
#[derive(Serialize, JsonSchema)]
struct ReportedError {
    /// 1 for an internal error, 2 for wrong usage or configuration.
    exit_code: u8,
    /// The complete error message.
    message: String,
    /// The mistakes that the user can fix.
    mistakes: Vec<ReportedMistake>,
}

/// Writes an error as one JSON document.
pub fn render_error(error: &Error, out: &mut dyn Write) -> io::Result<()> {
    let mistakes = match error {
        Error::Usage(mistakes) => mistakes.as_slice(),
        Error::Internal(_) | Error::OutputClosed => &[],
    };
    let mistakes = mistakes.iter().map(ReportedMistake::from).collect();
    let reported = ReportedError { exit_code: error.exit_code(), message: error.to_string(), mistakes };
    write(&NoReport { schema_version: SCHEMA_VERSION, error: reported }, out)
}

/// Writes an explanation or a generated script as one JSON document.
pub fn render_text(id: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    write(&serde_json::json!({ "schema_version": SCHEMA_VERSION, "id": id, "text": text }), out)
}
