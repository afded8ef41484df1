//! What a run is to do: flags, else environment, else the pipeline's file.

pub mod places;

pub use places::Places;

use crate::base::error::{Error, Mistake};
use crate::cli::{Cli, Look};
use crate::evidence::{System, Target};
use crate::input::Source;
use crate::pipeline::Pipeline;
use crate::runbook::own::OwnFact;
use clap::CommandFactory;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The pipeline that is built in.
const BUILT_IN: &str = include_str!("../checks/pipeline.toml");

/// The least that a pipeline is: for looking at one that nobody has described.
const UNDESCRIBED: &str = r#"
name = "undescribed"
noun = ["event", "events"]
id = { name = "id", format = "text" }
kafka = { service = "kafka" }
postgres = { service = "postgres" }
event = { sql = "select 1" }
service = [{ name = "kafka", role = "broker" }, { name = "postgres", role = "database" }]
"#;

/// The environment, as a map, so that tests can give their own.
pub type Environment = BTreeMap<String, String>;

/// Everything that a run is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// What should exist.
    pub pipeline: Pipeline,
    /// What was asked for; goes into the evidence as it is.
    pub target: Target,
    /// Whether the values of records are kept.
    pub values: bool,
    /// The deadline of all probes together.
    pub deadline: Duration,
    /// How far apart offsets are looked at.
    pub settle: Duration,
    /// Look again until healthy or until this is over.
    pub wait: Option<Duration>,
    /// Whether it is looked again and again within a second: what takes long and
    /// tells nothing of an event on its way is left out.
    pub in_haste: bool,
    /// What checks look for in logs: such records are kept.
    pub log_patterns: Vec<String>,
    /// Facts of the user's own that probes look for.
    pub own: Vec<OwnFact>,
    /// Which systems are left out.
    pub without: Vec<System>,
    /// Where the systems are.
    pub places: Places,
    /// Where to write the evidence.
    pub record: Option<PathBuf>,
    /// Which evidence to read instead of looking.
    pub replay: Option<PathBuf>,
}

