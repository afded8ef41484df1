//! What the user gets when the input is wrong: one sentence that names the
//! thing, what was expected and how to put it right.

pub use crate::base::excerpt::Excerpt;
use crate::base::secret::redact;
use std::fmt;

/// Exit codes of the program; documented in the README and in `--help`.
pub mod exit {
    /// Everything that was asked for was looked at and passed.
    pub const HEALTHY: u8 = 0;
    /// The program itself failed.
    pub const INTERNAL: u8 = 1;
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 2;
    /// A problem was found.
    pub const PROBLEM: u8 = 3;
    /// Only warnings, with `--fail-on warn`.
    pub const WARNING: u8 = 4;
    /// Nothing failed, but something asked for could not be looked at.
    pub const INCONCLUSIVE: u8 = 5;
}

/// Why a run ended without a report.
#[derive(Debug)]
pub enum Error {
    /// The user can put it right: exit code 2. One or more mistakes.
    Usage(Vec<Mistake>),
    /// The user cannot: exit code 1.
    Internal(String),
    /// Whoever read standard output has gone (`| head`): nothing to say.
    OutputClosed,
}

/// One mistake in what the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: a file with its line, a flag, a variable.
    pub place: String,
    /// What is wrong, and what was expected.
    pub what: String,
    /// The way out, where there is one to name.
    pub help: Option<String>,
    /// The line of the file, where it is in one.
    pub excerpt: Option<Box<Excerpt>>,
}

impl Mistake {
    /// A mistake without a way out yet; see [`Mistake::help`].
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Mistake { place: place.into(), what: what.into(), help: None, excerpt: None }
    }

    /// A mistake in a line of a file.
    pub fn in_line(excerpt: Excerpt, what: impl Into<String>) -> Self {
        let place = excerpt.place();
        Mistake { excerpt: Some(Box::new(excerpt)), ..Mistake::new(place, what) }
    }

    /// Adds the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Without secrets, and without what would steer the terminal.
fn shown(text: &str) -> String {
    let harmless = |c: char| match c.is_control() && c != '\n' {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    redact(text).chars().map(harmless).collect()
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown(&self.place), shown(&self.what))?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  {}", shown(help)),
            None => Ok(()),
        }
    }
}

/// Puts mistakes into the order of the files, and of their lines.
pub fn by_line(mistakes: &mut [Mistake], files: &[&str]) {
    mistakes.sort_by_key(|mistake| {
        mistake.excerpt.as_ref().map(|excerpt| {
            let file = files.iter().position(|file| *file == excerpt.file);
            (file, excerpt.line, excerpt.column)
        })
    });
}

impl Error {
    /// One mistake of the user's.
    pub fn usage(mistake: Mistake) -> Self {
        Error::Usage(vec![mistake])
    }

    /// The exit code that belongs to it.
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
            Error::Internal(what) => write!(f, "error: {what}"),
            Error::OutputClosed => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    /// Only writing the report reaches this; reading files names the file.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Error::OutputClosed,
            _ => Error::Internal(format!("the report could not be written: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_shown_with_its_way_out() {
        let error = Error::Usage(vec![
            Mistake::new("a.toml:3", "unknown check `x`").help("did you mean `y`?"),
            Mistake::new("--at", "not a time"),
        ]);
        assert_eq!(
            error.to_string(),
            "error: a.toml:3: unknown check `x`\n  did you mean `y`?\nerror: --at: not a time"
        );
    }
}
