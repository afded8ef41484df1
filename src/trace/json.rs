//! Renders traces as JSON documents.

use crate::report::format::json;
use crate::report::terminal::Screen;
use crate::trace::model::{Trace, Traces};
use std::io::{self, Write};

/// Writes the trace of one event as one JSON document.
pub fn render(trace: &Trace, _: Screen, out: &mut dyn Write) -> io::Result<()> {
    json::write(trace, out)
}

/// Writes the traces of several events as one JSON document.
pub fn render_all(traces: &Traces, _: Screen, out: &mut dyn Write) -> io::Result<()> {
    json::write(traces, out)
}
