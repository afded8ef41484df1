//! Renders the result of `lint`: mistakes, which every command rejects, and notes.

use crate::base::error::{Mistake, exit};
use crate::report::format::json::{self, ReportedMistake};
use crate::report::model::SCHEMA_VERSION;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The result of `lint`.
#[derive(Debug, Default)]
pub struct LintResult {
    /// Mistakes that every command rejects.
    pub mistakes: Vec<Mistake>,
    /// Notes, which no command rejects.
    pub notes: Vec<Mistake>,
    /// The number of checks.
    pub checks: usize,
    /// The number of causes.
    pub causes: usize,
    /// The number of SQL statements that the database prepared, if that was requested.
    pub prepared: Option<usize>,
}

impl LintResult {
    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        if self.mistakes.is_empty() { exit::HEALTHY } else { exit::USAGE }
    }

    /// Returns the last line of the output.
    fn verdict(&self) -> String {
        let notes = match self.notes.len() {
            0 => String::new(),
            count => format!("; {}", plural(count, "note")),
        };
        if self.mistakes.is_empty() {
            let prepared = match self.prepared {
                Some(count) => format!(", {} prepared", plural(count, "statement")),
                None => String::new(),
            };
            let (checks, causes) = (plural(self.checks, "check"), plural(self.causes, "cause"));
            return format!("no mistakes: 1 pipeline, {checks}, {causes}{prepared}{notes}");
        }
        let files: BTreeSet<&str> =
            self.mistakes.iter().filter_map(|m| Some(m.excerpt.as_ref()?.file.as_str())).collect();
        let in_files = match files.len() {
            0 => String::new(),
            count => format!(" in {}", plural(count, "file")),
        };
        format!("{}{in_files}{notes}", plural(self.mistakes.len(), "mistake"))
    }
}

fn plural(count: usize, noun: &str) -> String {
    crate::text::plural::count(u64::try_from(count).unwrap_or(u64::MAX), noun)
}

/// Writes each mistake and note with its line, then the verdict.
pub fn render(result: &LintResult, out: &mut dyn Write) -> io::Result<()> {
    for (word, all) in [("error", &result.mistakes), ("note", &result.notes)] {
        for mistake in all {
            writeln!(out, "{word}: {mistake}")?;
        }
    }
    if !result.mistakes.is_empty() || !result.notes.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", result.verdict())
}

/// Writes the result as one JSON document.
pub fn render_json(result: &LintResult, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document {
        schema_version: u32,
        exit_code: u8,
        checks: usize,
        causes: usize,
        statements_prepared: Option<usize>,
        mistakes: Vec<ReportedMistake>,
        notes: Vec<ReportedMistake>,
    }
    let all = |mistakes: &[Mistake]| mistakes.iter().map(ReportedMistake::from).collect();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        exit_code: result.exit_code(),
        checks: result.checks,
        causes: result.causes,
        statements_prepared: result.prepared,
        mistakes: all(&result.mistakes),
        notes: all(&result.notes),
    };
    json::write(&document, out)
}
