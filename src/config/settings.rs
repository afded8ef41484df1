//! What a run is to do: flags, else environment, else the pipeline's file.

use crate::base::error::Mistake;
use crate::cli::Look;
use crate::config::lookups::is_free;
use crate::config::places::Places;
use crate::config::times::{duration, time};
use crate::config::variables::{Environment, address_variables};
use crate::evidence::{System, Target};
use crate::input::Source;
use crate::pipeline::Pipeline;
use crate::runbook::own::OwnFact;
use std::path::PathBuf;
use std::time::Duration;

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

fn take<T>(mistakes: &mut Vec<Mistake>, result: Result<T, Mistake>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::pipeline_file::pipeline_source;

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
