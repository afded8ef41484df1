//! `explain`: explains a check or a cause, or prints the remedy for a cause.

use crate::base::error::{Error, Mistake, exit};
use crate::base::renamed_ids::current;
use crate::cli::{Color, Explain};
use crate::config::{Config, Environment};
use crate::diagnosis::diagnose;
use crate::evidence::{Evidence, Observed};
use crate::fact::facts;
use crate::judge::judge;
use crate::run::gather::gather_evidence;
use crate::run::load_config::load_config;
use crate::run::recording::record_after;
use crate::run::stdout::set_colours;
use crate::runbook::catalog::{Catalog, Cause, Generator};
use crate::situation::Situation;
use crate::situation::command_target::target;
use crate::situation::inspected_database::without_rows_of_other_database;
use crate::text::suggestion::suggestion;
use crate::{collect, remedy, report};
use std::io::{self, IsTerminal, Write};

/// Prints the explanation of a check or cause, a remedy, or the whole runbook.
pub(super) fn run(args: &Explain, environment: &Environment) -> Result<u8, Error> {
    let (config, catalog) = load_config(args.id.as_deref(), &args.target, environment)?;
    let catalog = catalog.as_of(collect::now());
    set_colours(if args.json { Color::Never } else { args.color }, io::stdout().is_terminal());
    let pipeline = &config.pipeline;
    let name = args.name.as_ref().unwrap_or(&pipeline.name);
    // Only causes have remedies, which are built from evidence.
    let generator = requested_generator(args).filter(|_| catalog.cause(name).is_some());
    let evidence = generator.map(|_| gather_evidence(&config)).transpose()?;
    let mut text = Vec::new();
    let explained = match &args.name {
        Some(name) => explain_one(name, args, &config, (&catalog, evidence.as_ref()), &mut text),
        None => report::format::markdown::runbook(&catalog, pipeline, &config.target.flags, &mut text)
            .map_err(Error::from),
    };
    let printed = explained.and_then(|()| print_text(name, &text, args.json)).map(|()| exit::HEALTHY);
    match &evidence {
        Some(evidence) => record_after(&config, evidence, printed),
        None => printed,
    }
}

fn print_text(name: &str, text: &[u8], json: bool) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match json {
        true => report::format::json::render_text(name, &String::from_utf8_lossy(text), &mut out)?,
        false => out.write_all(text)?,
    }
    out.flush()?;
    Ok(())
}

/// Writes the explanation of a check or cause, or the remedy for a cause, to `text`.
fn explain_one(
    name: &str,
    args: &Explain,
    config: &Config,
    (catalog, evidence): (&Catalog, Option<&Evidence>),
    text: &mut Vec<u8>,
) -> Result<(), Error> {
    let pipeline = &config.pipeline;
    let renamed = current(name);
    if renamed != name {
        let _ = writeln!(io::stderr(), "note: `{name}` was renamed to `{renamed}`");
    }
    let generator = requested_generator(args);
    if let (Some(cause), Some(generator), Some(evidence)) = (catalog.cause(name), generator, evidence) {
        let script = remedy(config, catalog, cause, (generator, evidence))?;
        if let Some(interruption) = evidence.interrupted {
            let comment = if generator == Generator::RemoveMarks { "--" } else { "#" };
            writeln!(text, "{comment} {}", interruption.describe())?;
        }
        text.write_all(script.as_bytes())?;
        return Ok(());
    }
    match (catalog.cause(name), catalog.check(name), generator) {
        (Some(cause), ..) if args.markdown => {
            report::format::markdown::cause(cause, catalog, pipeline, text)?
        }
        (Some(cause), ..) => report::explain::cause(cause, catalog, pipeline, text)?,
        (None, Some(check), None) if args.markdown => {
            report::format::markdown::check(check, catalog, pipeline, text)?;
        }
        (None, Some(check), None) => report::explain::check(check, catalog, pipeline, text)?,
        (None, Some(_), Some(_)) => {
            let mistake =
                Mistake::new("explain", format!("`{name}` is a check, and only causes have remedies"));
            return Err(Error::usage(mistake.help("leave out --yaml, --offsets, --sql and --records")));
        }
        (None, None, _) => {
            let mistake = Mistake::new("explain", format!("unknown check or cause `{name}`"));
            return Err(Error::usage(mistake.help(suggestion(name, catalog.names().iter().copied()))));
        }
    }
    Ok(())
}

/// Returns the generator for the requested remedy.
fn requested_generator(args: &Explain) -> Option<Generator> {
    [
        (args.yaml, Generator::ComposeFragment),
        (args.offsets, Generator::GroupOffsets),
        (args.sql, Generator::RemoveMarks),
        (args.records, Generator::SendRecords),
    ]
    .into_iter()
    .find_map(|(requested, generator)| requested.then_some(generator))
}

/// Generates the remedy for a cause from the evidence.
fn remedy(
    config: &Config,
    catalog: &Catalog,
    cause: &Cause,
    (generator, evidence): (Generator, &Evidence),
) -> Result<String, Error> {
    let catalog = &catalog.as_of(evidence.observed_at);
    let evidence = &*without_rows_of_other_database(evidence, &config.pipeline);
    let situation = Situation::build(evidence, &config.pipeline, &catalog.signatures, &catalog.facts);
    let facts = facts(&situation, &catalog.signatures, &catalog.facts);
    let findings = judge(catalog, &facts, &config.pipeline);
    let diagnosis = diagnose(catalog, &findings);
    let id = cause.id.get_ref();
    // If part of the remedy has already been carried out, the cause may no longer be diagnosed. The
    // rest of the remedy then covers every stuck event.
    let subjects = diagnosis.causes.into_iter().find(|diagnosed| diagnosed.cause == *id);
    let subjects = subjects.map(|diagnosed| diagnosed.subjects).unwrap_or_default();
    let database = evidence.main_database();
    let mut reasons = [database.reason()].into_iter().chain(evidence.brokers.values().map(Observed::reason));
    let unavailable = reasons.find_map(|reason| reason);
    let target = target(&situation);
    let remedy = remedy::Remedy::new(&situation, &target, cause, subjects);
    match (remedy.script(generator), generator) {
        (Some(script), _) => Ok(script),
        (None, Generator::ComposeFragment) => {
            let what = "no worker is missing now, so there is no Compose fragment to print";
            let mistake = Mistake::new(format!("explain {id}"), what);
            Err(Error::usage(
                mistake
                    .help("run pipeline-doctor to see what is wrong, or use --replay FILE with a recording"),
            ))
        }
        // The output may be piped into a shell or psql, so print a comment if nothing was unavailable.
        (None, _) => match unavailable {
            Some(why) => {
                let mistake = Mistake::new(format!("explain {id}"), format!("not seen: {}", why.describe()));
                Err(Error::usage(
                    mistake.help("the stuck events are read from that system, so fix access to it first"),
                ))
            }
            None if generator == Generator::RemoveMarks => Ok("-- no mark blocks an event now\n".to_string()),
            None => Ok("# nothing to do now\n".to_string()),
        },
    }
}
