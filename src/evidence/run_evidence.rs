//! The evidence of one run: the document that `--record` writes and `--replay` reads.

use crate::base::counters::Counters;
use crate::base::interruption::Interruption;
use crate::base::name::{MAIN_DATABASE, Name};
use crate::base::observed::Observed;
use crate::base::system_kinds::System;
use crate::evidence::broker::Broker;
use crate::evidence::custom_observation::CustomObservation;
use crate::evidence::database::Database;
use crate::evidence::declared_workloads::{Declared, NamedBy};
use crate::evidence::http::Http;
use crate::evidence::log::{Log, LogSource};
use crate::evidence::requested_event::AskedEvent;
use crate::evidence::workload::Runtime;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the evidence document that this program writes.
pub const SCHEMA: u32 = 2;

/// Everything that one run observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of pipeline-doctor that collected the evidence.
    pub tool: String,
    /// When the run began (UTC); ages in the report are relative to this time.
    #[serde(rename = "taken")]
    pub observed_at: Timestamp,
    /// The signal that ended the run before all systems had answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interruption>,
    /// What the run was asked to inspect.
    pub target: Target,
    /// Observations of each requested event, in the order of [`Target::ids`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<AskedEvent>,
    /// What should be running, according to the compose files.
    pub declared: Observed<Declared>,
    /// What is running, by runtime name ([`Runtime::DOCKER`]).
    pub runtimes: IndexMap<Name, Observed<Runtime>>,
    /// Topics and groups, by the pipeline's names for its brokers; the main broker comes first
    /// ([`MAIN_BROKER`](crate::base::name::MAIN_BROKER)).
    pub brokers: IndexMap<Name, Observed<Broker>>,
    /// Sessions and stuck events, by the pipeline's names for its databases; the main database
    /// comes first ([`MAIN_DATABASE`]). If the main database was not seen, the others are missing.
    pub databases: IndexMap<Name, Observed<Database>>,
    /// Health endpoints and the harmless request.
    pub http: Observed<Http>,
    /// Logs, by service name.
    pub logs: BTreeMap<Name, Observed<Log>>,
    /// Observations for custom facts, by fact name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<Name, Observed<CustomObservation>>,
    /// Load that the run put on each system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<Name, Counters>,
    /// How often a token stands for a secret in this document.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub masked_values: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Evidence {
    /// Removes everything observed on a system, as if the run had skipped the system. Information
    /// that other probes derived from it, such as container addresses, is kept, because it could also
    /// have been configured.
    pub fn leave_out(&mut self, system: System) {
        let why = system.skipped_reason();
        let events = self.events.iter_mut().flat_map(|event| event.answers.values_mut());
        let custom = self.custom.values_mut().chain(events);
        let is_from_system =
            |custom: &&mut Observed<CustomObservation>| custom.known().is_some_and(|c| c.system() == system);
        custom.filter(is_from_system).for_each(|custom| *custom = Observed::Unknown(why.clone()));
        match system {
            System::Docker => {
                self.runtimes.values_mut().for_each(|runtime| *runtime = Observed::Unknown(why.clone()));
                if self.declared.known().is_some_and(|declared| declared.named_by == NamedBy::Labels) {
                    self.declared = Observed::Unknown(why.clone());
                }
                let is_file =
                    |log: &Log| matches!(log.source, Some(LogSource::File(_) | LogSource::Journal(_)));
                let from_engine = |log: &&mut Observed<Log>| !log.known().is_some_and(is_file);
                let logs = self.logs.values_mut().filter(from_engine);
                logs.for_each(|log| *log = Observed::Unknown(why.clone()));
            }
            System::Kafka => {
                self.brokers.values_mut().for_each(|broker| *broker = Observed::Unknown(why.clone()));
            }
            System::Postgres => {
                self.databases.values_mut().for_each(|database| *database = Observed::Unknown(why.clone()));
            }
            System::Http => self.http = Observed::Unknown(why),
            System::Logs => self.logs.values_mut().for_each(|log| *log = Observed::Unknown(why.clone())),
        }
    }

    /// Returns the first requested event.
    pub fn first_event(&self) -> Option<&AskedEvent> {
        self.events.first()
    }

    /// Returns the requested event with the given id.
    pub fn event(&self, id: &str) -> Option<&AskedEvent> {
        self.events.iter().find(|event| event.id == id)
    }

    /// Returns the inspected runtime.
    pub fn runtime(&self) -> Observed<&Runtime> {
        match self.runtimes.get(Runtime::DOCKER) {
            Some(runtime) => runtime.as_ref(),
            None => Observed::not_asked("no container runtime was queried"),
        }
    }

    /// Returns a broker by the pipeline's name for it.
    pub fn broker(&self, name: &str) -> Observed<&Broker> {
        match self.brokers.get(name) {
            Some(broker) => broker.as_ref(),
            None => Observed::not_asked(format!("broker {name} was not queried")),
        }
    }

    /// Returns the main database, which holds the events.
    pub fn main_database(&self) -> Observed<&Database> {
        match self.databases.get(MAIN_DATABASE) {
            Some(database) => database.as_ref(),
            None => Observed::not_asked("no database was queried"),
        }
    }

    /// Returns a database by the pipeline's name for it; unavailable if the main database is unavailable.
    pub fn database(&self, name: &str) -> Observed<&Database> {
        self.main_database().and_then(|_| match self.databases.get(name) {
            Some(database) => database.as_ref(),
            None => Observed::not_asked(format!("database {name} was not queried")),
        })
    }

    /// Returns other services' databases, by the pipeline's names for them.
    pub fn additional_databases(&self) -> impl Iterator<Item = (&Name, &Observed<Database>)> {
        self.databases.iter().filter(|(name, _)| *name != MAIN_DATABASE)
    }
}

/// What a run was asked to inspect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The pipeline's name.
    pub pipeline: Name,
    /// The requested ids in canonical form, in the order given.
    #[serde(default)]
    pub ids: Vec<String>,
    /// The key that ids were looked up by, and its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<(Name, String)>,
    /// The event's time, if given with `--at`.
    pub at: Option<Timestamp>,
    /// How far back to count stuck events, in seconds.
    pub window_s: u64,
    /// The run's deadline, in milliseconds.
    pub deadline_ms: u64,
    /// The flags that selected the systems, quoted for a shell and without secrets; printed commands
    /// repeat them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub flags: String,
    /// Names of the address variables that were set. Compose must not use their values, which are
    /// valid only on this machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
}

impl Target {
    /// Returns the first requested id.
    pub fn first_id(&self) -> Option<&String> {
        self.ids.first()
    }
}
