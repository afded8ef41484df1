//! The command line: flags and their words. Values are given meaning in `config`.

use crate::base::name::MAIN_DATABASE;
use crate::base::secret::redact;
use crate::command::target::address_variable;
use crate::command::{Word, shell};
use crate::evidence::System;
use clap::builder::PossibleValue;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  healthy: everything asked for was looked at and passed
  1  internal error
  2  wrong usage or configuration
  3  a problem was found
  4  only warnings, with --fail-on warn
  5  inconclusive: nothing failed, but something could not be looked at

Addresses come from flags, else from KAFKA_BROKERS, POSTGRES_URL (or
DATABASE_URL), DOCKER_HOST and the address variables of the pipeline's
services, else from the pipeline file, else from the running containers.";

/// The exit codes and what they mean, as the help has them.
pub fn exit_codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = EXIT_CODES.lines().filter_map(|line| line.trim_start().split_once("  "));
    lines.filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Finds out where a stuck event is, why, and what sends it on its way again.
#[derive(Debug, Parser)]
#[command(name = "pipeline-doctor", version, after_help = EXIT_CODES)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// What to do, if not the whole runbook.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The event to look for; without it the pipeline as a whole is checked
    pub id: Option<String>,
    /// Where and how to look.
    #[command(flatten)]
    pub look: Look,
    /// How to show it.
    #[command(flatten)]
    pub show: Show,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One event, hop by hop: how far it came, and where it stopped
    Trace(Box<Trace>),
    /// Diagnose a recorded incident; needs nothing running
    Demo {
        /// Which incident; without it the runbook's own, and a list of the others
        incident: Option<String>,
        /// How to show it.
        #[command(flatten)]
        show: Show,
    },
    /// What a check or cause means, how to see it by hand, how to mend it
    Explain(Box<Explain>),
    /// Look at what runs, and write the pipeline's file for it
    Init(Box<Init>),
    /// The JSON Schema of the files that are read, or of the JSON that is printed
    Schema {
        /// Of what; without it a list, and how to use them
        #[arg(value_enum, hide_possible_values = true)]
        of: Option<SchemaOf>,
    },
    /// Every mistake of pipeline, checks and causes at once
    Lint(Box<Lint>),
}

/// What has a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The file of --config
    Pipeline,
    /// Each file of --checks
    Checks,
    /// What --json prints
    Report,
    /// What trace --json prints
    Trace,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Where to write it; a file that is there is left alone
    #[arg(long, value_name = "FILE", default_value = "pipeline.toml")]
    pub output: PathBuf,
    /// Write it to standard output
    #[arg(long, conflicts_with = "output")]
    pub stdout: bool,
    /// Where and how to look.
    #[command(flatten)]
    pub look: Look,
}

