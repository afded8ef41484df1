//! `trace`: reports how far events got, or follows one event as it moves.

use crate::base::error::{Error, Mistake};
use crate::cli::{OutputOptions, Trace as TraceArgs};
use crate::collect::interrupt;
use crate::config::{Config, Environment};
use crate::evidence::{Database, Evidence, Observed, System};
use crate::run::build_report::build_conclusions;
use crate::run::gather::gather_evidence;
use crate::run::load_config::load_config;
use crate::run::recording::record_after;
use crate::run::stdout::{exit_code_after, require_format, write_stdout};
use crate::runbook::catalog::Catalog;
use crate::situation::Situation;
use crate::situation::event_progress::EventOutcome;
use crate::situation::inspected_database::without_rows_of_other_database;
use crate::situation::shared::Shared;
use crate::text::plural::count;
use crate::trace::registry::{Format, named};
use crate::trace::{Trace, Traces, trace, traces};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The maximum number of ids per run.
const MAX_IDS: usize = 1_000;
/// How long `--follow` waits for the event without `--wait`.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause between two polls of `--follow`.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Traces the requested events. With several events, the exit code is that of the event that made
/// the least progress.
pub(super) fn run(args: &TraceArgs, environment: &Environment) -> Result<u8, Error> {
    let given = read_ids(args)?;
    let first = given.first().map(String::as_str);
    let (mut config, catalog) = load_config(first, &args.target, environment)?;
    let additional = additional_ids(&config, given.get(1..).unwrap_or_default())?;
    config.target.ids.extend(additional);
    config.values = args.payload;
    if args.follow {
        return follow(config, &catalog, &args.output);
    }
    if args.stuck || args.lookup.is_some() {
        let ids = look_up_ids(&config, args.lookup.clone())?;
        if ids.is_empty() {
            return print_all(
                &Traces::none(&config.pipeline, args.stuck.then_some(config.target.window_s)),
                &args.output,
            );
        }
        config.target.ids = ids;
    }
    let evidence = gather_evidence(&config)?;
    let printed = print_traces(&evidence, &config, &catalog, &args.output);
    record_after(&config, &evidence, printed)
}

/// Prints the trace of each requested event.
fn print_traces(
    evidence: &Evidence,
    config: &Config,
    catalog: &Catalog,
    output: &OutputOptions,
) -> Result<u8, Error> {
    // If no ids were requested, use those in the recording.
    let target = if config.target.ids.is_empty() { &evidence.target } else { &config.target };
    let catalog = catalog.as_of(evidence.observed_at);
    match target.ids.as_slice() {
        [] => {
            let mistake = Mistake::new("trace", format!("no {} given", config.pipeline.id.name));
            Err(Error::usage(
                mistake.help("give one or more ids, - to read them from standard input, or --stuck"),
            ))
        }
        [id] => print_one(&trace_event(evidence, id, config, &catalog, output), output),
        ids => {
            let all = trace_events(evidence, ids, config, &catalog, output);
            print_all(&traces(&config.pipeline, all), output)
        }
    }
}

/// Returns the ids from the command line and, for `-`, from standard input.
fn read_ids(args: &TraceArgs) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    for id in &args.ids {
        if id != "-" {
            ids.push(id.clone());
            continue;
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| {
            let mistake = Mistake::new("standard input", format!("cannot be read: {error}"));
            Error::usage(mistake.help("expected one id per line"))
        })?;
        ids.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from));
    }
    if ids.len() > MAX_IDS {
        let mistake = Mistake::new("trace", format!("too many ids: {}", ids.len()));
        return Err(Error::usage(mistake.help(format!("trace at most {MAX_IDS} at a time"))));
    }
    if ids.is_empty() && args.ids.iter().any(|id| id == "-") {
        let mistake = Mistake::new("standard input", "contains no id");
        return Err(Error::usage(mistake.help("expected one id per line")));
    }
    Ok(ids)
}

