//! What `lint` found: mistakes, which every command refuses, and notes.

use crate::base::error::{Mistake, exit};
use crate::report::format::json::{self, OneMistake};
use crate::report::model::SCHEMA_VERSION;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Linted {
    /// What every command refuses.
    pub mistakes: Vec<Mistake>,
    /// What is only worth a look.
    pub notes: Vec<Mistake>,
    /// How many rows there are.
    pub checks: usize,
    /// How many rows there are.
    pub causes: usize,
    /// How many SQL statements the database has prepared, if it was asked.
    pub prepared: Option<usize>,
}

impl Linted {
    /// The exit code that belongs to it.
    pub fn exit_code(&self) -> u8 {
        if self.mistakes.is_empty() { exit::HEALTHY } else { exit::USAGE }
    }

    /// The last line.
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
        let of = match files.len() {
            0 => String::new(),
            count => format!(" in {}", plural(count, "file")),
        };
        format!("{}{of}{notes}", plural(self.mistakes.len(), "mistake"))
    }
}

fn plural(count: usize, noun: &str) -> String {
    crate::text::plural::count(u64::try_from(count).unwrap_or(u64::MAX), noun)
}

/// For a person: each with its line, the verdict last.
pub fn render(linted: &Linted, out: &mut dyn Write) -> io::Result<()> {
    for (word, all) in [("error", &linted.mistakes), ("note", &linted.notes)] {
        for mistake in all {
            writeln!(out, "{word}: {mistake}")?;
        }
    }
    if !linted.mistakes.is_empty() || !linted.notes.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", linted.verdict())
}

/// For scripts: one document.
pub fn render_json(linted: &Linted, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document {
        schema_version: u32,
        exit_code: u8,
        checks: usize,
        causes: usize,
        statements_prepared: Option<usize>,
        mistakes: Vec<OneMistake>,
        notes: Vec<OneMistake>,
    }
    let all = |mistakes: &[Mistake]| mistakes.iter().map(OneMistake::from).collect();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        exit_code: linted.exit_code(),
        checks: linted.checks,
        causes: linted.causes,
        statements_prepared: linted.prepared,
        mistakes: all(&linted.mistakes),
        notes: all(&linted.notes),
    };
    json::write(&document, out)
}