impl Config {
    /// The same before there is a pipeline: only where and how to look counts.
    pub fn undescribed(
        look: &Look,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Config> {
        let source = Source { name: "undescribed".into(), text: UNDESCRIBED.into() };
        Config::of(&source, None, look, environment, mistakes)
    }

    /// Gives the flags their meaning, for the pipeline of a file. All mistakes are put into
    /// `mistakes`.
    pub fn of(
        source: &Source,
        id: Option<&str>,
        look: &Look,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Config> {
        let pipeline = Pipeline::read(source, mistakes);
        for (name, key) in pipeline.iter().flat_map(|pipeline| &pipeline.lookup) {
            if !is_free(name) {
                let mistake = source.mistake(key.span().start, format!("lookup `{name}` cannot be a flag"));
                mistakes.push(
                    mistake.help("expected small letters, digits and dashes, and no flag that `trace` has"),
                );
            }
        }
        let window = take(mistakes, duration("--window", &look.window));
        let deadline = take(mistakes, duration("--deadline", &look.deadline));
        let settle = take(mistakes, duration("--settle", &look.settle));
        let wait = look.wait.as_deref().map(|text| duration("--wait", text));
        let wait = wait.and_then(|wait| take(mistakes, wait));
        let at = look.at.as_deref().map(|text| time("--at", text));
        let at = at.and_then(|at| take(mistakes, at));
        let pipeline = pipeline?;
        let id = id.map(|id| pipeline.canonical_id(id));
        let id = id.and_then(|id| take(mistakes, id));
        let places = Places::new(look, &pipeline, environment, mistakes);
        let (window, deadline, settle) = (window?, deadline?, settle?);
        let target = Target {
            pipeline: pipeline.name.clone(),
            ids: id.into_iter().collect(),
            lookup: None,
            at,
            window_s: window.as_secs(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            flags: look.flags(),
            variables: address_variables(&pipeline, environment),
        };
        Some(Config {
            pipeline,
            target,
            values: false,
            deadline,
            settle,
            wait,
            in_haste: false,
            log_patterns: Vec::new(),
            own: Vec::new(),
            without: look.without.clone(),
            places,
            record: look.record.clone(),
            replay: look.replay.clone(),
        })
    }
}

/// The address variables that are set here and that compose files read too.
fn address_variables(pipeline: &Pipeline, environment: &Environment) -> Vec<String> {
    let mut names: Vec<String> = pipeline.address_variables().map(String::from).collect();
    names.sort();
    names.dedup();
    names.retain(|name| environment.contains_key(name));
    names
}

fn take<T>(mistakes: &mut Vec<Mistake>, result: Result<T, Mistake>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}

/// The pipeline that a flag names, or the built-in one.
pub fn pipeline_source(file: Option<&Path>) -> Result<Source, Error> {
    let Some(file) = file else {
        return Ok(Source { name: "built-in/pipeline.toml".into(), text: BUILT_IN.into() });
    };
    Ok(Source { name: file.display().to_string(), text: read_file("--config", file, "a pipeline in TOML")? })
}

/// What of a pipeline's file the command line itself is made of.
#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    lookup: BTreeMap<String, String>,
}

/// The lookups of the pipeline that a command line names, each with its key: they
/// are flags of it. What is wrong with the pipeline is told when it is read.
pub fn lookups(arguments: &[OsString]) -> Vec<(String, String)> {
    // Nobody else has them; and what is no file can be read only once.
    if !arguments.iter().any(|argument| argument == "trace") {
        return Vec::new();
    }
    let of_flag = arguments.iter().zip(arguments.iter().skip(1)).find(|(flag, _)| *flag == "--config");
    let joined = arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("--config="));
    let file = of_flag.map(|(_, file)| PathBuf::from(file)).or_else(|| joined.map(PathBuf::from).next());
    if file.as_ref().is_some_and(|file| !file.is_file()) {
        return Vec::new();
    }
    let Ok(source) = pipeline_source(file.as_deref()) else { return Vec::new() };
    let declared: Option<Declared> = source.read(&mut Vec::new());
    let lookups = declared.map(|declared| declared.lookup).unwrap_or_default();
    lookups.into_iter().filter(|(name, _)| is_free(name)).collect()
}

/// Whether a word can be a flag of its own.
fn is_free(name: &str) -> bool {
    let command = Cli::command();
    let trace = command.find_subcommand("trace");
    let taken = trace.into_iter().flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    begins && name.bytes().all(plain) && !taken.chain(["help", "version"]).any(|taken| taken == name)
}

/// Reads a text file that a flag names; `expected` says what it should be.
pub fn read_file(flag: &str, file: &Path, expected: &str) -> Result<String, Error> {
    let place = format!("{flag} {}", file.display());
    let wrong = |what: String| {
        Error::usage(Mistake::new(&place, what).help(format!("expected a readable file: {expected}")))
    };
    if file.is_dir() {
        return Err(wrong("is a directory".into()));
    }
    let bytes = std::fs::read(file).map_err(|error| wrong(in_words(&error)))?;
    String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".into()))
}

/// An I/O error in words, without the operating system's number.
pub fn in_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// No flag means a longer time.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A length of time as people write it: `10s`, `24h`, `1500ms`, `90` (seconds).
fn duration(flag: &str, text: &str) -> Result<Duration, Mistake> {
    let wrong = |what: &str| {
        Mistake::new(format!("{flag} {text}"), what)
            .help("expected for example 10s, 5m or 24h, at most a year")
    };
    if text.parse::<f64>().is_ok() {
        return Err(wrong("not a length of time: it has no unit"));
    }
    let parsed = text.parse::<SignedDuration>().ok();
    let parsed = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    match parsed {
        None => Err(wrong("not a length of time")),
        Some(parsed) if parsed.is_zero() => Err(wrong("not a length of time: it is none")),
        Some(parsed) if parsed > LONGEST => Err(wrong("not a length of time: too long")),
        Some(parsed) => Ok(parsed),
    }
}

/// A point in time: with its offset from UTC, or without for UTC.
fn time(flag: &str, text: &str) -> Result<Timestamp, Mistake> {
    let zoned = text.parse::<Timestamp>().ok();
    let utc = || {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    zoned.or_else(utc).ok_or_else(|| {
        Mistake::new(format!("{flag} {text}"), "not a point in time")
            .help("expected for example 2026-01-07T16:55:09Z (without an offset: UTC)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(id: Option<&str>, look: &Look, environment: &[(&str, &str)]) -> (Option<Config>, Vec<String>) {
        let environment =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut mistakes = Vec::new();
        let source = pipeline_source(None).unwrap();
        let config = Config::of(&source, id, look, &environment, &mut mistakes);
        (config, mistakes.iter().map(ToString::to_string).collect())
    }

    fn look() -> Look {
        Look { window: "24h".into(), deadline: "10s".into(), settle: "1s".into(), ..Look::default() }
    }

    #[test]
    fn flags_come_before_the_environment() {
        let flags = Look { kafka: Some("flag:1".into()), ..look() };
        let environment =
            [("KAFKA_BROKERS", "env:1"), ("DATABASE_URL", "postgres://d"), ("POSTGRES_URL", "")];
        let (config, mistakes) = config(None, &flags, &environment);
        assert_eq!(mistakes, Vec::<String>::new());
        let places = config.unwrap().places;
        assert_eq!(places.kafka.as_deref(), Some("flag:1"));
        assert_eq!(places.postgres.unwrap().expose(), "postgres://d");
    }

    #[test]
    fn all_wrong_flags_are_reported_at_once() {
        let flags = Look {
            at: Some("yesterday".into()),
            window: "soon".into(),
            deadline: "0s".into(),
            settle: "1s".into(),
            kafka_addresses: vec!["kafka".into()],
            http: vec!["nobody=http://x".into()],
            ..Look::default()
        };
        let (_, mistakes) = config(Some("42"), &flags, &[]);
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        let flags = Look { at: Some("2026-01-07 16:55:09".into()), ..look() };
        let (config, _) = config(None, &flags, &[]);
        assert_eq!(config.unwrap().target.at.unwrap().to_string(), "2026-01-07T16:55:09Z");
    }
}
