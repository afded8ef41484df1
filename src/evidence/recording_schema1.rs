//! Converts schema 1 recordings, which earlier versions wrote, to current evidence.
//!
//! Schema 1 stored the first broker, database and id separately from the additional ones, and
//! containers as one list. The types here mirror that schema; unchanged parts use the current types.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE, Name};
use crate::base::observed::Observed;
use crate::evidence::address_mapping::AddressMapping;
use crate::evidence::broker::{Broker, DeadLetters, FoundRecord, Group, Node, Sample, Search, Topic};
use crate::evidence::clock::Clock;
use crate::evidence::container_and_group_states::{Health, InstanceState, RestartPolicy};
use crate::evidence::custom_observation::CustomObservation;
use crate::evidence::database::{Database, Extent, Sessions};
use crate::evidence::declared_workloads::{Declaration, Declared, NamedBy};
use crate::evidence::http::Http;
use crate::evidence::log::Log;
use crate::evidence::requested_event::{AskedEvent, Effect, Event, EventRows, Mark};
use crate::evidence::run_evidence::{Evidence, SCHEMA, Target};
use crate::evidence::start_failure::StartFailure;
use crate::evidence::workload::{
    Addresses, Config, Details, Exit, Image, Instance, LaterState, Port, Runtime,
};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The schema version that this module reads.
pub const VERSION: u32 = 1;

/// Reads a schema 1 document as current evidence.
pub fn read(document: &str) -> Result<Evidence, serde_json::Error> {
    serde_json::from_str(document).map(Document::into_current)
}

/// Converts one schema 1 container.
#[cfg(test)]
pub(super) fn instance(container: serde_json::Value) -> Instance {
    serde_json::from_value::<Container>(container).map(Container::into_current).unwrap()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "schema")]
    _schema: u32,
    tool: String,
    #[serde(rename = "taken")]
    observed_at: Timestamp,
    target: OldTarget,
    compose: Observed<Compose>,
    docker: Observed<Docker>,
    kafka: Observed<Kafka>,
    #[serde(default)]
    brokers: BTreeMap<Name, Observed<Kafka>>,
    postgres: Observed<Postgres>,
    http: Observed<Http>,
    logs: BTreeMap<Name, Observed<Log>>,
    #[serde(default)]
    own: BTreeMap<Name, Observed<CustomObservation>>,
}

