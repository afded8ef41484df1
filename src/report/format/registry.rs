//! The formats of a report: what `--format` takes, its help and what it prints come from here.

use crate::report::format::{json, table};
use crate::report::layout::Screen;
use crate::report::model::Report;
use std::io::{self, Write};

/// A format that a report can be shown in.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as `--format` takes it.
    pub name: &'static str,
    /// What it is, as the help says it.
    pub help: &'static str,
    /// Writes a report.
    pub render: fn(&Report, Screen, &mut dyn Write) -> io::Result<()>,
}

/// All formats, in display order.
pub const FORMATS: &[Format] = &[
    Format { name: "table", help: "For a terminal", render: table::render },
    Format { name: "json", help: "One JSON document", render: json::render },
];

/// The format of that name.
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
