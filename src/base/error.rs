//! Errors shown to the user. Each states the location, what was expected, and how to fix the mistake.

pub use crate::base::error_excerpt::Excerpt;
use crate::base::secret::withhold;
use crate::base::visible_text::visible;
use std::fmt;

/// The program's exit codes. The README and `--help` document them.
pub mod exit {
    /// Every requested check ran and passed.
    pub const HEALTHY: u8 = 0;
    /// Internal error.
    pub const INTERNAL: u8 = 1;
    /// Usage or configuration error.
    pub const USAGE: u8 = 2;
    /// The run found a problem.
    pub const PROBLEM: u8 = 3;
    /// The run found only warnings, with `--fail-on warn`.
    pub const WARNING: u8 = 4;
    /// Nothing failed, but a requested check could not run.
    pub const INCONCLUSIVE: u8 = 5;
}

/// Why a run ended without a report.
#[derive(Debug)]
pub enum Error {
    /// One or more mistakes that the user can fix (exit code 2).
    Usage(Vec<Mistake>),
    /// A failure that the user cannot fix (exit code 1).
    Internal(String),
    /// The reader closed standard output (`| head`). This is not reported as an error.
    OutputClosed,
}

/// One mistake in the user's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The location, such as a file and line, a flag or an environment variable.
    pub place: String,
    /// The problem, and what was expected.
    pub what: String,
    /// How to fix it, if known.
    pub help: Option<String>,
    /// The source line, if the mistake is in a file.
    pub excerpt: Option<Box<Excerpt>>,
}

impl Mistake {
    /// Creates a mistake without help text; see [`Mistake::help`].
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Mistake { place: place.into(), what: what.into(), help: None, excerpt: None }
    }

    /// Creates a mistake on a line of a file.
    pub fn in_line(excerpt: Excerpt, what: impl Into<String>) -> Self {
        let place = excerpt.place();
        Mistake { excerpt: Some(Box::new(excerpt)), ..Mistake::new(place, what) }
    }

    /// Adds the help text.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The maximum number of characters shown per string in an error.
const MAX_TEXT: usize = 5_000;

/// Masks secrets and escapes hidden characters, including line feeds, so that no input can start a line.
fn sanitize(text: &str) -> String {
    let text = withhold(text);
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => {
            let omitted = text[end..].chars().count();
            format!("{}... ({omitted} more characters)", visible(&text[..end]))
        }
        None => visible(&text).into_owned(),
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", sanitize(&self.place), sanitize(&self.what))?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  {}", sanitize(help)),
            None => Ok(()),
        }
    }
}

/// Sorts mistakes by file, in the order of `files`, then by line and column.
pub fn sort_by_line(mistakes: &mut [Mistake], files: &[&str]) {
    mistakes.sort_by_key(|mistake| {
        mistake.excerpt.as_ref().map(|excerpt| {
            let file = files.iter().position(|file| *file == excerpt.file);
            (file, excerpt.line, excerpt.column)
        })
    });
}

impl Error {
    /// Creates a usage error from one mistake.
    pub fn usage(mistake: Mistake) -> Self {
        Error::Usage(vec![mistake])
    }

    /// Returns the exit code for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) => exit::USAGE,
            Error::Internal(_) => exit::INTERNAL,
            Error::OutputClosed => exit::HEALTHY,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(mistakes) => {
                for (i, mistake) in mistakes.iter().enumerate() {
                    let separator = if i == 0 { "" } else { "\n" };
                    write!(f, "{separator}error: {mistake}")?;
                }
                Ok(())
            }
            Error::Internal(what) => write!(f, "error: {}", sanitize(what)),
            Error::OutputClosed => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    /// Converts an error from writing the report. Errors from reading files name the file instead.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Error::OutputClosed,
            _ => Error::Internal(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_every_mistake_with_its_help() {
        let error = Error::Usage(vec![
            Mistake::new("a.toml:3", "unknown check `x`").help("did you mean `y`?"),
            Mistake::new("--at", "not a time"),
        ]);
        assert_eq!(
            error.to_string(),
            "error: a.toml:3: unknown check `x`\n  did you mean `y`?\nerror: --at: not a time"
        );
    }

    #[test]
    fn input_cannot_begin_a_line_or_control_the_terminal() {
        let hostile = "x\nHEALTHY: fine\u{1b}[2J\u{202e}";
        let shown = r"x\nHEALTHY: fine\x1b[2J\u{202e}";
        let mistake = Mistake::new(hostile, hostile).help(hostile);
        let error = Error::Usage(vec![mistake]);
        assert_eq!(error.to_string(), format!("error: {shown}: {shown}\n  {shown}"));
        assert_eq!(Error::Internal(hostile.into()).to_string(), format!("error: {shown}"));
    }
}
