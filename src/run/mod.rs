//! The table of contents: each arrow of the flow is one call here.

pub mod demo;
pub mod init;
pub mod lint;
pub mod schema;
pub mod trace;

use crate::base::error::{Error, Mistake, exit, way_out};
use crate::cli::{Cli, Color, Command, DEADLINE, Explain, FailOn, Format, Look, SETTLE, Show, WINDOW};
use crate::config::{Config, Environment, in_words, pipeline_source, read_file};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::evidence::{self, Evidence};
use crate::fact::{Facts, facts};
use crate::input::Source;
use crate::input::document::Document;
use crate::judge::{Finding, judge};
use crate::pipeline::Pipeline;
use crate::report::format::table::Screen;
use crate::report::{self, Material, Outcome, Report};
use crate::run::demo::{INCIDENTS, incident};
use crate::runbook::catalog::{Catalog, Cause, Generator};
use crate::runbook::notes::never_raised;
use crate::runbook::{own_rows, sources};
use crate::situation::Situation;
use crate::{collect, remedy};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs the program; the exit code belongs to what was found.
pub fn run(cli: &Cli, environment: &Environment) -> Result<u8, Error> {
    match &cli.command {
        None => doctor(cli.id.as_deref(), &cli.look, &cli.show, environment),
        Some(Command::Demo { incident, show }) => demo(incident.as_deref(), show),
        Some(Command::Trace(args)) => trace::run(args, environment),
        Some(Command::Explain(args)) => explain(args, environment),
        Some(Command::Init(args)) => init::run(args, environment),
        Some(Command::Schema { of }) => schema::run(*of),
        Some(Command::Lint(args)) => lint::run(args, environment),
    }
}

/// The whole runbook.
fn doctor(id: Option<&str>, look: &Look, show: &Show, environment: &Environment) -> Result<u8, Error> {
    let (config, catalog) = read(id, look, environment)?;
    let give_up = config.wait.map(|wait| Instant::now() + wait);
    loop {
        let evidence = see(&config)?;
        let report = diagnosed(&evidence, &config.pipeline, &catalog, show);
        let healthy = matches!(report.outcome, Outcome::Healthy | Outcome::Warning);
        if healthy || give_up.is_none_or(|give_up| Instant::now() >= give_up) {
            record(&config, &evidence)?;
            return ended(print(&report, show), report.exit_code);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Whoever reads no further has still asked how it ended.
fn ended(written: Result<(), Error>, exit_code: u8) -> Result<u8, Error> {
    match written {
        Err(Error::OutputClosed) | Ok(()) => Ok(exit_code),
        Err(error) => Err(error),
    }
}

/// Reads flags, pipeline, checks and causes; all mistakes in them come at once.
fn read(id: Option<&str>, look: &Look, environment: &Environment) -> Result<(Config, Catalog), Error> {
    let mut mistakes = Vec::new();
    let source = pipeline_source(look.config.as_deref())?;
    match read_all(&source, id, look, environment, &mut mistakes)? {
        (Some(config), catalog) if mistakes.is_empty() => Ok((config, catalog)),
        _ => Err(Error::Usage(mistakes)),
    }
}

/// Whether no row of a pipeline's file is missing in what was read of it.
fn is_whole(document: &Document, pipeline: &Pipeline) -> bool {
    let rows = |section: &str| document.rows(section).len();
    !document.has_lost_rows()
        && rows("service[]") == pipeline.service.len()
        && rows("worker[]") == pipeline.worker.len()
        && rows("topic[]") == pipeline.topic.len()
        && rows("stage[]") == pipeline.stage.len()
}

/// As much as can be read, and all that is wrong with it.
fn read_all(
    source: &Source,
    id: Option<&str>,
    look: &Look,
    environment: &Environment,
    mistakes: &mut Vec<Mistake>,
) -> Result<(Option<Config>, Catalog), Error> {
    let mut config = Config::of(source, id, look, environment, mistakes);
    let own = sources::directory(look.checks.as_deref(), look.config.as_deref());
    let catalog = Catalog::read(own.as_deref(), mistakes)?;
    // The built-in rows name nothing of a pipeline.
    let document = own.and_then(|_| Document::of(source));
    if let Some(pipeline) = &document {
        own_rows::check_names(&catalog, pipeline, mistakes);
    }
    if let Some(config) = &mut config {
        let of_facts = catalog.facts.iter().filter_map(|fact| fact.log.as_ref()).map(|log| &log.pattern);
        let patterns = catalog.signatures.iter().map(|signature| &signature.pattern).chain(of_facts);
        config.log_patterns = patterns.map(|pattern| pattern.0.as_str().to_string()).collect();
        config.own.clone_from(&catalog.facts);
        // Whom a cause could be about may be in a row that could not be read.
        if document.is_some_and(|document| is_whole(&document, &config.pipeline)) {
            mistakes.extend(never_raised(&catalog, &config.pipeline).0);
        }
    }
    if let Some(config) = config.as_ref().filter(|config| config.replay.is_none()) {
        collect::check(config, mistakes);
        mistakes.extend(config.record.as_deref().and_then(no_place_for));
    }
    Ok((config, catalog))
}

/// probes → evidence, or a recording of it; without what is to be left out.
fn see(config: &Config) -> Result<Evidence, Error> {
    let mut evidence = looked_at(config)?;
    config.without.iter().for_each(|system| evidence.leave_out(*system));
    Ok(evidence)
}

fn looked_at(config: &Config) -> Result<Evidence, Error> {
    if let Some(file) = &config.replay {
        return recorded(config, file);
    }
    waited_for(collect::gather(config))
}

/// What a probe finds, within its deadline.
fn waited_for<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("no runtime: {error}")))?;
    let found = runtime.block_on(work);
    // Whatever still hangs is left behind: it must not keep the report.
    runtime.shutdown_background();
    Ok(found)
}