/// `lint`.
#[derive(Debug, Args)]
pub struct Lint {
    /// Where the files are, and the database that prepares their SQL.
    #[command(flatten)]
    pub look: Look,
    /// Also what is odd about the built-in rows
    #[arg(short, long)]
    pub verbose: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// The events to trace; - reads them from standard input, one on each line
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Trace the newest stuck ones of the window
    #[arg(long, conflicts_with = "ids")]
    pub stuck: bool,
    /// Look again until it has arrived, and show each hop as it appears
    #[arg(long, conflicts_with_all = ["stuck", "replay"])]
    pub follow: bool,
    /// Show the values of the event's records that are JSON, without secrets
    #[arg(long)]
    pub payload: bool,
    /// By which of the pipeline's lookups, and for what.
    #[arg(skip)]
    pub lookup: Option<(String, String)>,
    /// Where and how to look.
    #[command(flatten)]
    pub look: Look,
    /// How to show it.
    #[command(flatten)]
    pub show: Show,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id of a check or a cause, as a report prints it
    #[arg(required_unless_present = "markdown")]
    pub name: Option<String>,
    /// The event that the remedy is for
    pub id: Option<String>,
    /// Print the compose fragment of the missing workers, for what is seen now
    #[arg(long, group = "remedy")]
    pub yaml: bool,
    /// Print the commands that set the groups' offsets to the stuck events
    #[arg(long, group = "remedy")]
    pub offsets: bool,
    /// Print the SQL that removes the marks of events without effect, to review
    #[arg(long, group = "remedy")]
    pub sql: bool,
    /// Print the commands that send the stuck events' records once more
    #[arg(long, group = "remedy")]
    pub records: bool,
    /// Print the runbook as Markdown: the whole one, or of NAME alone
    #[arg(long, conflicts_with = "remedy")]
    pub markdown: bool,
    /// Where and how to look.
    #[command(flatten)]
    pub look: Look,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
    /// Colours; NO_COLOR is honoured
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The formats that `--format` offers, each by its name and with its help.
#[derive(Debug, Clone, Default)]
pub struct Formats {
    /// Those of a report.
    pub report: Vec<(&'static str, &'static str)>,
    /// Those of a trace.
    pub trace: Vec<(&'static str, &'static str)>,
}

/// A command whose `--format` takes these.
fn with_formats(command: clap::Command, formats: &[(&'static str, &'static str)]) -> clap::Command {
    let values: Vec<PossibleValue> =
        formats.iter().map(|(name, help)| PossibleValue::new(*name).help(*help)).collect();
    command.mut_arg("format", |arg| arg.value_parser(values))
}

/// What the argument of a lookup is called among the others.
fn arg_of(lookup: &str) -> String {
    format!("lookup-{lookup}")
}

impl Cli {
    /// The command line with the formats that there are, and with the lookups of a
    /// pipeline: a flag for each, and the key whose value it takes.
    pub fn with(formats: &Formats, lookups: &[(String, String)]) -> clap::Command {
        let flag = |(name, key): &(String, String)| {
            let all = lookups.iter().filter(|(other, _)| other != name).map(|(other, _)| arg_of(other));
            Arg::new(arg_of(name))
                .long(name.clone())
                .value_name(key.clone())
                .help_heading("What to trace")
                .help(format!("Trace the newest ones of this {key}"))
                .conflicts_with_all(["ids", "stuck"])
                .conflicts_with_all(all)
        };
        with_formats(Cli::command(), &formats.report)
            .mut_subcommand("demo", |demo| with_formats(demo, &formats.report))
            .mut_subcommand("trace", |trace| {
                with_formats(trace, &formats.trace).args(lookups.iter().map(flag))
            })
    }

    /// The command line as it was given.
    pub fn from_matches(
        matches: &clap::ArgMatches,
        lookups: &[(String, String)],
    ) -> Result<Cli, clap::Error> {
        let mut cli = Cli::from_arg_matches(matches)?;
        if let (Some(Command::Trace(trace)), Some(("trace", given))) =
            (&mut cli.command, matches.subcommand())
        {
            let value = |name: &str| given.get_one::<String>(&arg_of(name)).cloned();
            trace.lookup = lookups.iter().find_map(|(name, key)| Some((key.clone(), value(name)?)));
        }
        Ok(cli)
    }
}

/// How far apart offsets are looked at, if it is not asked for.
pub const SETTLE: &str = "1s";

/// The deadline, if none is asked for.
pub const DEADLINE: &str = "10s";

/// The window, if none is asked for.
pub const WINDOW: &str = "24h";

/// Where and how to look.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where to look")]
pub struct Look {
    /// Compose file, as often as needed [default: what the running project names]
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Compose project, where several run the same services
    #[arg(short, long, value_name = "NAME")]
    pub project: Option<String>,
    /// Docker Engine: unix:///path or tcp://host:port
    #[arg(long, value_name = "ADDRESS")]
    pub docker: Option<String>,
    /// Kafka bootstrap brokers: host:port[,host:port]
    #[arg(long, value_name = "BROKERS")]
    pub kafka: Option<String>,
    /// A further broker of the pipeline: mail=host:port[,host:port]
    #[arg(long = "broker", value_name = "NAME=BROKERS")]
    pub brokers: Vec<String>,
    /// Reach the advertised address FROM at TO: kafka:9092=localhost:9092
    #[arg(long = "kafka-address", value_name = "FROM=TO")]
    pub kafka_addresses: Vec<String>,
    /// PostgreSQL: postgres://user:password@host:port/database
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// A further database of the pipeline: shipping=postgres://user:password@host/db
    #[arg(long = "database", value_name = "NAME=URL")]
    pub databases: Vec<String>,
    /// Base address of an HTTP service: api=http://localhost:3010
    #[arg(long, value_name = "SERVICE=URL")]
    pub http: Vec<String>,
    /// Leave a system out, as often as needed: a laptop without the socket
    #[arg(long, value_name = "SYSTEM", value_enum)]
    pub without: Vec<System>,
    /// When the event happened, where no row tells: 2026-01-07T16:55:09Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How far back stuck events are counted
    #[arg(long, value_name = "TIME", default_value = WINDOW)]
    pub window: String,
    /// When the report comes, whatever has answered by then
    #[arg(long, value_name = "TIME", default_value = DEADLINE)]
    pub deadline: String,
    /// How far apart offsets are looked at, to see what moves
    #[arg(long, value_name = "TIME", default_value = SETTLE)]
    pub settle: String,
    /// Look again until all is healthy, or until this time is up
    #[arg(long, value_name = "TIME")]
    pub wait: Option<String>,
    /// Pipeline to look at, instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Your own checks and causes, beside the built-in ones [default: checks beside --config]
    #[arg(long, value_name = "DIR")]
    pub checks: Option<PathBuf>,
    /// Write what was seen to FILE
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Judge what FILE holds; nothing is contacted
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "wait", "at"])]
    pub replay: Option<PathBuf>,
}