/// Returns the ids after the first in canonical form, without duplicates. Fails with all
/// mistakes in them at once.
fn additional_ids(config: &Config, given: &[String]) -> Result<Vec<String>, Error> {
    let mut mistakes = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for id in given {
        match config.pipeline.canonical_id(id) {
            Ok(id) if ids.contains(&id) || config.target.ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(ids) } else { Err(Error::Usage(mistakes)) }
}

/// Looks up ids in the database: those that match a lookup key, or else those of stuck events.
fn look_up_ids(config: &Config, lookup: Option<(String, String)>) -> Result<Vec<String>, Error> {
    let mut config = config.clone();
    let by_key = lookup.is_some();
    config.target.lookup = lookup;
    if config.replay.is_none() {
        config.without.extend([System::Kafka, System::Http, System::Logs]);
    }
    let evidence = gather_evidence(&config)?;
    let ids = evidence.main_database().and_then(|rows| match by_key {
        true => rows.looked_up.clone().unwrap_or_default(),
        false => newest_stuck_ids(&config, rows),
    });
    match ids {
        Observed::Known(ids) => {
            let (ids, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| config.pipeline.is_id(id));
            if !others.is_empty() {
                let name = &config.pipeline.id.name;
                eprintln!("note: left out {}: not a {name}", count(others.len() as u64, "id"));
            }
            Ok(ids)
        }
        Observed::Unknown(why) | Observed::NotAsked(why) => {
            let mistake = Mistake::new("trace", format!("the ids cannot be looked up: {}", why.describe()));
            let error = Error::usage(
                mistake.help("they are read from PostgreSQL; fix access to it, or give the ids"),
            );
            // Nothing else will be recorded after a signal.
            match evidence.interrupted {
                Some(_) => record_after(&config, &evidence, Err(error)).map(|_| Vec::new()),
                None => Err(error),
            }
        }
    }
}

/// Returns the stuck ids of all stages, newest first, without duplicates.
fn newest_stuck_ids(config: &Config, rows: &Database) -> Observed<Vec<String>> {
    let mut newest = Vec::new();
    for stage in &config.pipeline.stage {
        match rows.extents.get(&stage.name).map(Observed::as_ref) {
            Some(Observed::Known(extent)) => newest.extend(&extent.newest),
            Some(Observed::Unknown(why)) => return Observed::Unknown(why),
            _ => {}
        }
    }
    newest.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.id.cmp(&other.id)));
    let mut ids: Vec<String> = Vec::new();
    for stuck in newest {
        if !ids.contains(&stuck.id) {
            ids.push(stuck.id.clone());
        }
    }
    Observed::Known(ids)
}

/// Traces several events from the evidence. Shared data is joined only once. `catalog` holds the
/// rows that apply at the time of the evidence.
fn trace_events(
    evidence: &Evidence,
    ids: &[String],
    config: &Config,
    catalog: &Catalog,
    output: &OutputOptions,
) -> Vec<Trace> {
    let evidence = &*without_rows_of_other_database(evidence, &config.pipeline);
    let shared = Shared::build(evidence, &config.pipeline, &catalog.signatures, &catalog.facts);
    let shared = Arc::new(shared);
    let trace_one = |id: &String| {
        let situation = Situation::for_event(&shared, evidence.event(id));
        let mut trace = trace(&situation, build_conclusions(&situation, catalog, output));
        // A recording may have been made without values.
        if config.values && config.replay.is_none() {
            trace.note_omitted_values();
        }
        trace
    };
    ids.iter().map(trace_one).collect()
}

/// Traces one event from the evidence.
fn trace_event(
    evidence: &Evidence,
    id: &String,
    config: &Config,
    catalog: &Catalog,
    output: &OutputOptions,
) -> Trace {
    trace_events(evidence, std::slice::from_ref(id), config, catalog, output).remove(0)
}

fn format(output: &OutputOptions) -> Result<&'static Format, Error> {
    require_format(named(output.format()), output)
}

fn print_one(trace: &Trace, output: &OutputOptions) -> Result<u8, Error> {
    let format = format(output)?;
    let written = write_stdout(output, |screen, out| (format.render)(trace, screen, out));
    exit_code_after(written, trace.exit_code)
}

fn print_all(traces: &Traces, output: &OutputOptions) -> Result<u8, Error> {
    let format = format(output)?;
    let written = write_stdout(output, |screen, out| (format.render_all)(traces, screen, out));
    exit_code_after(written, traces.exit_code)
}

/// Polls until the event has arrived or time is up, and shows each hop as it appears.
fn follow(mut config: Config, catalog: &Catalog, output: &OutputOptions) -> Result<u8, Error> {
    let [id] = config.target.ids.as_slice() else {
        let mistake = Mistake::new("trace --follow", "needs exactly one id");
        return Err(Error::usage(mistake.help("give the id of the event to follow")));
    };
    let id = id.clone();
    // Movement is visible between polls. Only the last poll samples offsets twice and runs every probe.
    let settle = std::mem::take(&mut config.settle);
    config.quick = true;
    let give_up = Instant::now() + config.wait.unwrap_or(FOLLOW_TIMEOUT);
    let format = format(output)?;
    let mut previous: Option<Trace> = None;
    loop {
        let last = Instant::now() >= give_up;
        if last {
            config.settle = settle;
            config.quick = false;
        }
        let mut evidence = gather_evidence(&config)?;
        let current = |evidence: &Evidence| {
            trace_event(evidence, &id, &config, &catalog.as_of(evidence.observed_at), output)
        };
        let finish = |evidence: &Evidence, trace: &Trace| {
            let written = write_stdout(output, |screen, out| (format.render_end)(trace, screen, out));
            record_after(&config, evidence, exit_code_after(written, trace.exit_code))
        };
        let latest = current(&evidence);
        if let Some(render) = format.render_new_hops {
            write_stdout(output, |screen, out| render(&latest, previous.as_ref(), screen, out))?;
        }
        if last || latest.outcome == EventOutcome::Arrived || evidence.interrupted.is_some() {
            return finish(&evidence, &latest);
        }
        evidence.interrupted = interrupt::sleep(POLL_INTERVAL);
        if evidence.interrupted.is_some() {
            return finish(&evidence, &current(&evidence));
        }
        previous = Some(latest);
    }
}
