//! `explain`: what a check or a cause means, and the remedy of a cause.

use crate::base::error::{Error, Mistake, exit};
use crate::cli::{Color, Explain};
use crate::config::{Config, Environment};
use crate::diagnosis::diagnose;
use crate::evidence::Seen;
use crate::fact::facts;
use crate::judge::judge;
use crate::run::look::see;
use crate::run::output::set_colours;
use crate::run::read::read;
use crate::run::recording::record;
use crate::runbook::catalog::{Catalog, Cause, Generator};
use crate::situation::Situation;
use crate::situation::target::target;
use crate::text::suggestion::way_out;
use crate::{collect, remedy, report};
use std::io::{self, IsTerminal, Write};

/// Explains what was asked for: a check or a cause, or the whole runbook.
pub(super) fn run(args: &Explain, environment: &Environment) -> Result<u8, Error> {
    let (config, catalog) = read(args.id.as_deref(), &args.look, environment)?;
    let catalog = catalog.at(collect::now());
    set_colours(if args.json { Color::Never } else { args.color }, io::stdout().is_terminal());
    let pipeline = &config.pipeline;
    let mut text = Vec::new();
    match &args.name {
        Some(name) => explain_one(name, args, &config, &catalog, &mut text)?,
        None => report::format::markdown::runbook(&catalog, pipeline, &config.target.flags, &mut text)?,
    }
    let name = args.name.as_ref().unwrap_or(&pipeline.name);
    let mut out = io::stdout().lock();
    match args.json {
        true => report::format::json::render_text(name, &String::from_utf8_lossy(&text), &mut out)?,
        false => out.write_all(&text)?,
    }
    Ok(exit::HEALTHY)
}

/// A check, a cause, or the remedy of a cause.
fn explain_one(
    name: &str,
    args: &Explain,
    config: &Config,
    catalog: &Catalog,
    text: &mut Vec<u8>,
) -> Result<(), Error> {
    let pipeline = &config.pipeline;
    match (catalog.cause(name), catalog.check(name), wanted(args)) {
        (Some(cause), _, Some(generator)) => {
            text.write_all(remedy(config, catalog, cause, generator)?.as_bytes())?;
        }
        (Some(cause), _, None) if args.markdown => {
            report::format::markdown::cause(cause, catalog, pipeline, text)?
        }
        (Some(cause), _, None) => report::explain::cause(cause, catalog, pipeline, text)?,
        (None, Some(check), None) if args.markdown => {
            report::format::markdown::check(check, catalog, pipeline, text)?;
        }
        (None, Some(check), None) => report::explain::check(check, catalog, pipeline, text)?,
        (None, Some(_), Some(_)) => {
            let mistake = Mistake::new("explain", format!("`{name}` is a check: only causes have remedies"));
            return Err(Error::usage(mistake.help("leave --yaml, --offsets, --sql and --records out")));
        }
        (None, None, _) => {
            let mistake = Mistake::new("explain", format!("unknown check or cause `{name}`"));
            return Err(Error::usage(mistake.help(way_out(name, catalog.names().iter().copied()))));
        }
    }
    Ok(())
}

fn wanted(args: &Explain) -> Option<Generator> {
    [
        (args.yaml, Generator::ComposeFragment),
        (args.offsets, Generator::GroupOffsets),
        (args.sql, Generator::RemoveMarks),
        (args.records, Generator::SendRecords),
    ]
    .into_iter()
    .find_map(|(asked, generator)| asked.then_some(generator))
}

/// What a cause's generator prints for what is seen now.
fn remedy(config: &Config, catalog: &Catalog, cause: &Cause, generator: Generator) -> Result<String, Error> {
    let evidence = see(config)?;
    record(config, &evidence)?;
    let catalog = &catalog.at(evidence.taken);
    let situation = Situation::of(&evidence, &config.pipeline, &catalog.signatures, &catalog.facts);
    let facts = facts(&situation, &catalog.signatures, &catalog.facts);
    let findings = judge(catalog, &facts, &config.pipeline);
    let diagnosis = diagnose(catalog, &findings);
    let id = cause.id.get_ref();
    // Half of a remedy may have been carried out: then the cause is no longer
    // what is wrong, and the rest of the remedy is for whatever is stuck.
    let subjects = diagnosis.causes.into_iter().find(|diagnosed| diagnosed.cause == *id);
    let subjects = subjects.map(|diagnosed| diagnosed.subjects).unwrap_or_default();
    let database = evidence.main_database();
    let mut whys = [database.why()].into_iter().chain(evidence.brokers.values().map(Seen::why));
    let unseen = whys.find_map(|why| why);
    let target = target(&situation);
    let remedy = remedy::Remedy::new(&situation, &target, cause, subjects);
    match (remedy.script(generator), generator) {
        (Some(script), _) => Ok(script),
        (None, Generator::ComposeFragment) => {
            let what = "no worker is missing now: there is no fragment to print";
            let mistake = Mistake::new(format!("explain {id}"), what);
            Err(Error::usage(
                mistake.help("pipeline-doctor shows what is wrong; --replay FILE shows a recording"),
            ))
        }
        // Whoever pipes this into a shell or psql has nothing left to do, if all was seen.
        (None, _) => match unseen {
            Some(why) => {
                let mistake = Mistake::new(format!("explain {id}"), format!("not seen: {}", why.words()));
                Err(Error::usage(mistake.help("what is stuck is read from there: put that right first")))
            }
            None if generator == Generator::RemoveMarks => {
                Ok("-- nothing is kept back by a mark now\n".to_string())
            }
            None => Ok("# nothing is left to do now\n".to_string()),
        },
    }
}
