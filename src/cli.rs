//! The command line: subcommands, flags and their help texts. `config` parses the values.

use crate::base::name::MAIN_DATABASE;
use crate::base::secret::{redact, shows_all};
use crate::evidence::System;
use crate::printed_command::recorded_target::{address_variable, variable_name};
use crate::printed_command::{Word, shell};
use clap::builder::PossibleValue;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  healthy, or the requested event has arrived; warnings are allowed
  1  internal error
  2  usage or configuration error
  3  a problem was found
  4  only warnings, with --fail-on warn
  5  inconclusive: nothing failed, but something could not be checked
  129  ended by SIGHUP; what was seen until then is reported
  130  ended by SIGINT (Ctrl-C); what was seen until then is reported
  143  ended by SIGTERM; what was seen until then is reported

Each address comes from the first of these that has it: its flag, the
environment (KAFKA_BROKERS, POSTGRES_URL or DATABASE_URL, DOCKER_HOST, the
address variables of services), the pipeline file or the running containers.";

/// Returns the exit codes and their meanings, as printed by `--help`.
pub fn exit_codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = EXIT_CODES.lines().filter_map(|line| line.trim_start().split_once("  "));
    lines.filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Finds where an event is stuck, explains why, and shows how to get it moving again.
#[derive(Debug, Parser)]
#[command(name = "pipeline-doctor", version, after_help = EXIT_CODES)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// The subcommand; without one, the whole runbook runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// ID of the event to diagnose; without it, the pipeline as a whole is checked
    pub id: Option<String>,
    /// Which systems to inspect, and how.
    #[command(flatten)]
    pub target: TargetOptions,
    /// How to print the report.
    #[command(flatten)]
    pub output: OutputOptions,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Trace an event hop by hop: how far it got, and where it stopped
    Trace(Box<Trace>),
    /// Diagnose a recorded incident; needs no running pipeline
    Demo {
        /// Name of the incident; without it, shows the first one and lists the others
        incident: Option<String>,
        /// How to print the report.
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Explain a check or cause: what it means, how to check it by hand and how to fix it
    Explain(Box<Explain>),
    /// Inspect the running system and write a pipeline file for it
    Init(Box<Init>),
    /// Print the JSON Schema of an input file or of the JSON output
    Schema {
        /// Name of the schema; without it, lists the schemas and how to use them
        #[arg(value_enum, hide_possible_values = true, value_name = "SCHEMA")]
        name: Option<SchemaOf>,
    },
    /// Report all mistakes in the pipeline, checks and causes at once
    Lint(Box<Lint>),
}

/// The formats with a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The pipeline file (--config)
    Pipeline,
    /// A file of checks and causes (--checks)
    Checks,
    /// The output of --json
    Report,
    /// The output of trace --json
    Trace,
}

/// The arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// File to write; an existing file is never overwritten
    #[arg(long, value_name = "FILE", default_value = "pipeline.toml")]
    pub output: PathBuf,
    /// Write to standard output instead of a file
    #[arg(long, conflicts_with = "output")]
    pub stdout: bool,
    /// Which systems to inspect, and how.
    #[command(flatten)]
    pub target: TargetOptions,
}

/// The arguments of `lint`.
#[derive(Debug, Args)]
pub struct Lint {
    /// Print notes about the built-in checks and causes, too
    #[arg(short, long)]
    pub verbose: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// The files to read, and the database that prepares their SQL.
    #[command(flatten)]
    pub target: TargetOptions,
}