impl Document {
    fn into_current(self) -> Evidence {
        let target = self.target.into_current();
        let mut events: Vec<AskedEvent> = target.ids.iter().map(AskedEvent::new).collect();
        let all = [(MAIN_BROKER.to_string(), self.kafka)].into_iter().chain(self.brokers);
        let brokers: IndexMap<_, _> =
            all.map(|(name, kafka)| (name, kafka.map(|kafka| kafka.into_current(&mut events)))).collect();
        let databases = databases(self.postgres, &mut events);
        Evidence {
            interrupted: None,
            schema: SCHEMA,
            tool: self.tool,
            observed_at: self.observed_at,
            target,
            events,
            declared: self.compose.map(Compose::into_current),
            runtimes: IndexMap::from([(Runtime::DOCKER.to_string(), self.docker.map(Docker::into_current))]),
            brokers,
            databases,
            http: self.http,
            logs: self.logs,
            custom: self.own,
            counters: BTreeMap::new(),
            masked_values: 0,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldTarget {
    pipeline: Name,
    id: Option<String>,
    #[serde(default)]
    others: Vec<String>,
    #[serde(default)]
    lookup: Option<(Name, String)>,
    at: Option<Timestamp>,
    window_s: u64,
    deadline_ms: u64,
    #[serde(default)]
    flags: String,
    #[serde(default)]
    variables: Vec<String>,
}

impl OldTarget {
    fn into_current(self) -> Target {
        Target {
            pipeline: self.pipeline,
            ids: self.id.into_iter().chain(self.others).collect(),
            lookup: self.lookup,
            at: self.at,
            window_s: self.window_s,
            deadline_ms: self.deadline_ms,
            flags: self.flags,
            variables: self.variables,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compose {
    files: Vec<String>,
    named_by: NamedBy,
    project: Option<Name>,
    read_by: String,
    services: BTreeMap<Name, Declaration>,
}

impl Compose {
    fn into_current(self) -> Declared {
        Declared {
            environment_files: Vec::new(),
            files: self.files,
            named_by: self.named_by,
            project: self.project,
            read_by: self.read_by,
            workloads: self.services,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Docker {
    address: String,
    engine: String,
    api: String,
    project: Option<Name>,
    other_projects: Vec<Name>,
    containers: Vec<Container>,
    #[serde(default)]
    images: BTreeMap<String, Observed<Image>>,
    #[serde(default)]
    clock: Option<Clock>,
    #[serde(default)]
    hosts: BTreeMap<Name, Observed<bool>>,
}

impl Docker {
    fn into_current(self) -> Runtime {
        let runtime = Runtime {
            not_inspected: BTreeMap::new(),
            address: self.address,
            engine: self.engine,
            api: self.api,
            project: self.project,
            other_projects: self.other_projects,
            workloads: BTreeMap::new(),
            images: self.images,
            clock: self.clock,
            hosts: self.hosts,
            commands: None,
        };
        runtime.with_instances(self.containers.into_iter().map(Container::into_current))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Container {
    id: String,
    name: Name,
    service: Option<Name>,
    project: Option<Name>,
    config_files: Vec<String>,
    working_dir: Option<String>,
    image: String,
    image_id: String,
    status: InstanceState,
    exit_code: i64,
    oom_killed: bool,
    error: Option<String>,
    restart_count: i64,
    created: Option<Timestamp>,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    health: Option<Health>,
    tty: bool,
    log_driver: String,
    restart_policy: Option<RestartPolicy>,
    hostnames: Vec<String>,
    networks: BTreeMap<Name, String>,
    ports: Vec<Port>,
    environment: BTreeMap<String, String>,
    #[serde(default)]
    config_hash: Option<String>,
    #[serde(default)]
    compose_version: Option<String>,
    #[serde(default)]
    again: Option<OldLater>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldLater {
    after_ms: u64,
    status: InstanceState,
    restart_count: i64,
    started: Option<Timestamp>,
}

impl Container {
    fn into_current(self) -> Instance {
        Instance {
            id: self.id,
            name: self.name,
            state: self.status,
            exit: Exit { code: self.exit_code, out_of_memory: self.oom_killed },
            start_failure: StartFailure::classify(self.error.map(Into::into), self.exit_code),
            restarts: self.restart_count,
            created: self.created,
            started: self.started,
            finished: self.finished,
            health: self.health,
            image: self.image,
            image_id: self.image_id,
            config: Config {
                hash: self.config_hash,
                restart_policy: self.restart_policy,
                tty: self.tty,
                log_driver: self.log_driver,
            },
            addresses: Addresses { hostnames: self.hostnames, networks: self.networks, ports: self.ports },
            environment: self.environment,
            details: Details {
                service: self.service,
                project: self.project,
                config_files: self.config_files,
                environment_files: Vec::new(),
                working_dir: self.working_dir,
                compose_version: self.compose_version,
            },
            again: self.again.map(|again| LaterState {
                after_ms: again.after_ms,
                state: again.status,
                restarts: again.restart_count,
                started: again.started,
            }),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kafka {
    bootstrap: String,
    mapped: Vec<AddressMapping>,
    cluster_id: Option<String>,
    brokers: Vec<Node>,
    topics: BTreeMap<Name, Observed<Topic>>,
    groups: BTreeMap<Name, Observed<Group>>,
    #[serde(default)]
    other_groups: Observed<BTreeMap<Name, Group>>,
    #[serde(default)]
    records: BTreeMap<Name, Observed<OldSearch>>,
    #[serde(default)]
    dead_letters: Observed<OldSearch>,
    #[serde(default)]
    again: Vec<Sample>,
}

impl Kafka {
    /// Converts the value to a broker and moves each record to the event whose id it contains.
    fn into_current(self, events: &mut [AskedEvent]) -> Broker {
        let first = events.first().map(|event| event.id.clone());
        let mut searches = BTreeMap::new();
        for (topic, search) in self.records {
            let search = search.map(|search| {
                let (search, found) = search.into_current();
                for (additional_id, record) in found {
                    let id = additional_id.as_ref().or(first.as_ref());
                    if let Some(event) = events.iter_mut().find(|event| Some(&event.id) == id) {
                        event.records.entry(topic.clone()).or_default().push(record);
                    }
                }
                search
            });
            searches.insert(topic, search);
        }
        Broker {
            bootstrap: self.bootstrap,
            mapped: self.mapped,
            cluster_id: self.cluster_id,
            nodes: self.brokers,
            topics: self.topics,
            groups: self.groups,
            other_groups: self.other_groups,
            searches,
            dead_letters: self.dead_letters.map(|letters| letters.dead_letters(first.as_ref())),
            again: self.again,
            ..Broker::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldSearch {
    from: Option<Timestamp>,
    read: u64,
    bytes: u64,
    complete: bool,
    #[serde(default)]
    truncated: bool,
    bound: Option<String>,
    matched: u64,
    found: Vec<OldRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldRecord {
    partition: i32,
    offset: i64,
    at: Option<Timestamp>,
    by: Option<String>,
    #[serde(default)]
    of: Option<String>,
    size: u64,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<String>,
}

impl OldSearch {
    /// Returns how the topic was read, and its records. Each record comes with the id that it
    /// contains, unless that is the first id.
    fn into_current(self) -> (Search, Vec<(Option<String>, FoundRecord)>) {
        let search = Search {
            from: self.from,
            read: self.read,
            bytes: self.bytes,
            complete: self.complete,
            truncated: self.truncated,
            bound: self.bound,
            matched: self.matched,
        };
        (search, self.found.into_iter().map(OldRecord::into_current).collect())
    }

    fn dead_letters(self, first: Option<&String>) -> DeadLetters {
        let (search, found) = self.into_current();
        let found = found.into_iter().map(|(additional_id, letter)| {
            let names = letter.by.as_ref().and_then(|_| additional_id.or_else(|| first.cloned()));
            FoundRecord { names, ..letter }
        });
        DeadLetters { search, found: found.collect() }
    }
}

impl OldRecord {
    fn into_current(self) -> (Option<String>, FoundRecord) {
        let record = FoundRecord {
            partition: self.partition,
            offset: self.offset,
            at: self.at,
            by: self.by,
            names: None,
            unstable: false,
            size: self.size,
            headers: self.headers,
            value: self.value,
        };
        (self.of, record)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Postgres {
    address: String,
    mapped: Option<AddressMapping>,
    version: String,
    tls: bool,
    now: Timestamp,
    #[serde(default)]
    clock: Option<Clock>,
    replica_behind_ms: Option<Observed<i64>>,
    #[serde(default)]
    databases: BTreeMap<Name, Observed<AdditionalDatabase>>,
    marks: Observed<Vec<Mark>>,
    marks_like: Observed<Vec<Mark>>,
    event: Observed<Event>,
    stages: BTreeMap<Name, StageRows>,
    #[serde(default)]
    sessions: Observed<Sessions>,
    #[serde(default)]
    indexed: Observed<bool>,
    #[serde(default)]
    elsewhere: BTreeMap<Name, Vec<Name>>,
    #[serde(default)]
    others: BTreeMap<String, EventRows>,
    #[serde(default)]
    looked_up: Option<Observed<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdditionalDatabase {
    address: String,
    mapped: Option<AddressMapping>,
    sessions: Observed<Sessions>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StageRows {
    effect: Observed<Vec<Effect>>,
    extent: Observed<Extent>,
}

/// Returns the main database and other services' databases, and moves rows to their events.
fn databases(postgres: Observed<Postgres>, events: &mut [AskedEvent]) -> IndexMap<Name, Observed<Database>> {
    let mut additional = BTreeMap::new();
    let main = match postgres {
        Observed::Known(mut postgres) => {
            additional = std::mem::take(&mut postgres.databases);
            Observed::Known(postgres.into_current(events))
        }
        unavailable => {
            let rows: Observed<EventRows> = unavailable.and_then(|_| Observed::default());
            events.iter_mut().for_each(|event| event.rows = rows.clone());
            rows.and_then(|_| Observed::default())
        }
    };
    let additional =
        additional.into_iter().map(|(name, database)| (name, database.map(AdditionalDatabase::into_current)));
    [(MAIN_DATABASE.to_string(), main)].into_iter().chain(additional).collect()
}

impl AdditionalDatabase {
    fn into_current(self) -> Database {
        Database {
            address: self.address,
            mapped: self.mapped,
            sessions: self.sessions,
            ..Database::default()
        }
    }
}

impl Postgres {
    fn into_current(self, events: &mut [AskedEvent]) -> Database {
        let mut effects = BTreeMap::new();
        let mut extents = BTreeMap::new();
        for (stage, rows) in self.stages {
            effects.insert(stage.clone(), rows.effect);
            extents.insert(stage, rows.extent);
        }
        let first = EventRows { marks: self.marks, marks_like: self.marks_like, event: self.event, effects };
        if let Some((event, others)) = events.split_first_mut() {
            event.rows = Observed::Known(first);
            for event in others {
                if let Some(rows) = self.others.get(&event.id) {
                    event.rows = Observed::Known(rows.clone());
                }
            }
        }
        Database {
            address: self.address,
            mapped: self.mapped,
            version: Some(self.version),
            tls: Some(self.tls),
            now: Some(self.now),
            clock: self.clock,
            replica_behind_ms: self.replica_behind_ms,
            sessions: self.sessions,
            extents,
            indexed: Some(self.indexed),
            elsewhere: self.elsewhere,
            looked_up: self.looked_up,
            ..Database::default()
        }
    }
}
