//! The document of `--record` and `--replay`.

use crate::base::name::{MAIN_DATABASE, Name};
use crate::base::observed::Seen;
use crate::base::reason::{Why, WhyKind};
use crate::base::system::System;
use crate::evidence::broker::Broker;
use crate::evidence::custom::Custom;
use crate::evidence::database::Database;
use crate::evidence::declared::{Declared, NamedBy};
use crate::evidence::event::AskedEvent;
use crate::evidence::http::Http;
use crate::evidence::log::Log;
use crate::evidence::workload::Runtime;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the evidence document that this program writes.
pub const SCHEMA: u32 = 2;

/// Everything that one run saw. This is the document of `--record`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of pipeline-doctor that looked.
    pub tool: String,
    /// When the run began (UTC); every age in the report is counted from here.
    pub taken: Timestamp,
    /// What was asked for.
    pub target: Target,
    /// What was seen of each event that was asked about, in the order of
    /// [`Target::ids`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<AskedEvent>,
    /// What should run: the compose file.
    pub declared: Seen<Declared>,
    /// What does run, by runtime ([`Runtime::DOCKER`]).
    pub runtimes: IndexMap<Name, Seen<Runtime>>,
    /// Topics and groups, by the pipeline's names for its brokers: first the main one
    /// ([`MAIN_BROKER`](crate::base::name::MAIN_BROKER)).
    pub brokers: IndexMap<Name, Seen<Broker>>,
    /// Sessions, and what is stuck, by the pipeline's names for its databases: first
    /// the main one ([`MAIN_DATABASE`]). The others are missing where it was not seen.
    pub databases: IndexMap<Name, Seen<Database>>,
    /// Health and the harmless request.
    pub http: Seen<Http>,
    /// Log records, by service name.
    pub logs: BTreeMap<Name, Seen<Log>>,
    /// What was seen for facts of the user's own, by the fact's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<Name, Seen<Custom>>,
    /// What looking has cost, by system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<Name, Counters>,
}

/// What looking at a system has cost it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Requests or statements sent.
    pub requests: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Rows, records or lines received.
    pub rows: u64,
}

impl Evidence {
    /// The same as if nobody had looked at the system. What others learned by it,
    /// such as the addresses of containers, stays: it could have been told.
    pub fn leave_out(&mut self, system: System) {
        let why = system.left_out();
        let events = self.events.iter_mut().flat_map(|event| event.answers.values_mut());
        let custom = self.custom.values_mut().chain(events);
        let told_by = |custom: &&mut Seen<Custom>| custom.known().is_some_and(|c| c.system() == system);
        custom.filter(told_by).for_each(|custom| *custom = Seen::Unknown(why.clone()));
        match system {
            System::Docker => {
                self.runtimes.values_mut().for_each(|runtime| *runtime = Seen::Unknown(why.clone()));
                if self.declared.known().is_some_and(|declared| declared.named_by == NamedBy::Labels) {
                    self.declared = Seen::Unknown(why.clone());
                }
                self.logs.values_mut().for_each(|log| *log = Seen::Unknown(why.clone()));
            }
            System::Kafka => {
                self.brokers.values_mut().for_each(|broker| *broker = Seen::Unknown(why.clone()));
            }
            System::Postgres => {
                self.databases.values_mut().for_each(|database| *database = Seen::Unknown(why.clone()));
            }
            System::Http => self.http = Seen::Unknown(why),
            System::Logs => self.logs.values_mut().for_each(|log| *log = Seen::Unknown(why.clone())),
        }
    }

    /// Why whole systems were not seen, those that were not.
    pub fn unseen_systems(&self) -> Vec<&Why> {
        let runtimes = self.runtimes.values().map(Seen::why);
        let brokers = self.brokers.values().map(Seen::why);
        // The others have parts of their own in the report.
        let database = self.databases.get(MAIN_DATABASE).map(Seen::why);
        let all = runtimes.chain(brokers).chain(database).flatten();
        all.filter(|why| why.kind != WhyKind::NoPart).collect()
    }

    /// The event that was asked about: of several the first one.
    pub fn first_event(&self) -> Option<&AskedEvent> {
        self.events.first()
    }

    /// The event of an id that was asked about.
    pub fn event(&self, id: &str) -> Option<&AskedEvent> {
        self.events.iter().find(|event| event.id == id)
    }

    /// The runtime that was looked at.
    pub fn runtime(&self) -> Seen<&Runtime> {
        match self.runtimes.get(Runtime::DOCKER) {
            Some(runtime) => runtime.as_ref(),
            None => Seen::not_asked("no runtime was asked"),
        }
    }

    /// A broker by the pipeline's name for it.
    pub fn broker(&self, name: &str) -> Seen<&Broker> {
        match self.brokers.get(name) {
            Some(broker) => broker.as_ref(),
            None => Seen::not_asked(format!("broker {name} was not asked")),
        }
    }

    /// The database with the events: the main one.
    pub fn main_database(&self) -> Seen<&Database> {
        match self.databases.get(MAIN_DATABASE) {
            Some(database) => database.as_ref(),
            None => Seen::not_asked("no database was asked"),
        }
    }

    /// A database by the pipeline's name for it; not known where the main one is not.
    pub fn database(&self, name: &str) -> Seen<&Database> {
        self.main_database().and_then(|_| match self.databases.get(name) {
            Some(database) => database.as_ref(),
            None => Seen::not_asked(format!("database {name} was not asked for")),
        })
    }

    /// The databases of other services, by the pipeline's names for them.
    pub fn further_databases(&self) -> impl Iterator<Item = (&Name, &Seen<Database>)> {
        self.databases.iter().filter(|(name, _)| *name != MAIN_DATABASE)
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The pipeline's name.
    pub pipeline: Name,
    /// The ids asked about, canonical form, in the order in which they were given.
    #[serde(default)]
    pub ids: Vec<String>,
    /// The key by which ids were asked for, and its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<(Name, String)>,
    /// The event's time, if it was given with `--at`.
    pub at: Option<Timestamp>,
    /// How far back stuck events are counted, in seconds.
    pub window_s: u64,
    /// The deadline of the run, in milliseconds.
    pub deadline_ms: u64,
    /// The flags that said where to look, as a shell takes them, without
    /// secrets: printed commands repeat them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub flags: String,
    /// Names of the address variables that were set: compose must not take
    /// their values, which are as seen from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
}

impl Target {
    /// The id asked about: of several the first one.
    pub fn first_id(&self) -> Option<&String> {
        self.ids.first()
    }
}
