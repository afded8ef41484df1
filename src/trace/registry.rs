//! The registry of trace formats: `trace --format` takes its values, help and renderers
//! from here.

use crate::report::terminal::Screen;
use crate::trace::model::{Trace, Traces};
use crate::trace::{json, table};
use std::io::{self, Write};

/// An output format for traces.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The value of `--format`.
    pub name: &'static str,
    /// The description in the help text.
    pub help: &'static str,
    /// Writes the trace of one event.
    pub render: fn(&Trace, Screen, &mut dyn Write) -> io::Result<()>,
    /// Writes the traces of several events.
    pub render_all: fn(&Traces, Screen, &mut dyn Write) -> io::Result<()>,
    /// Writes the new hops of a followed event, if the format supports live output.
    pub render_new_hops: Option<RenderNewHops>,
    /// Writes the final part of the output for a followed event.
    pub render_end: fn(&Trace, Screen, &mut dyn Write) -> io::Result<()>,
}

/// Writes the hops that are new since the previous trace.
pub type RenderNewHops = fn(&Trace, Option<&Trace>, Screen, &mut dyn Write) -> io::Result<()>;

/// All formats, in display order.
pub const FORMATS: &[Format] = &[
    Format {
        name: "table",
        help: "For a terminal",
        render: table::render,
        render_all: table::render_all,
        render_new_hops: Some(table::render_new_hops),
        render_end: table::render_end,
    },
    Format {
        name: "json",
        help: "One JSON document",
        render: json::render,
        render_all: json::render_all,
        render_new_hops: None,
        render_end: json::render,
    },
];

/// Looks up a format by name.
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
