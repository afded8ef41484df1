//! The formats of a trace: what `trace --format` takes, its help and what it prints come
//! from here.

use crate::report::layout::Screen;
use crate::trace::model::{Trace, Traces};
use crate::trace::{json, table};
use std::io::{self, Write};

/// A format that traces can be shown in.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as `--format` takes it.
    pub name: &'static str,
    /// What it is, as the help says it.
    pub help: &'static str,
    /// Writes the trace of one event.
    pub render: fn(&Trace, Screen, &mut dyn Write) -> io::Result<()>,
    /// Writes those of several.
    pub render_all: fn(&Traces, Screen, &mut dyn Write) -> io::Result<()>,
    /// Writes what has been seen of an event since the look before, if it is shown as it
    /// is followed.
    pub render_news: Option<RenderNews>,
    /// Writes the last look at an event that was followed.
    pub render_end: fn(&Trace, Screen, &mut dyn Write) -> io::Result<()>,
}

/// Writes what is new in a trace beside the one before.
pub type RenderNews = fn(&Trace, Option<&Trace>, Screen, &mut dyn Write) -> io::Result<()>;

/// All formats, in display order.
pub const FORMATS: &[Format] = &[
    Format {
        name: "table",
        help: "For a terminal",
        render: table::render,
        render_all: table::render_all,
        render_news: Some(table::render_news),
        render_end: table::render_end,
    },
    Format {
        name: "json",
        help: "One JSON document",
        render: json::render,
        render_all: json::render_all,
        render_news: None,
        render_end: json::render,
    },
];

/// The format of that name.
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