/// A recording, if it is of the event that was asked about.
fn recorded(config: &Config, file: &Path) -> Result<Evidence, Error> {
    let text = read_file("--replay", file, "evidence written by --record")?;
    let place = format!("--replay {}", file.display());
    let evidence = replayed(&place, &text, &config.pipeline)?;
    let of_another = config.target.ids().find(|asked| !evidence.target.ids().any(|id| id == *asked));
    match of_another {
        Some(id) => {
            let recorded = evidence.target.id.as_deref().unwrap_or("no id");
            let mistake = Mistake::new(place, format!("was recorded of {recorded}, not of {id}"));
            Err(Error::usage(mistake.help("leave the id out: the recording has its own")))
        }
        None => Ok(evidence),
    }
}

/// Evidence from its document.
fn replayed(place: &str, text: &str, pipeline: &Pipeline) -> Result<Evidence, Error> {
    let wrong = |what: String, help: &str| Error::usage(Mistake::new(place, what).help(help));
    let document: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| wrong(format!("is not JSON: {error}"), "expected evidence written by --record"))?;
    let schema = document.get("schema").and_then(serde_json::Value::as_u64);
    if schema != Some(u64::from(evidence::SCHEMA)) {
        let found = schema.map_or("no schema".to_string(), |schema| format!("schema {schema}"));
        let what = format!("holds {found}, this program reads schema {}", evidence::SCHEMA);
        return Err(wrong(what, "record it again with this version"));
    }
    let evidence: Evidence = serde_json::from_value(document).map_err(|error| {
        wrong(format!("is not evidence: {error}"), "expected evidence written by --record")
    })?;
    if evidence.target.pipeline != pipeline.name {
        let what =
            format!("was recorded of pipeline `{}`, not of `{}`", evidence.target.pipeline, pipeline.name);
        return Err(wrong(what, "name that pipeline's file with --config"));
    }
    Ok(evidence)
}

/// evidence → situation → facts → checks → diagnosis → report.
fn diagnosed(evidence: &Evidence, pipeline: &Pipeline, catalog: &Catalog, show: &Show) -> Report {
    let catalog = &catalog.at(evidence.taken);
    let situation = Situation::of(evidence, pipeline, &catalog.signatures, &catalog.facts);
    reported(&situation, catalog, show)
}

/// situation → facts → checks → diagnosis → report.
fn reported(situation: &Situation, catalog: &Catalog, show: &Show) -> Report {
    let facts: Facts = facts(situation, &catalog.signatures, &catalog.facts);
    let findings: Vec<Finding> = judge(catalog, &facts, situation.pipeline);
    let diagnosis: Diagnosis = diagnose(catalog, &findings);
    report::report(&Material {
        evidence: situation.evidence,
        situation,
        pipeline: situation.pipeline,
        catalog,
        facts: &facts,
        findings: &findings,
        diagnosis: &diagnosis,
        fail_on_warnings: show.fail_on == FailOn::Warn,
    })
}

