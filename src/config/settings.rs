//! The settings of one run, checked and typed.

use crate::base::error::Mistake;
use crate::cli::TargetOptions;
use crate::config::endpoints::Endpoints;
use crate::config::environment::{Environment, address_variables};
use crate::config::known_secrets;
use crate::config::parse_time::{parse_duration, parse_time};
use crate::config::pipeline_lookup_flags::can_be_flag;
use crate::evidence::{System, Target};
use crate::input::Source;
use crate::pipeline::Pipeline;
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::log_kinds::LogKinds;
use std::path::PathBuf;
use std::time::Duration;

/// The smallest valid pipeline, for `init`, which runs before a pipeline file exists.
const MINIMAL_PIPELINE: &str = r#"
name = "undescribed"
noun = ["event", "events"]
id = { name = "id", format = "text" }
kafka = { service = "kafka" }
postgres = { service = "postgres" }
event = { sql = "select 1" }
service = [{ name = "kafka", role = "broker" }, { name = "postgres", role = "database" }]
"#;

/// The default of `--log-limit`, in megabytes.
const DEFAULT_LOG_LIMIT: u64 = 32;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The pipeline that should exist.
    pub pipeline: Pipeline,
    /// The event and period to inspect; copied into the evidence unchanged.
    pub target: Target,
    /// Whether the values of Kafka records are kept.
    pub values: bool,
    /// The deadline for the whole run, from its start to its report.
    pub deadline: Duration,
    /// How long it took to load the configuration, which counts towards the deadline.
    pub loading: Duration,
    /// About how many bytes of each container's log are read at most.
    pub log_limit: u64,
    /// The time between two samples of the offsets.
    pub settle: Duration,
    /// The maximum time to keep repeating the run until the pipeline is healthy.
    pub wait: Option<Duration>,
    /// Whether to skip slow probes that reveal nothing about an event under way. This is for
    /// `--follow`, which polls several times a second.
    pub quick: bool,
    /// Regular expressions for log records to keep, because checks search for them.
    pub log_patterns: Vec<String>,
    /// The kinds of trouble in logs.
    pub log_kinds: LogKinds,
    /// Custom facts for the probes to collect.
    pub custom_facts: Vec<CustomFact>,
    /// The directory to read logs from, instead of the containers.
    pub logs: Option<PathBuf>,
    /// Systems to skip.
    pub without: Vec<System>,
    /// The configured addresses of the systems.
    pub endpoints: Endpoints,
    /// The file to write the evidence to.
    pub record: Option<PathBuf>,
    /// The recording to read instead of contacting the systems.
    pub replay: Option<PathBuf>,
}

impl Config {
    /// Builds the settings for `init`, which has no pipeline yet, so only the target options
    /// matter.
    pub fn for_discovery(
        options: &TargetOptions,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Config> {
        let source = Source { name: "undescribed".into(), text: MINIMAL_PIPELINE.into() };
        Config::new(&source, None, options, environment, mistakes)
    }

    /// Parses the flags for the pipeline in `source`. Adds every mistake to `mistakes`.
    /// Returns `None` if the pipeline or a duration cannot be read.
    pub fn new(
        source: &Source,
        id: Option<&str>,
        options: &TargetOptions,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Config> {
        let pipeline = Pipeline::read(source, mistakes);
        for (name, key) in pipeline.iter().flat_map(|pipeline| &pipeline.lookup) {
            if !can_be_flag(name) {
                let mistake = source.mistake(key.span().start, format!("lookup `{name}` cannot be a flag"));
                mistakes.push(
                    mistake.help(
                        "expected lower-case letters, digits and dashes, and no existing flag of `trace`",
                    ),
                );
            }
        }
        let window = ok_or_record(mistakes, parse_duration("--window", &options.window));
        let deadline = ok_or_record(mistakes, parse_duration("--deadline", &options.deadline));
        let settle = ok_or_record(mistakes, parse_duration("--settle", &options.settle));
        let wait = options.wait.as_deref().map(|text| parse_duration("--wait", text));
        let wait = wait.and_then(|wait| ok_or_record(mistakes, wait));
        let at = options.at.as_deref().map(|text| parse_time("--at", text));
        let at = at.and_then(|at| ok_or_record(mistakes, at));
        let pipeline = pipeline?;
        let id = id.map(|id| pipeline.canonical_id(id));
        let id = id.and_then(|id| ok_or_record(mistakes, id));
        let endpoints = Endpoints::new(options, &pipeline, environment, mistakes);
        known_secrets::remember(&endpoints, &source.text, environment);
        let (window, deadline, settle) = (window?, deadline?, settle?);
        let target = Target {
            pipeline: pipeline.name.clone(),
            ids: id.into_iter().collect(),
            lookup: None,
            at,
            window_s: window.as_secs(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            flags: options.flags(),
            variables: address_variables(&pipeline, environment),
        };
        Some(Config {
            pipeline,
            target,
            values: false,
            deadline,
            loading: Duration::ZERO,
            log_limit: options.log_limit.unwrap_or(DEFAULT_LOG_LIMIT) << 20,
            settle,
            wait,
            quick: false,
            log_patterns: Vec::new(),
            log_kinds: LogKinds::default(),
            custom_facts: Vec::new(),
            logs: options.logs.clone(),
            without: options.without.clone(),
            endpoints,
            record: options.record.clone(),
            replay: options.replay.clone(),
        })
    }
}

fn ok_or_record<T>(mistakes: &mut Vec<Mistake>, result: Result<T, Mistake>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::pipeline_file::pipeline_source;

    fn config(
        id: Option<&str>,
        options: &TargetOptions,
        environment: &[(&str, &str)],
    ) -> (Option<Config>, Vec<String>) {
        let environment =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut mistakes = Vec::new();
        let source = pipeline_source(None).unwrap();
        let config = Config::new(&source, id, options, &environment, &mut mistakes);
        (config, mistakes.iter().map(ToString::to_string).collect())
    }

    fn options() -> TargetOptions {
        TargetOptions {
            window: "24h".into(),
            deadline: "10s".into(),
            settle: "1s".into(),
            ..TargetOptions::default()
        }
    }

    #[test]
    fn flags_take_precedence_over_environment() {
        let flags = TargetOptions { kafka: Some("flag:1".into()), ..options() };
        let environment =
            [("KAFKA_BROKERS", "env:1"), ("DATABASE_URL", "postgres://d"), ("POSTGRES_URL", "")];
        let (config, mistakes) = config(None, &flags, &environment);
        assert_eq!(mistakes, Vec::<String>::new());
        let endpoints = config.unwrap().endpoints;
        assert_eq!(endpoints.kafka.as_deref(), Some("flag:1"));
        assert_eq!(endpoints.postgres.unwrap().expose(), "postgres://d");
    }

    #[test]
    fn reports_all_invalid_flags_at_once() {
        let flags = TargetOptions {
            at: Some("yesterday".into()),
            window: "soon".into(),
            deadline: "0s".into(),
            settle: "1s".into(),
            kafka_addresses: vec!["kafka".into()],
            http: vec!["nobody=http://x".into()],
            ..TargetOptions::default()
        };
        let (_, mistakes) = config(Some("42"), &flags, &[]);
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
    }

    #[test]
    fn time_without_offset_is_utc() {
        let flags = TargetOptions { at: Some("2026-01-07 16:55:09".into()), ..options() };
        let (config, _) = config(None, &flags, &[]);
        assert_eq!(config.unwrap().target.at.unwrap().to_string(), "2026-01-07T16:55:09Z");
    }
}