/// How to show it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How to show it")]
pub struct Show {
    /// Format of the report
    #[arg(long, default_value = "table")]
    pub format: String,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Every finding and every cause
    #[arg(short, long)]
    pub verbose: bool,
    /// Colours; NO_COLOR is honoured
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Which outcomes fail
    #[arg(long, value_enum, default_value_t = FailOn::Problem)]
    pub fail_on: FailOn,
}

impl Show {
    /// The format that was asked for.
    pub fn format(&self) -> &str {
        if self.json { "json" } else { &self.format }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Which outcomes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Problems
    Problem,
    /// Warnings too: exit code 4
    Warn,
}

impl Look {
    /// The flags that say where to look, as a shell takes them, for printing. A
    /// password is not repeated: its variable is named instead.
    pub fn flags(&self) -> String {
        fn one(flag: &str, value: impl Into<Word>) -> [Word; 2] {
            [flag.into(), value.into()]
        }
        let path = |path: &std::path::Path| path.display().to_string();
        let some = |flag: &str, value: Option<String>| value.map(|value| one(flag, value));
        let other = |value: &String, usual: &str| Some(value.clone()).filter(|value| value != usual);
        let variable = |database: &str| Word::Variable(address_variable(database));
        let is_open = |url: &str| redact(url) == *url;
        let postgres = self.postgres.as_ref().map(|url| match is_open(url) {
            true => one("--postgres", url),
            false => one("--postgres", variable(MAIN_DATABASE)),
        });
        // With its name alone: the rest may hold a password.
        let databases = self.databases.iter().filter_map(|flag| flag.split_once('='));
        let databases = databases.map(|(name, url)| match is_open(url) {
            true => one("--database", format!("{name}={url}")),
            false => one("--database", Word::Joined(vec![format!("{name}=").into(), variable(name)])),
        });
        let single = [
            some("--project", self.project.clone()),
            some("--docker", self.docker.clone()),
            some("--kafka", self.kafka.clone()),
            postgres,
            some("--window", other(&self.window, WINDOW)),
            some("--at", self.at.clone()),
            some("--deadline", other(&self.deadline, DEADLINE)),
            some("--config", self.config.as_deref().map(path)),
            some("--checks", self.checks.as_deref().map(path)),
        ];
        let files = self.files.iter().map(|file| one("-f", path(file)));
        let brokers = self.brokers.iter().map(|broker| one("--broker", redact(broker)));
        let addresses = self.kafka_addresses.iter().map(|address| one("--kafka-address", address));
        let http = self.http.iter().map(|address| one("--http", redact(address)));
        let without = self.without.iter().map(|system| one("--without", system.name()));
        let all = files.chain(single.into_iter().flatten()).chain(brokers).chain(databases);
        let all = all.chain(addresses).chain(http).chain(without);
        shell::words(&all.flatten().collect::<Vec<Word>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_repeated_without_their_passwords() {
        let look = Look {
            project: Some("my shop".into()),
            postgres: Some("postgres://app:hunter2@db/shop".into()),
            window: WINDOW.into(),
            deadline: DEADLINE.into(),
            ..Look::default()
        };
        assert_eq!(look.flags(), "--project 'my shop' --postgres \"$POSTGRES_URL\"");
    }
}
