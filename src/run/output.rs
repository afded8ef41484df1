//! What is put on stdout, and in which format.

use crate::base::error::{Error, Mistake};
use crate::cli::{Color, Formats, Show};
use crate::report::Report;
use crate::report::format::registry;
use crate::report::layout::Screen;
use crate::trace;
use std::io::{self, IsTerminal, Write};

/// The formats that the command line offers.
pub fn formats() -> Formats {
    Formats {
        report: registry::FORMATS.iter().map(|format| (format.name, format.help)).collect(),
        trace: trace::registry::FORMATS.iter().map(|format| (format.name, format.help)).collect(),
    }
}

/// The format that was asked for; the command line takes no unknown one.
pub(super) fn known<T>(format: Option<T>, asked: &Show) -> Result<T, Error> {
    let wrong = || Error::usage(Mistake::new("--format", format!("unknown format `{}`", asked.format())));
    format.ok_or_else(wrong)
}

/// Puts a report on stdout.
pub(super) fn print(report: &Report, asked: &Show) -> Result<(), Error> {
    let format = known(registry::named(asked.format()), asked)?;
    show(asked, |screen, out| (format.render)(report, screen, out))
}

/// Whoever reads no further has still asked how it ended.
pub(super) fn ended(written: Result<(), Error>, exit_code: u8) -> Result<u8, Error> {
    match written {
        Err(Error::OutputClosed) | Ok(()) => Ok(exit_code),
        Err(error) => Err(error),
    }
}

/// Puts on stdout what is rendered for it.
pub(super) fn show(
    show: &Show,
    render: impl FnOnce(Screen, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let terminal = out.is_terminal();
    set_colours(show.color, terminal);
    let screen = Screen { width: width(terminal), unicode: terminal && unicode(), verbose: show.verbose };
    render(screen, &mut out)?;
    out.flush()?;
    Ok(())
}

/// 80 columns where it is not a terminal; never fewer than the report needs.
fn width(terminal: bool) -> u16 {
    let wide = terminal_size::terminal_size().filter(|_| terminal).map(|(width, _)| width.0);
    wide.unwrap_or(80).clamp(50, 120)
}

fn unicode() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    locale.to_lowercase().replace('-', "").contains("utf8")
}

pub(super) fn set_colours(color: Color, terminal: bool) {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !no_color,
    };
    colored::control::set_override(colours);
}