/// The arguments of `trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// IDs of the events to trace; - reads them from standard input, one per line
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Trace the newest stuck events in the window
    #[arg(long, conflicts_with = "ids")]
    pub stuck: bool,
    /// Poll until the event has arrived, and show each hop as it appears
    #[arg(long, conflicts_with_all = ["stuck", "replay"])]
    pub follow: bool,
    /// Show the values of the event's JSON records, without secrets
    #[arg(long)]
    pub payload: bool,
    /// The key of a lookup flag, and its value.
    #[arg(skip)]
    pub lookup: Option<(String, String)>,
    /// Which systems to inspect, and how.
    #[command(flatten)]
    pub target: TargetOptions,
    /// How to print the trace.
    #[command(flatten)]
    pub output: OutputOptions,
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// ID of a check or cause, as printed in a report
    #[arg(required_unless_present = "markdown")]
    pub name: Option<String>,
    /// ID of the event that the remedy is for
    pub id: Option<String>,
    /// Print a Compose fragment that declares the workers that are missing now
    #[arg(long, group = "remedy")]
    pub yaml: bool,
    /// Print the commands that set the consumer groups' offsets to the stuck events
    #[arg(long, group = "remedy")]
    pub offsets: bool,
    /// Print SQL, for review, that removes the marks from events without an effect row
    #[arg(long, group = "remedy")]
    pub sql: bool,
    /// Print the commands that send the records of the stuck events again
    #[arg(long, group = "remedy")]
    pub records: bool,
    /// Print the runbook as Markdown: all of it, or only the entry for NAME
    #[arg(long, conflicts_with = "remedy")]
    pub markdown: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Which systems to inspect, and how.
    #[command(flatten)]
    pub target: TargetOptions,
}

/// The values of `--format`, each a name with its help text.
#[derive(Debug, Clone, Default)]
pub struct Formats {
    /// Formats of a report.
    pub report: Vec<(&'static str, &'static str)>,
    /// Formats of a trace.
    pub trace: Vec<(&'static str, &'static str)>,
}

/// Restricts the `--format` flag of a command to `formats`.
fn with_formats(command: clap::Command, formats: &[(&'static str, &'static str)]) -> clap::Command {
    let values: Vec<PossibleValue> =
        formats.iter().map(|(name, help)| PossibleValue::new(*name).help(*help)).collect();
    command.mut_arg("format", |arg| arg.value_parser(values))
}

/// Returns clap's argument id for a lookup flag.
fn lookup_arg_id(lookup: &str) -> String {
    format!("lookup-{lookup}")
}

impl Cli {
    /// Builds the command line with the available formats, and with a flag of `trace` for
    /// each of the pipeline's lookups, given as pairs of flag name and key.
    pub fn command_with(formats: &Formats, lookups: &[(String, String)]) -> clap::Command {
        let flag = |(name, key): &(String, String)| {
            let others = lookups.iter().filter(|(other, _)| other != name);
            let others = others.map(|(other, _)| lookup_arg_id(other));
            Arg::new(lookup_arg_id(name))
                .long(name.clone())
                .value_name(key.clone())
                .help_heading("Lookup options")
                .help(format!("Trace the newest events with this {key}"))
                .conflicts_with_all(["ids", "stuck"])
                .conflicts_with_all(others)
        };
        with_formats(Cli::command(), &formats.report)
            .mut_subcommand("demo", |demo| with_formats(demo, &formats.report))
            .mut_subcommand("trace", |trace| {
                with_formats(trace, &formats.trace).args(lookups.iter().map(flag))
            })
    }

    /// Converts clap's matches, including the lookup flags, into the parsed command line.
    pub fn from_matches(
        matches: &clap::ArgMatches,
        lookups: &[(String, String)],
    ) -> Result<Cli, clap::Error> {
        let mut cli = Cli::from_arg_matches(matches)?;
        if let (Some(Command::Trace(trace)), Some(("trace", given))) =
            (&mut cli.command, matches.subcommand())
        {
            let value = |name: &str| given.get_one::<String>(&lookup_arg_id(name)).cloned();
            trace.lookup = lookups.iter().find_map(|(name, key)| Some((key.clone(), value(name)?)));
        }
        Ok(cli)
    }
}

/// The default of `--settle`.
pub const SETTLE: &str = "1s";

/// The default of `--deadline`.
pub const DEADLINE: &str = "10s";

/// The default of `--window`.
pub const WINDOW: &str = "24h";

