//! `lint`: every mistake of pipeline, checks and causes at once, and what is odd.

use crate::base::error::{Error, Mistake, by_line};
use crate::cli::Lint;
use crate::collect;
use crate::collect::database::postgres::prepare::{Of, Refusal};
use crate::config::{Config, Environment, pipeline_source};
use crate::evidence::Seen;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::pipeline::unused;
use crate::report::format::lint::{Linted, render, render_json};
use crate::run::look::waited_for;
use crate::run::read::read_all;
use crate::runbook::lint::notes::{never_raised, notes, of_pipeline};
use std::io::{self, Write};

/// Looks at all files; the exit code tells whether there are mistakes.
pub(super) fn run(asked: &Lint, environment: &Environment) -> Result<u8, Error> {
    let mut linted = Linted::default();
    let source = pipeline_source(asked.look.config.as_deref())?;
    let (config, catalog) = read_all(&source, None, &asked.look, environment, &mut linted.mistakes)?;
    linted.checks = catalog.checks.len();
    linted.causes = catalog.causes.len();
    linted.notes.extend(of_pipeline(&source));
    linted.notes.extend(unused(&source));
    match &config {
        Some(config) => {
            let today = collect::now().to_zoned(jiff::tz::TimeZone::UTC).date();
            // A pipeline need not have all that the built-in rows know of.
            if asked.verbose {
                linted.notes.extend(never_raised(&catalog, &config.pipeline).1);
            }
            linted.notes.extend(notes(&catalog, &config.pipeline, asked.verbose, today));
            prepare(config, &source, &catalog.sources, &mut linted)?;
        }
        None => linted.notes.push(not_prepared("the pipeline cannot be read as a whole")),
    }
    let files: Vec<&str> = [&source].into_iter().chain(&catalog.sources).map(|s| s.name.as_str()).collect();
    by_line(&mut linted.mistakes, &files);
    let mut out = io::stdout().lock();
    match asked.json {
        true => render_json(&linted, &mut out)?,
        false => render(&linted, &mut out)?,
    }
    out.flush()?;
    Ok(linted.exit_code())
}

fn not_prepared(why: &str) -> Mistake {
    let note = Mistake::new("SQL", format!("not prepared: {why}"));
    note.help("name a database with --postgres or POSTGRES_URL to have it read the SQL")
}

/// Has the database read the SQL, where there is one.
fn prepare(config: &Config, source: &Source, checks: &[Source], linted: &mut Linted) -> Result<(), Error> {
    if config.replay.is_some() {
        linted.notes.push(not_prepared("a recording is not asked"));
        return Ok(());
    }
    let prepared = match waited_for(collect::prepare(config))? {
        Seen::Known(prepared) => prepared,
        Seen::Unknown(why) | Seen::NotAsked(why) => {
            linted.notes.push(not_prepared(&format!("no database: {}", why.words())));
            return Ok(());
        }
    };
    if let Some(why) = prepared.cut {
        let what = format!("not all of it was prepared: {}", why.words());
        linted.notes.push(Mistake::new("SQL", what));
    }
    linted.prepared = Some(prepared.statements);
    let document = Document::of(source);
    for refusal in prepared.refusals {
        let is_mistake = refusal.is_mistake;
        let told = match &refusal.of {
            Of::Fact(name) => match fact_sql(name, checks) {
                Some((file, entry)) => told(refusal, file, Some(entry)),
                None => told(refusal, source, None),
            },
            of => {
                let entry = document.as_ref().and_then(|document| text_of(of, document));
                told(refusal, source, entry)
            }
        };
        // What is wrong in the text itself the database need not repeat.
        let known = |other: &Mistake| other.excerpt.is_some() && other.excerpt == told.excerpt;
        match is_mistake {
            true if linted.mistakes.iter().any(known) => {}
            true => linted.mistakes.push(told),
            false => linted.notes.push(told),
        }
    }
    Ok(())
}

/// Where a text of the pipeline stands in its file.
fn text_of(of: &Of, document: &Document) -> Option<Entry> {
    let stage = |name: &str, key: &str| {
        let rows = document.rows("stage[]");
        rows.iter().find(|row| row.text("name").is_some_and(|own| own.text == name))?.text(key)
    };
    match of {
        Of::Marks(key) => document.texts(&format!("marks.{key}")).pop(),
        Of::Event => document.texts("event.sql").pop(),
        Of::Stage(name) => stage(name, "sql"),
        Of::Record(name) => stage(name, "record_sql"),
        Of::Fact(_) => None,
    }
}

/// The statement of an own fact, and the file that it stands in.
fn fact_sql<'a>(name: &str, files: &'a [Source]) -> Option<(&'a Source, Entry)> {
    files.iter().find_map(|file| {
        let document = Document::of(file)?;
        let rows = document.rows("fact[]");
        let row = rows.iter().find(|row| row.text("name").is_some_and(|own| own.text == name))?;
        Some((file, row.text("sql")?))
    })
}

/// A refusal with its place in a file.
fn told(refusal: Refusal, source: &Source, entry: Option<Entry>) -> Mistake {
    let what = format!("PostgreSQL: {}", refusal.what);
    let mistake = match (entry, refusal.at) {
        (Some(entry), Some(within)) => source.mistake_within(&entry.at, &within, what),
        (Some(entry), None) => source.mistake(entry.at.start, what),
        (None, _) => Mistake::new(&source.name, what),
    };
    match refusal.help {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}
