//! Runs the commands. Each command is one call here, as is each step of the data flow.

mod build_report;
pub mod demo;
pub mod explain;
mod gather;
pub mod init;
pub mod lint;
mod load_config;
mod output_file;
mod recording;
pub mod schema;
mod stdout;
pub mod trace;

pub use stdout::formats;

use crate::base::error::Error;
use crate::cli::{Cli, Command, OutputOptions, TargetOptions};
use crate::collect::{self, interrupt};
use crate::config::Environment;
use crate::evidence::Evidence;
use crate::report::{Outcome, Report};
use crate::run::build_report::build_report;
use crate::run::gather::gather_evidence;
use crate::run::load_config::load_config;
use crate::run::recording::record_after;
use crate::run::stdout::{exit_code_after, print_report};
use std::time::{Duration, Instant};

/// Runs the requested command and returns the exit code.
pub fn run(cli: &Cli, environment: &Environment) -> Result<u8, Error> {
    collect::check_clock().map_err(Error::usage)?;
    match &cli.command {
        None => doctor(cli.id.as_deref(), &cli.target, &cli.output, environment),
        Some(Command::Demo { incident, output }) => demo::run(incident.as_deref(), output),
        Some(Command::Trace(args)) => trace::run(args, environment),
        Some(Command::Explain(args)) => explain::run(args, environment),
        Some(Command::Init(args)) => init::run(args, environment),
        Some(Command::Schema { name }) => schema::run(*name),
        Some(Command::Lint(args)) => lint::run(args, environment),
    }
}

/// Runs the whole runbook; with `--wait`, repeats it until the pipeline is healthy.
fn doctor(
    id: Option<&str>,
    options: &TargetOptions,
    output: &OutputOptions,
    environment: &Environment,
) -> Result<u8, Error> {
    let (config, catalog) = load_config(id, options, environment)?;
    let give_up = config.wait.map(|wait| Instant::now() + wait);
    loop {
        let mut evidence = gather_evidence(&config)?;
        let catalog = catalog.as_of(evidence.observed_at);
        let report = |evidence: &Evidence| build_report(evidence, &config.pipeline, &catalog, output);
        let finish = |evidence: &Evidence, report: &Report| {
            let printed = exit_code_after(print_report(report, output), report.exit_code);
            record_after(&config, evidence, printed)
        };
        let latest = report(&evidence);
        let healthy = matches!(latest.outcome, Outcome::Healthy | Outcome::Warning);
        let is_last = healthy || give_up.is_none_or(|give_up| Instant::now() >= give_up);
        if is_last || evidence.interrupted.is_some() {
            return finish(&evidence, &latest);
        }
        evidence.interrupted = interrupt::sleep(Duration::from_secs(1));
        if evidence.interrupted.is_some() {
            return finish(&evidence, &report(&evidence));
        }
    }
}