/// The flags that select the systems to inspect, and how to inspect them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target options")]
pub struct TargetOptions {
    /// Compose file; repeatable [default: the files named by the running project]
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Compose project, if several run the same services
    #[arg(short, long, value_name = "NAME")]
    pub project: Option<String>,
    /// Address of the Docker Engine: unix:///path or tcp://host:port
    #[arg(long, value_name = "ADDRESS")]
    pub docker: Option<String>,
    /// Kafka bootstrap brokers: host:port[,host:port]
    #[arg(long, value_name = "BROKERS")]
    pub kafka: Option<String>,
    /// Additional broker in the pipeline; repeatable: mail=host:port[,host:port]
    #[arg(long = "broker", value_name = "NAME=BROKERS")]
    pub brokers: Vec<String>,
    /// Connect to TO where the broker advertises FROM; repeatable: kafka:9092=localhost:9092
    #[arg(long = "kafka-address", value_name = "FROM=TO")]
    pub kafka_addresses: Vec<String>,
    /// PostgreSQL URL: postgres://user:password@host:port/database
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Additional database in the pipeline; repeatable: shipping=postgres://user:password@host/db
    #[arg(long = "database", value_name = "NAME=URL")]
    pub databases: Vec<String>,
    /// Base URL of an HTTP service; repeatable: api=http://localhost:3010
    #[arg(long, value_name = "SERVICE=URL")]
    pub http: Vec<String>,
    /// Read logs from the files NAME.log or NAME/*.log in DIR instead of from containers; also .gz
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    pub logs: Option<PathBuf>,
    /// Skip a system, or several separated by commas; repeatable
    #[arg(long, value_name = "SYSTEM", value_enum, value_delimiter = ',')]
    pub without: Vec<System>,
    /// When the event happened, if the database does not say: 2026-01-07T16:55:09Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Count the stuck events of the last TIME
    #[arg(long, value_name = "TIME", default_value = WINDOW)]
    pub window: String,
    /// After TIME, report on whatever has answered by then
    #[arg(long, value_name = "TIME", default_value = DEADLINE)]
    pub deadline: String,
    /// Sample offsets twice, TIME apart, to detect movement
    #[arg(long, value_name = "TIME", default_value = SETTLE)]
    pub settle: String,
    /// Read at most about MB megabytes of each container's log [default: 32]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub log_limit: Option<u64>,
    /// Repeat until the pipeline is healthy, for at most TIME
    #[arg(long, value_name = "TIME")]
    pub wait: Option<String>,
    /// Pipeline file [default: the built-in pipeline]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of custom checks and causes, in addition to the built-in ones [default: `checks`
    /// next to the --config file]
    #[arg(long, value_name = "DIR")]
    pub checks: Option<PathBuf>,
    /// Write each request to stderr: to which system, how long it took, and what came back
    #[arg(long)]
    pub debug: bool,
    /// Write the evidence to FILE, without secrets
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Diagnose the evidence in FILE without contacting any system
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "wait", "at"])]
    pub replay: Option<PathBuf>,
}

/// The flags that control the output.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output options")]
pub struct OutputOptions {
    /// Format of the output
    #[arg(long, default_value = "table")]
    pub format: String,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Show every finding and every cause
    #[arg(short, long)]
    pub verbose: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Findings that make the run fail
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Problem)]
    pub fail_on: FailOn,
}