fn record(config: &Config, evidence: &Evidence) -> Result<(), Error> {
    let Some(file) = &config.record else {
        return Ok(());
    };
    let document = serde_json::to_string_pretty(evidence)
        .map_err(|error| Error::Internal(format!("the evidence could not be written: {error}")))?;
    write_whole(file, &(document + "\n")).map_err(|error| {
        let place = format!("--record {}", file.display());
        let mistake = Mistake::new(place, format!("cannot be written: {}", in_words(&error)));
        Error::usage(mistake.help("name a file in a directory that you may write to"))
    })
}

/// Why a recording cannot be written there, told before anything is looked at.
fn no_place_for(file: &Path) -> Option<Mistake> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let what = match directory {
        _ if file.is_dir() => "is a directory",
        Some(directory) if !directory.is_dir() => "its directory is not there",
        _ => return None,
    };
    let mistake = Mistake::new(format!("--record {}", file.display()), what);
    Some(mistake.help("name a file in a directory that you may write to"))
}

/// Never leaves half a file behind in the place of an older one. A link stays a
/// link, and what is no file (a pipe, /dev/null) is written into.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let target = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    if target.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    if target.exists() && !target.is_file() {
        return std::fs::write(&target, text);
    }
    let mut beside = target.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, &target)
}

fn demo(name: Option<&str>, show: &Show) -> Result<u8, Error> {
    let names = INCIDENTS.iter().map(|incident| incident.name);
    let chosen = name.unwrap_or(INCIDENTS[0].name);
    let incident = incident(chosen).ok_or_else(|| {
        let mistake = Mistake::new("demo", format!("unknown incident `{chosen}`"));
        Error::usage(mistake.help(way_out(chosen, names)))
    })?;
    let look =
        Look { window: WINDOW.into(), deadline: DEADLINE.into(), settle: SETTLE.into(), ..Look::default() };
    let (config, catalog) = read(None, &look, &Environment::new())?;
    let evidence = replayed(chosen, incident.evidence, &config.pipeline)?;
    let report = diagnosed(&evidence, &config.pipeline, &catalog, show);
    let mut about = vec![format!("Recorded: {}.", incident.story)];
    about.push(format!("A real run would exit with {}.", report.exit_code));
    if name.is_none() {
        about.push("Other incidents, each with `pipeline-doctor demo NAME`:".to_string());
        about.extend(INCIDENTS[1..].iter().map(|other| format!("  {:<22}{}", other.name, other.story)));
    }
    // Before the report: its last line is the verdict.
    let _ = writeln!(io::stderr(), "{}\n", about.join("\n"));
    print(&report, show)?;
    Ok(exit::HEALTHY)
}

fn explain(args: &Explain, environment: &Environment) -> Result<u8, Error> {
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
        (Some(cause), _, None) if args.markdown => report::format::markdown::cause(cause, catalog, text)?,
        (Some(cause), _, None) => report::explain::cause(cause, catalog, text)?,
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
    let mut whys =
        [evidence.postgres.why()].into_iter().chain(evidence.brokers().map(|(_, broker)| broker.why()));
    let unseen = whys.find_map(|why| why);
    let remedy = remedy::Remedy::new(&situation, cause, subjects);
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

fn print(report: &Report, show_as: &Show) -> Result<(), Error> {
    show(show_as, |format, screen, out| match format {
        Format::Json => report::format::json::render(report, out),
        Format::Table => report::format::table::render(report, screen, out),
    })
}

/// Puts on stdout what is rendered for it.
fn show(
    show: &Show,
    render: impl FnOnce(Format, Screen, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let terminal = out.is_terminal();
    set_colours(show.color, terminal);
    let screen = Screen { width: width(terminal), unicode: terminal && unicode(), verbose: show.verbose };
    render(show.format(), screen, &mut out)?;
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

fn set_colours(color: Color, terminal: bool) {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !no_color,
    };
    colored::control::set_override(colours);
}
