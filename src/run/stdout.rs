//! Prints to stdout in the selected format.

use crate::base::error::{Error, Mistake};
use crate::cli::{Color, Formats, OutputOptions};
use crate::report::Report;
use crate::report::format::registry;
use crate::report::terminal::Screen;
use crate::trace;
use std::io::{self, IsTerminal, Write};

/// Returns the formats that the command line offers.
pub fn formats() -> Formats {
    Formats {
        report: registry::FORMATS.iter().map(|format| (format.name, format.help)).collect(),
        trace: trace::registry::FORMATS.iter().map(|format| (format.name, format.help)).collect(),
    }
}

/// Returns the format, or a usage error if it is unknown. The command line already rejects
/// unknown formats.
pub(super) fn require_format<T>(format: Option<T>, output: &OutputOptions) -> Result<T, Error> {
    let unknown = || Error::usage(Mistake::new("--format", format!("unknown format `{}`", output.format())));
    format.ok_or_else(unknown)
}

/// Prints a report to stdout.
pub(super) fn print_report(report: &Report, output: &OutputOptions) -> Result<(), Error> {
    let format = require_format(registry::named(output.format()), output)?;
    write_stdout(output, |screen, out| (format.render)(report, screen, out))
}

/// Returns `exit_code` if the output was written. A closed stdout must not change the exit
/// code.
pub(super) fn exit_code_after(written: Result<(), Error>, exit_code: u8) -> Result<u8, Error> {
    match written {
        Err(Error::OutputClosed) | Ok(()) => Ok(exit_code),
        Err(error) => Err(error),
    }
}

/// Renders to stdout, with the width, characters and colours that it supports.
pub(super) fn write_stdout(
    output: &OutputOptions,
    render: impl FnOnce(Screen, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let terminal = out.is_terminal();
    set_colours(output.color, terminal);
    let screen =
        Screen { width: width(terminal), unicode: terminal && locale_is_utf8(), verbose: output.verbose };
    render(screen, &mut out)?;
    out.flush()?;
    Ok(())
}

/// Returns the width in columns: 80 without a terminal, otherwise between 50 and 120.
fn width(terminal: bool) -> u16 {
    let wide = terminal_size::terminal_size().filter(|_| terminal).map(|(width, _)| width.0);
    wide.unwrap_or(80).clamp(50, 120)
}

/// Reports whether the locale uses UTF-8.
fn locale_is_utf8() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    let locale = locale.unwrap_or_default();
    locale.to_lowercase().replace('-', "").contains("utf8")
}

/// Turns coloured output on or off for the whole program.
pub(super) fn set_colours(color: Color, terminal: bool) {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !no_color,
    };
    colored::control::set_override(colours);
}
