//! `demo`: incidents that were recorded from a running pipeline, diagnosed.

use crate::base::error::{Error, Mistake, exit};
use crate::cli::{DEADLINE, Look, SETTLE, Show, WINDOW};
use crate::config::Environment;
use crate::run::flow::diagnosed;
use crate::run::output::print;
use crate::run::read::read;
use crate::run::recording::replayed;
use crate::text::suggestion::way_out;
use std::io::{self, Write};

/// A recorded incident.
pub struct Incident {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happened, in one line.
    pub story: &'static str,
    /// The evidence document.
    pub evidence: &'static str,
}

macro_rules! incident {
    ($name:literal, $story:literal) => {
        Incident {
            name: $name,
            story: $story,
            evidence: include_str!(concat!("../../tests/scenarios/", $name, ".json")),
        }
    };
}

/// The incidents, the runbook's own first.
pub const INCIDENTS: &[Incident] = &[
    incident!("workers-not-deployed", "the compose file lacks the workers: events wait on Kafka"),
    incident!("topics-missing", "a topic is gone, and the broker creates none by itself"),
    incident!("marked-unverified", "the worker marked the event as processed; its row was rolled back"),
    incident!("api-silent", "the API answers 200, with an error in the body"),
    incident!("api-never-called", "the worker marks the event without calling the API"),
    incident!("worker-stopped", "one worker was stopped"),
    incident!("worker-crash-loop", "a worker lacks a setting, ends, and is started again and again"),
    incident!("joined-too-late", "the workers started after the event, at the end of the topics"),
    incident!("offsets-reset", "somebody set the group past the waiting events"),
    incident!("poison-record", "a record cannot be read, and nothing behind it is"),
    incident!("dead-letter", "a constraint refuses the row five times: a dead letter"),
    incident!("marked-by-cache-worker", "another consumer marks the event first, and its worker skips it"),
    incident!("other-database", "a worker writes to the staging database"),
    incident!("table-locked", "a migration holds a table, and everybody waits"),
    incident!("api-cut-off", "the worker does not reach the API, which is well"),
    incident!("broker-is-localhost", "a container looks for the broker in itself"),
    incident!("kafka-down", "the broker is stopped"),
    incident!("postgres-down", "the database is stopped"),
    incident!("no-docker-socket", "all is well, but nobody may look at Docker"),
    incident!("healthy", "nothing is wrong"),
];

/// The incident of that name.
pub fn incident(name: &str) -> Option<&'static Incident> {
    INCIDENTS.iter().find(|incident| incident.name == name)
}

/// Diagnoses an incident; without a name the first one, and a list of the others.
pub(super) fn run(name: Option<&str>, show: &Show) -> Result<u8, Error> {
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
    let catalog = catalog.at(evidence.taken);
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
