//! The table of contents: each command is one call here, and so is each arrow of the flow.

pub mod demo;
pub mod explain;
mod flow;
pub mod init;
pub mod lint;
mod look;
mod output;
mod read;
mod recording;
pub mod schema;
pub mod trace;

pub use output::formats;

use crate::base::error::Error;
use crate::cli::{Cli, Command, Look, Show};
use crate::config::Environment;
use crate::report::Outcome;
use crate::run::flow::diagnosed;
use crate::run::look::see;
use crate::run::output::{ended, print};
use crate::run::read::read;
use crate::run::recording::record;
use std::time::{Duration, Instant};

/// Runs the program; the exit code belongs to what was found.
pub fn run(cli: &Cli, environment: &Environment) -> Result<u8, Error> {
    match &cli.command {
        None => doctor(cli.id.as_deref(), &cli.look, &cli.show, environment),
        Some(Command::Demo { incident, show }) => demo::run(incident.as_deref(), show),
        Some(Command::Trace(args)) => trace::run(args, environment),
        Some(Command::Explain(args)) => explain::run(args, environment),
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
        let catalog = catalog.at(evidence.taken);
        let report = diagnosed(&evidence, &config.pipeline, &catalog, show);
        let healthy = matches!(report.outcome, Outcome::Healthy | Outcome::Warning);
        if healthy || give_up.is_none_or(|give_up| Instant::now() >= give_up) {
            record(&config, &evidence)?;
            return ended(print(&report, show), report.exit_code);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
