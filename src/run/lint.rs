//! `lint`: reports all mistakes in the pipeline, checks and causes, and notes about them.

use crate::base::error::{Error, Mistake, sort_by_line};
use crate::cli::Lint;
use crate::collect;
use crate::collect::database::postgres::lint_sql::{Refusal, SqlSource};
use crate::config::{Config, Environment, pipeline_source};
use crate::evidence::Observed;
use crate::fact;
use crate::input::Source;
use crate::input::toml_document::{Document, Entry};
use crate::pipeline::unused_declarations;
use crate::report::format::lint::{LintResult, render, render_json};
use crate::run::gather::block_on;
use crate::run::load_config::load_partially;
use crate::runbook::lint::advisory_notes::{notes, unraisable_causes, unused_topics};
use crate::runbook::lint::catalog::check_built_in;
use std::io::{self, Write};

/// Checks all files. The exit code says whether there are mistakes.
pub(super) fn run(args: &Lint, environment: &Environment) -> Result<u8, Error> {
    let mut linted = LintResult::default();
    let source = pipeline_source(args.target.config.as_deref())?;
    let (config, catalog) = load_partially(&source, None, &args.target, environment, &mut linted.mistakes)?;
    check_built_in(fact::registry(), &mut linted.mistakes);
    linted.checks = catalog.checks.len();
    linted.causes = catalog.causes.len();
    linted.notes.extend(unused_topics(&source));
    linted.notes.extend(unused_declarations(&source));
    match &config {
        Some(config) => {
            let today = collect::now().to_zoned(jiff::tz::TimeZone::UTC).date();
            // A pipeline does not need every kind of component that the built-in rows cover.
            if args.verbose {
                linted.notes.extend(unraisable_causes(&catalog, &config.pipeline).1);
            }
            linted.notes.extend(notes(&catalog, &config.pipeline, args.verbose, today));
            linted.notes.extend(catalog.facts.iter().any(|fact| fact.sql.is_some()).then(rights));
            prepare(config, &source, &catalog.sources, &mut linted)?;
        }
        None => linted.notes.push(not_prepared("the pipeline file has mistakes")),
    }
    let files: Vec<&str> = [&source].into_iter().chain(&catalog.sources).map(|s| s.name.as_str()).collect();
    sort_by_line(&mut linted.mistakes, &files);
    let mut out = io::stdout().lock();
    match args.json {
        true => render_json(&linted, &mut out)?,
        false => render(&linted, &mut out)?,
    }
    out.flush()?;
    Ok(linted.exit_code())
}

/// Says what protects a database from a custom fact's SQL.
fn rights() -> Mistake {
    let what = "functions with known effects are refused, but a function can call any other, whatever \
         volatility it declares";
    Mistake::new("SQL of custom facts", what).help("let the role only read: see docs/security.md")
}

fn not_prepared(why: &str) -> Mistake {
    let note = Mistake::new("SQL", format!("not prepared: {why}"));
    note.help("set --postgres or POSTGRES_URL to have the database check the SQL")
}

/// Asks the database to prepare the SQL, if the database is available.
fn prepare(
    config: &Config,
    source: &Source,
    checks: &[Source],
    linted: &mut LintResult,
) -> Result<(), Error> {
    if config.replay.is_some() {
        linted.notes.push(not_prepared("--replay contacts no database"));
        return Ok(());
    }
    let prepared = match block_on(collect::prepare(config))? {
        Observed::Known(prepared) => prepared,
        Observed::Unknown(why) | Observed::NotAsked(why) => {
            linted.notes.push(not_prepared(&format!("the database is unavailable: {}", why.describe())));
            return Ok(());
        }
    };
    if let Some(why) = prepared.cut {
        let what = format!("only part of it was prepared: {}", why.describe());
        linted.notes.push(Mistake::new("SQL", what));
    }
    linted.prepared = Some(prepared.statements);
    let document = Document::parse(source);
    for refusal in prepared.refusals {
        let is_config_error = refusal.is_config_error;
        let mistake = match &refusal.source {
            SqlSource::Fact(name) => match fact_sql(name, checks) {
                Some((file, entry)) => locate(refusal, file, Some(entry)),
                None => locate(refusal, source, None),
            },
            sql => {
                let entry = document.as_ref().and_then(|document| pipeline_sql(sql, document));
                locate(refusal, source, entry)
            }
        };
        // Skip a refusal if there is already a mistake at the same position in the file.
        let is_known = |other: &Mistake| other.excerpt.is_some() && other.excerpt == mistake.excerpt;
        match is_config_error {
            true if linted.mistakes.iter().any(is_known) => {}
            true => linted.mistakes.push(mistake),
            false => linted.notes.push(mistake),
        }
    }
    Ok(())
}

/// Finds one of the pipeline's SQL strings in the pipeline file.
fn pipeline_sql(sql: &SqlSource, document: &Document) -> Option<Entry> {
    let stage = |name: &str, key: &str| {
        let rows = document.rows("stage[]");
        rows.iter().find(|row| row.text("name").is_some_and(|text| text.text == name))?.text(key)
    };
    match sql {
        SqlSource::Marks(key) => document.texts(&format!("marks.{key}")).pop(),
        SqlSource::Event => document.texts("event.sql").pop(),
        SqlSource::Stage(name) => stage(name, "sql"),
        SqlSource::Quick(name) => stage(name, "quick_sql"),
        SqlSource::Record(name) => stage(name, "record_sql"),
        SqlSource::Fact(_) => None,
    }
}

/// Finds the SQL of a custom fact, and the file that contains it.
fn fact_sql<'a>(name: &str, files: &'a [Source]) -> Option<(&'a Source, Entry)> {
    files.iter().find_map(|file| {
        let document = Document::parse(file)?;
        let rows = document.rows("fact[]");
        let row = rows.iter().find(|row| row.text("name").is_some_and(|text| text.text == name))?;
        Some((file, row.text("sql")?))
    })
}

/// Converts a refusal by PostgreSQL to a mistake with its position in the file.
fn locate(refusal: Refusal, source: &Source, entry: Option<Entry>) -> Mistake {
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