impl OutputOptions {
    /// Returns the name of the selected format.
    pub fn format(&self) -> &str {
        if self.json { "json" } else { &self.format }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Only on a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Findings that make the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only problems
    Problem,
    /// Warnings, too (exit code 4)
    Warn,
}

/// The flags that [`TargetOptions::flags`] returns, each of which has a value.
pub const TARGET_FLAGS: [&str; 16] = [
    "-f",
    "--project",
    "--docker",
    "--kafka",
    "--postgres",
    "--window",
    "--at",
    "--deadline",
    "--log-limit",
    "--config",
    "--checks",
    "--broker",
    "--database",
    "--kafka-address",
    "--http",
    "--without",
];

impl TargetOptions {
    /// Returns the target flags, quoted for a shell, so that printed commands can repeat them.
    /// An address with a password is replaced by its environment variable.
    pub fn flags(&self) -> String {
        /// Writes a value that looks like an option in one word with its flag.
        fn flag(name: &str, value: impl Into<Word>) -> Vec<Word> {
            match value.into() {
                Word::Literal(text) if text.starts_with('-') => vec![format!("{name}={text}").into()],
                value => vec![name.into(), value],
            }
        }
        let path = |path: &std::path::Path| path.display().to_string();
        let optional = |name: &str, value: Option<String>| value.map(|value| flag(name, value));
        let unless = |default: &str, value: &String| Some(value.clone()).filter(|value| value != default);
        let variable = |database: &str| Word::Variable(address_variable(database));
        // An address with a hidden part is repeated by a variable.
        let postgres = self.postgres.as_ref().map(|url| match shows_all(url) {
            true => flag("--postgres", url),
            false => flag("--postgres", variable(MAIN_DATABASE)),
        });
        // A value without a name is dropped: it may hold a password.
        let databases = self.databases.iter().filter_map(|named| named.split_once('='));
        let databases = databases.map(|(name, url)| match shows_all(url) {
            true => flag("--database", format!("{name}={url}")),
            false => flag("--database", Word::Joined(vec![format!("{name}=").into(), variable(name)])),
        });
        let docker = self.docker.as_ref().map(|url| match shows_all(url) {
            true => flag("--docker", url),
            false => flag("--docker", Word::Variable("DOCKER_HOST".into())),
        });
        let single_flags = [
            optional("--project", self.project.clone()),
            docker,
            optional("--kafka", self.kafka.as_deref().map(redact)),
            postgres,
            optional("--window", unless(WINDOW, &self.window)),
            optional("--at", self.at.clone()),
            optional("--deadline", unless(DEADLINE, &self.deadline)),
            optional("--log-limit", self.log_limit.map(|megabytes| megabytes.to_string())),
            optional("--config", self.config.as_deref().map(path)),
            optional("--checks", self.checks.as_deref().map(path)),
            optional("--logs", self.logs.as_deref().map(path)),
        ];
        let files = self.files.iter().map(|file| match path(file) {
            path if path.starts_with('-') => flag("--file", path),
            path => flag("-f", path),
        });
        let brokers = self.brokers.iter().map(|broker| flag("--broker", redact(broker)));
        let addresses = self.kafka_addresses.iter().map(|address| flag("--kafka-address", address));
        let http = self.http.iter().filter_map(|named| named.split_once('='));
        let http = http.map(|(name, url)| match shows_all(url) {
            true => flag("--http", format!("{name}={url}")),
            false => {
                let variable = Word::Variable(format!("{}_URL", variable_name(name)));
                flag("--http", Word::Joined(vec![format!("{name}=").into(), variable]))
            }
        });
        let without = self.without.iter().map(|system| flag("--without", system.name()));
        let all = files.chain(single_flags.into_iter().flatten()).chain(brokers).chain(databases);
        let all = all.chain(addresses).chain(http).chain(without);
        shell::words(&all.flatten().collect::<Vec<Word>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_replace_password_with_variable() {
        let options = TargetOptions {
            project: Some("my shop".into()),
            postgres: Some("postgres://app:hunter2@db/shop".into()),
            window: WINDOW.into(),
            deadline: DEADLINE.into(),
            ..TargetOptions::default()
        };
        assert_eq!(options.flags(), "--project 'my shop' --postgres \"$POSTGRES_URL\"");
    }

    #[test]
    fn flags_hide_secrets_in_any_part_of_an_address() {
        let options = |url: &str| TargetOptions {
            docker: Some(url.replace("http", "tcp")),
            // A user alone and a database are no secrets.
            postgres: (!url.contains("/hunter2")).then(|| url.replace("http", "postgres")),
            http: vec![format!("order-api={url}")],
            window: WINDOW.into(),
            deadline: DEADLINE.into(),
            ..TargetOptions::default()
        };
        for url in [
            "http://app:hunter2/x@api/x",
            "http://app:hunter2'x@api/x",
            "http://app:hunter2 x@api/x",
            "http://hunter2@api/x",
            "http://api/hunter2hunter2hunter2/x",
            "http://api/x?key=hunter2",
            "http://api/x#hunter2",
        ] {
            let flags = options(url).flags();
            assert!(!flags.contains("hunter2"), "{url}: {flags}");
            assert!(flags.contains("--http order-api=\"$ORDER_API_URL\""), "{flags}");
        }
        let plain = options("http://api:80/v1").flags();
        assert!(plain.contains("--http order-api=http://api:80/v1"), "{plain}");
    }
}
