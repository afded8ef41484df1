//! The registry of report formats: `--format` takes its values, help and renderers from here.

use crate::report::format::{json, table};
use crate::report::model::Report;
use crate::report::terminal::Screen;
use std::io::{self, Write};

/// An output format for reports.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The value of `--format`.
    pub name: &'static str,
    /// The description in the help text.
    pub help: &'static str,
    /// Writes a report.
    pub render: fn(&Report, Screen, &mut dyn Write) -> io::Result<()>,
}

/// All formats, in display order.
pub const FORMATS: &[Format] = &[
    Format { name: "table", help: "For a terminal", render: table::render },
    Format { name: "json", help: "One JSON document", render: json::render },
];

/// Looks up a format by name.
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
