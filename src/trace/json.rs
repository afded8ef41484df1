//! The JSON documents of one and of several events.

use crate::report::format::json;
use crate::report::layout::Screen;
use crate::trace::model::{Trace, Traces};
use std::io::{self, Write};

/// Writes the trace of one event as one JSON document.
pub fn render(trace: &Trace, _: Screen, out: &mut dyn Write) -> io::Result<()> {
    json::write(trace, out)
}

/// Writes those of several events as one JSON document.
pub fn render_all(traces: &Traces, _: Screen, out: &mut dyn Write) -> io::Result<()> {
    json::write(traces, out)
}
