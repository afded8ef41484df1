//! `demo`: diagnoses incidents that were recorded from a running pipeline.

use crate::base::error::{Error, Mistake, exit};
use crate::cli::{DEADLINE, OutputOptions, SETTLE, TargetOptions, WINDOW};
use crate::config::Environment;
use crate::run::build_report::build_report;
use crate::run::load_config::load_config;
use crate::run::recording::parse_recording;
use crate::run::stdout::print_report;
use crate::text::suggestion::suggestion;
use std::io::{self, Write};

/// A recorded incident.
pub struct Incident {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about what happened.
    pub story: &'static str,
    /// The evidence as a JSON document.
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

/// The incidents. The first one is the runbook's own example.
pub const INCIDENTS: &[Incident] = &[
    incident!("workers-not-deployed", "the Compose file has no workers, so events wait in Kafka"),
    incident!("topics-missing", "a topic is missing, and the broker does not create it"),
    incident!("marked-unverified", "a worker marked the event, but its row was rolled back"),
    incident!("api-silent", "the API answers 200 with an error in the body"),
    incident!("api-never-called", "a worker marks the event without calling the API"),
    incident!("worker-stopped", "one worker was stopped"),
    incident!("worker-crash-loop", "a worker lacks a setting and keeps restarting"),
    incident!("joined-too-late", "the workers started late, at the end of the topics"),
    incident!("offsets-reset", "the group's offsets were reset past the waiting events"),
    incident!("poison-record", "a record cannot be parsed and blocks the records behind it"),
    incident!("dead-letter", "a constraint rejects the row five times, so the record becomes a dead letter"),
    incident!("marked-by-cache-worker", "another consumer marked the event, so its worker skips it"),
    incident!("other-database", "a worker writes to the staging database"),
    incident!("table-locked", "a migration locks a table, and every query on it waits"),
    incident!("api-cut-off", "a worker cannot reach the API, which is healthy"),
    incident!("broker-is-localhost", "a container tries to reach the broker at localhost"),
    incident!("kafka-down", "the broker is stopped"),
    incident!("postgres-down", "the database is stopped"),
    incident!("no-docker-socket", "everything works, but access to Docker is denied"),
    incident!("healthy", "everything works"),
];

/// Returns the incident with this name.
pub fn incident(name: &str) -> Option<&'static Incident> {
    INCIDENTS.iter().find(|incident| incident.name == name)
}

/// Diagnoses an incident. Without a name, diagnoses the first incident and lists the others.
pub(super) fn run(name: Option<&str>, output: &OutputOptions) -> Result<u8, Error> {
    let names = INCIDENTS.iter().map(|incident| incident.name);
    let chosen = name.unwrap_or(INCIDENTS[0].name);
    let incident = incident(chosen).ok_or_else(|| {
        let mistake = Mistake::new("demo", format!("unknown incident `{chosen}`"));
        Error::usage(mistake.help(suggestion(chosen, names)))
    })?;
    let options = TargetOptions {
        window: WINDOW.into(),
        deadline: DEADLINE.into(),
        settle: SETTLE.into(),
        ..TargetOptions::default()
    };
    let (config, catalog) = load_config(None, &options, &Environment::new())?;
    let evidence = parse_recording(chosen, incident.evidence, &config.pipeline)?;
    let catalog = catalog.as_of(evidence.observed_at);
    let report = build_report(&evidence, &config.pipeline, &catalog, output);
    let mut about = vec![format!("Recorded: {}.", incident.story)];
    about.push(format!("A real run would exit with {}.", report.exit_code));
    if name.is_none() {
        about.push("Other incidents, for `pipeline-doctor demo NAME`:".to_string());
        about.extend(INCIDENTS[1..].iter().map(|other| format!("  {:<22}{}", other.name, other.story)));
    }
    // Printed before the report, so that the verdict stays the last line.
    let _ = writeln!(io::stderr(), "{}\n", about.join("\n"));
    print_report(&report, output)?;
    Ok(exit::HEALTHY)
}
