//! Evidence: what was seen, as plain values, or why it could not be seen.
//!
//! Probes make it, `--record` writes it, `--replay` reads it, facts are derived
//! from it. Nothing here judges. Secrets are gone before it is made.

pub mod message;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the evidence document that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// The name of a service, worker, topic, group or stage, as in the pipeline.
pub type Name = String;

/// Something looked for: seen, not seen and why, or not asked for and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen<T> {
    /// It was seen.
    Known(T),
    /// It could not be looked at.
    Unknown(Why),
    /// Nobody asked: no id given, no address configured.
    NotAsked(Why),
}

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// What kind of trouble it was.
    pub kind: WhyKind,
    /// One clause in words, without secrets: "no answer from kafka:9092 in 10 s".
    pub say: String,
    /// The system's own code, where it has one: an SQLSTATE, an HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The kinds of trouble that facts tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyKind {
    /// Nothing came back in time.
    NoAnswer,
    /// The connection was refused or cut.
    Refused,
    /// A host name does not resolve.
    Unresolved,
    /// The system does not know us: wrong password, no certificate.
    Auth,
    /// The system knows us and does not let us: missing privilege, row security, socket not readable.
    Permission,
    /// More than one thing answers to the name.
    Ambiguous,
    /// The thing to look at is not there: no container, no file, no row.
    Missing,
    /// A table or column is not there (SQLSTATE 42P01, 42703).
    Schema,
    /// No address, no id: there was nothing to ask, or nobody to ask about.
    NotConfigured,
    /// The pipeline has no such thing.
    NoPart,
    /// Too young to judge: its grace period is not over.
    Young,
    /// A bound on time, bytes or records was reached first.
    Limit,
    /// Anything else; the words say what.
    Failed,
}

impl Why {
    /// A reason in words.
    pub fn new(kind: WhyKind, say: impl Into<String>) -> Self {
        Why { kind, say: say.into(), code: None }
    }

    /// The reason in words, with the system's own code where it has one.
    pub fn words(&self) -> String {
        match &self.code {
            Some(code) if !self.say.contains(code.as_str()) => format!("{} ({code})", self.say),
            _ => self.say.clone(),
        }
    }

    /// Adds the system's own code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

impl<T> Default for Seen<T> {
    /// Not asked: recordings from before it was looked at lack it.
    fn default() -> Self {
        Seen::not_asked("not looked at when this was recorded")
    }
}

impl<T> Seen<T> {
    /// Not seen, and why.
    pub fn unknown(kind: WhyKind, say: impl Into<String>) -> Self {
        Seen::Unknown(Why::new(kind, say))
    }

    /// Not asked, and why.
    pub fn not_asked(say: impl Into<String>) -> Self {
        Seen::NotAsked(Why::new(WhyKind::NotConfigured, say))
    }

    /// Not asked, as the pipeline has no such thing.
    pub fn no_part(say: impl Into<String>) -> Self {
        Seen::NotAsked(Why::new(WhyKind::NoPart, say))
    }

    /// The value, if it was seen.
    pub fn known(&self) -> Option<&T> {
        match self {
            Seen::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The value to change, if it was seen.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Seen::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The reason, if it was not seen.
    pub fn why(&self) -> Option<&Why> {
        match self {
            Seen::Known(_) => None,
            Seen::Unknown(why) | Seen::NotAsked(why) => Some(why),
        }
    }

    /// The same with the value borrowed.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Seen::Known(value) => Seen::Known(value),
            Seen::Unknown(why) => Seen::Unknown(why.clone()),
            Seen::NotAsked(why) => Seen::NotAsked(why.clone()),
        }
    }

    /// Changes the value, keeps the reason.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        self.and_then(|value| Seen::Known(f(value)))
    }

    /// Looks further into what was seen, keeps the reason otherwise.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Seen<U>) -> Seen<U> {
        match self {
            Seen::Known(value) => f(value),
            Seen::Unknown(why) => Seen::Unknown(why),
            Seen::NotAsked(why) => Seen::NotAsked(why),
        }
    }
}

impl<T> From<Result<T, Why>> for Seen<T> {
    fn from(result: Result<T, Why>) -> Self {
        match result {
            Ok(value) => Seen::Known(value),
            Err(why) => Seen::Unknown(why),
        }
    }
}

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
    /// The compose file: what should run.
    pub compose: Seen<Compose>,
    /// The Docker Engine: what does run.
    pub docker: Seen<Docker>,
    /// Topics and groups.
    pub kafka: Seen<Kafka>,
    /// The same of further brokers, by the pipeline's names for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub brokers: BTreeMap<Name, Seen<Kafka>>,
    /// Rows.
    pub postgres: Seen<Postgres>,
    /// Health and the harmless request.
    pub http: Seen<Http>,
    /// Log records, by service name.
    pub logs: BTreeMap<Name, Seen<Log>>,
    /// What was seen for facts of the user's own, by the fact's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<Name, Seen<Own>>,
}

/// What was seen for a fact of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Own {
    /// The statement gave no row.
    NoRow,
    /// The first column of the first row.
    Bool(bool),
    /// The first column of the first row.
    Count(u64),
    /// The answer to the request.
    Answer(Answer),
    /// The log has such records, if there were any: this pattern was looked for.
    LookedFor(String),
}

impl Own {
    /// The system that told it.
    fn system(&self) -> System {
        match self {
            Own::NoRow | Own::Bool(_) | Own::Count(_) => System::Postgres,
            Own::Answer(_) => System::Http,
            Own::LookedFor(_) => System::Logs,
        }
    }
}

/// What a run can be told to leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum System {
    /// The Docker Engine, and with it all logs.
    Docker,
    /// Topics, groups and records.
    Kafka,
    /// Rows.
    Postgres,
    /// Health endpoints and the harmless request.
    Http,
    /// The containers' logs.
    Logs,
}

impl System {
    /// All of them.
    pub const ALL: [System; 5] =
        [System::Docker, System::Kafka, System::Postgres, System::Http, System::Logs];

    /// As the flag takes it.
    pub fn name(self) -> &'static str {
        match self {
            System::Docker => "docker",
            System::Kafka => "kafka",
            System::Postgres => "postgres",
            System::Http => "http",
            System::Logs => "logs",
        }
    }

    /// Why it is not seen.
    pub fn left_out(self) -> Why {
        Why::new(WhyKind::NotConfigured, format!("left out (--without {})", self.name()))
    }
}

impl Evidence {
    /// The same as if nobody had looked at the system. What others learned by it,
    /// such as the addresses of containers, stays: it could have been told.
    pub fn leave_out(&mut self, system: System) {
        let why = system.left_out();
        let own = self.own.values_mut().filter(|own| own.known().is_some_and(|own| own.system() == system));
        own.for_each(|own| *own = Seen::Unknown(why.clone()));
        match system {
            System::Docker => {
                self.docker = Seen::Unknown(why.clone());
                if self.compose.known().is_some_and(|compose| compose.named_by == NamedBy::Labels) {
                    self.compose = Seen::Unknown(why.clone());
                }
                self.logs.values_mut().for_each(|log| *log = Seen::Unknown(why.clone()));
            }
            System::Kafka => {
                self.kafka = Seen::Unknown(why.clone());
                self.brokers.values_mut().for_each(|broker| *broker = Seen::Unknown(why.clone()));
            }
            System::Postgres => self.postgres = Seen::Unknown(why),
            System::Http => self.http = Seen::Unknown(why),
            System::Logs => self.logs.values_mut().for_each(|log| *log = Seen::Unknown(why.clone())),
        }
    }

    /// The same as if only this one of the ids had been asked about.
    pub fn about(&self, id: &str) -> Evidence {
        let mut about = self.clone();
        let of = Some(id.to_string()).filter(|_| self.target.id.as_deref() != Some(id));
        about.target.id = Some(id.to_string());
        about.target.others.clear();
        if let (Some(first), Some(_)) = (&self.target.id, &of) {
            let other = Seen::not_asked(format!("asked of {first} alone"));
            let of_first = |own: &&mut Seen<Own>| !matches!(own, Seen::Known(Own::LookedFor(_)));
            about.own.values_mut().filter(of_first).for_each(|own| *own = other.clone());
        }
        let brokers = [&mut about.kafka].into_iter().chain(about.brokers.values_mut());
        brokers.filter_map(Seen::known_mut).for_each(|kafka| kafka.become_about(of.as_ref()));
        if let Seen::Known(rows) = &mut about.postgres {
            let others = std::mem::take(&mut rows.others);
            if let Some(own) = of.and_then(|of| others.into_iter().find(|(id, _)| *id == of)) {
                rows.become_of(own.1);
            }
        }
        about
    }

    /// Why whole systems were not seen, those that were not.
    pub fn unseen_systems(&self) -> Vec<&Why> {
        let brokers = self.brokers().map(|(_, broker)| broker.why());
        let all = [self.docker.why()].into_iter().chain(brokers).chain([self.postgres.why()]).flatten();
        all.filter(|why| why.kind != WhyKind::NoPart).collect()
    }

    /// A broker by the pipeline's name for it, `[kafka]` without one.
    pub fn broker(&self, name: Option<&str>) -> Seen<&Kafka> {
        match name {
            None => self.kafka.as_ref(),
            Some(name) => match self.brokers.get(name) {
                Some(broker) => broker.as_ref(),
                None => Seen::not_asked(format!("broker {name} was not asked")),
            },
        }
    }

    /// All brokers with the pipeline's names for them, `[kafka]` first and without one.
    pub fn brokers(&self) -> impl Iterator<Item = (Option<&str>, &Seen<Kafka>)> {
        let further = self.brokers.iter().map(|(name, broker)| (Some(name.as_str()), broker));
        [(None, &self.kafka)].into_iter().chain(further)
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The pipeline's name.
    pub pipeline: Name,
    /// The id asked about, canonical form, if one was given.
    pub id: Option<String>,
    /// Further ids that were asked about at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
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
    /// All ids that were asked about, the first one first.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.id.iter().chain(&self.others)
    }
}

/// What the compose file declares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    /// The files, in the order given to compose; relative to the working
    /// directory where they are below it.
    pub files: Vec<String>,
    /// Who named them: the labels of the running project, this directory, or `-f`.
    pub named_by: NamedBy,
    /// The project's name, where it is known.
    pub project: Option<Name>,
    /// Who read them: `docker compose config` (and its version) or `built-in reader`.
    pub read_by: String,
    /// Every service in the files, those behind a profile too.
    pub services: BTreeMap<Name, ComposeService>,
}

/// Who named the compose files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedBy {
    /// The labels of the running project's containers.
    Labels,
    /// The current directory.
    Directory,
    /// The flag `-f`, or COMPOSE_FILE.
    Asked,
}

/// One service of the compose file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComposeService {
    /// `image:`, after interpolation.
    pub image: Option<String>,
    /// `container_name:`.
    pub container_name: Option<String>,
    /// `profiles:`; empty: always active.
    pub profiles: Vec<String>,
    /// Whether its profiles, if any, are active.
    pub active: bool,
    /// `deploy.replicas` or `scale`, else 1.
    pub replicas: u64,
    /// What compose would label a container of it with now (`docker compose
    /// config --hash`); `None`: the plugin was not asked.
    #[serde(default)]
    pub config_hash: Option<String>,
    /// Names of the variables whose value in the running container is another
    /// than files and `.env` give; `None`: not compared.
    #[serde(default)]
    pub other_variables: Option<Vec<Name>>,
}

/// What the Docker Engine shows of the project (`/version`, `/containers/json`,
/// `/containers/{id}/json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    /// The engine's address as shown: `unix:///var/run/docker.sock`.
    pub address: String,
    /// Engine version.
    pub engine: String,
    /// The newest API version that the engine speaks.
    pub api: String,
    /// The compose project that was looked at, if one matched.
    pub project: Option<Name>,
    /// Other compose projects with services of the same names, not looked at.
    pub other_projects: Vec<Name>,
    /// The project's containers, and those that carry the pipeline's names; by name.
    pub containers: Vec<Container>,
    /// Images (`/images/{name}/json`) by the reference or id that containers name.
    #[serde(default)]
    pub images: BTreeMap<String, Seen<Image>>,
    /// The engine's clock (`/info`, SystemTime).
    #[serde(default)]
    pub clock: Option<Clock>,
    /// Hosts that containers' environments name and that no container answers
    /// to: whether they resolve here.
    #[serde(default)]
    pub hosts: BTreeMap<Name, Seen<bool>>,
}

/// An image as the engine has it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Full id.
    pub id: String,
    /// When it was built.
    pub created: Option<Timestamp>,
}

/// A clock beside that of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// By how much it is ahead, in milliseconds; negative: behind.
    pub ahead_ms: i64,
    /// How far that may be off, in milliseconds: the time that asking took, and
    /// the steps in which the clock is told.
    pub within_ms: i64,
}

impl Clock {
    /// A clock that showed `there` at some time between two moments of this
    /// machine; it tells its time in steps of `step_ms`.
    pub fn between(asked: Timestamp, there: Timestamp, answered: Timestamp, step_ms: i64) -> Clock {
        let (asked, answered) = (asked.as_millisecond(), answered.as_millisecond());
        let half = (answered - asked).max(0) / 2;
        // A clock that tells whole seconds shows the last one that has begun.
        let ahead_ms = there.as_millisecond() + step_ms / 2 - (asked + half);
        Clock { ahead_ms, within_ms: half + 1 + step_ms / 2 }
    }

    /// By how much it is surely ahead (or, negative, behind), in milliseconds.
    pub fn surely_ahead_ms(self) -> i64 {
        match self.ahead_ms {
            ahead if ahead > self.within_ms => ahead - self.within_ms,
            behind if behind < -self.within_ms => behind + self.within_ms,
            _ => 0,
        }
    }
}

/// One container (`/containers/{id}/json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Full id.
    pub id: String,
    /// Name without the leading slash.
    pub name: Name,
    /// Label `com.docker.compose.service`.
    pub service: Option<Name>,
    /// Label `com.docker.compose.project`.
    pub project: Option<Name>,
    /// Label `com.docker.compose.project.config_files`, split; shown like [`Compose::files`].
    pub config_files: Vec<String>,
    /// Label `com.docker.compose.project.working_dir`, shown like [`Compose::files`].
    pub working_dir: Option<String>,
    /// `Config.Image`.
    pub image: String,
    /// `Image`: the id of the image that it was made from.
    pub image_id: String,
    /// `State.Status`: created, running, paused, restarting, removing, exited, dead.
    pub status: String,
    /// `State.ExitCode` of the last end; Docker clears it when it starts again.
    pub exit_code: i64,
    /// `State.OOMKilled`; sticky on some engines while it runs again.
    pub oom_killed: bool,
    /// `State.Error`: why it could not be started.
    pub error: Option<String>,
    /// `RestartCount`: restarts by the engine's policy.
    pub restart_count: i64,
    /// `Created`.
    pub created: Option<Timestamp>,
    /// `State.StartedAt`.
    pub started: Option<Timestamp>,
    /// `State.FinishedAt` of the last end.
    pub finished: Option<Timestamp>,
    /// `State.Health.Status`: starting, healthy, unhealthy; none without a health check.
    pub health: Option<String>,
    /// `Config.Tty`: stdout and stderr are one stream.
    pub tty: bool,
    /// `HostConfig.LogConfig.Type`.
    pub log_driver: String,
    /// `HostConfig.RestartPolicy.Name`.
    pub restart_policy: Option<String>,
    /// Host name, and the aliases under which other containers reach it.
    pub hostnames: Vec<String>,
    /// Addresses by network name.
    pub networks: BTreeMap<Name, String>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// The environment variables that the pipeline declares as addresses, without passwords.
    pub environment: BTreeMap<String, String>,
    /// Label `com.docker.compose.config-hash`.
    #[serde(default)]
    pub config_hash: Option<String>,
    /// Label `com.docker.compose.version`.
    #[serde(default)]
    pub compose_version: Option<String>,
    /// The same container some time later.
    #[serde(default)]
    pub again: Option<Later>,
}

/// A container looked at once more: what has moved since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Later {
    /// Milliseconds after the first look.
    pub after_ms: u64,
    /// `State.Status`.
    pub status: String,
    /// `RestartCount`.
    pub restart_count: i64,
    /// `State.StartedAt`.
    pub started: Option<Timestamp>,
}

/// One published port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The port inside.
    pub container: u16,
    /// The host's address, `0.0.0.0` for all.
    pub host_ip: String,
    /// The port on the host.
    pub host: u16,
}

/// A way from here to an address that only containers know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// The address as advertised or configured: `kafka:9092`.
    pub from: String,
    /// The address that was used: `localhost:9092`.
    pub to: String,
    /// Why: `published port of shop-kafka`, `address of shop-kafka`, `--kafka-address`.
    pub by: String,
}

impl Mapped {
    /// Why an address is mapped that neither resolves nor belongs to a container.
    pub const ONLY_BROKER: &str = "bootstrap address of the only broker";
}

impl Docker {
    /// The containers of a service or worker: those of the project with its
    /// service label, else those with the name that the pipeline declares.
    pub fn containers_of(&self, service: &str, container: Option<&str>) -> Vec<&Container> {
        let by_label = |c: &&Container| {
            c.project.is_some() && c.project == self.project && c.service.as_deref() == Some(service)
        };
        let found: Vec<&Container> = self.containers.iter().filter(by_label).collect();
        if !found.is_empty() {
            return found;
        }
        let by_name = |c: &&Container| Some(c.name.as_str()) == container;
        self.containers.iter().filter(by_name).collect()
    }

    /// The container that others find under that name while it runs.
    pub fn answering_to(&self, host: &str) -> Option<&Container> {
        self.containers.iter().find(|c| {
            let named = c.name == host || c.service.as_deref() == Some(host);
            named || c.hostnames.iter().any(|name| name == host)
        })
    }

    /// The way to `host:port` as containers of the project know it: the published
    /// port, else the container's address on the engine's network. `None` where
    /// no container answers to that name. Published ports of an engine on
    /// another machine are reached through that machine.
    pub fn reach(&self, host: &str, port: u16) -> Option<Mapped> {
        let container = self.answering_to(host)?;
        let from = format!("{host}:{port}");
        if let Some(published) = container.ports.iter().find(|p| p.container == port) {
            let to = format!("{}:{}", self.published_host(published), published.host);
            let by = format!("published port of {}", container.name);
            return Some(Mapped { from, to, by });
        }
        let ip = container.networks.values().find(|ip| !ip.is_empty())?;
        let by = format!("address of {}", container.name);
        let to = format!("{ip}:{port}");
        Some(Mapped { from, to, by })
    }

    fn published_host(&self, port: &Port) -> String {
        if let Ok(url) = url::Url::parse(&self.address)
            && url.scheme() != "unix"
            && let Some(host) = url.host_str()
        {
            return host.to_string();
        }
        match port.host_ip.as_str() {
            "" | "0.0.0.0" | "::" | "127.0.0.1" | "::1" => "localhost".to_string(),
            other => other.to_string(),
        }
    }
}

/// What the broker shows (Metadata, ListOffsets, DescribeConsumerGroups,
/// OffsetFetch).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// The bootstrap address that answered.
    pub bootstrap: String,
    /// Addresses that were mapped to reach the brokers.
    pub mapped: Vec<Mapped>,
    /// The cluster's id, where the broker tells it.
    pub cluster_id: Option<String>,
    /// The brokers as advertised.
    pub brokers: Vec<Broker>,
    /// Each topic of the pipeline, asked by name.
    pub topics: BTreeMap<Name, Seen<Topic>>,
    /// Each group of the pipeline, described by name.
    pub groups: BTreeMap<Name, Seen<Group>>,
    /// Other groups with members that read a topic of the pipeline
    /// (ListGroups, DescribeConsumerGroups).
    #[serde(default)]
    pub other_groups: Seen<BTreeMap<Name, Group>>,
    /// The asked event's records on the topics of the stages (Fetch).
    #[serde(default)]
    pub records: BTreeMap<Name, Seen<Search>>,
    /// The records of the dead letter topic (Fetch).
    #[serde(default)]
    pub dead_letters: Seen<Search>,
    /// Ends and commits again, some time later (ListOffsets, OffsetFetch).
    #[serde(default)]
    pub again: Vec<Sample>,
}

impl Kafka {
    /// Becomes what it would be if only one of the ids had been asked about: `of`, where
    /// that is not the first one.
    fn become_about(&mut self, of: Option<&String>) {
        for search in self.records.values_mut().filter_map(Seen::known_mut) {
            search.found.retain(|found| found.of.as_ref() == of);
            search.found.iter_mut().for_each(|found| found.of = None);
            search.matched = search.found.len() as u64;
        }
        for letter in self.dead_letters.known_mut().into_iter().flat_map(|letters| &mut letters.found) {
            // Those of other events stay, as dead letters of the window.
            if letter.of.take().as_ref() != of {
                letter.by = None;
            }
        }
    }

    /// The addresses of all brokers, as advertised.
    pub fn addresses(&self) -> Vec<String> {
        self.brokers.iter().map(|broker| broker.address.clone()).collect()
    }
}

/// Ends of the topics and commits of the groups, looked at once more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Milliseconds after the first look.
    pub after_ms: u64,
    /// The ends of the partitions.
    pub ends: Vec<Committed>,
    /// What each group has committed; groups that did not answer are missing.
    pub committed: BTreeMap<Name, Vec<Committed>>,
}

/// What a reading of a topic has come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// From when on it was read; none: from the oldest record that is there.
    pub from: Option<Timestamp>,
    /// Records read.
    pub read: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Everything from then on was read.
    pub complete: bool,
    /// Reading began at the oldest record that is still there, and older ones
    /// have been deleted.
    #[serde(default)]
    pub truncated: bool,
    /// The bound that ended the reading before that.
    pub bound: Option<String>,
    /// Records that matched.
    pub matched: u64,
    /// Some of them, oldest first: those that name the id, then the newest.
    pub found: Vec<FoundRecord>,
}

/// A record on a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundRecord {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, by its producer or by the broker.
    pub at: Option<Timestamp>,
    /// What of it names the asked id: key, header or value.
    pub by: Option<String>,
    /// Which of the further ids that were asked about it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Bytes of key and value.
    pub size: u64,
    /// Those of its headers that the pipeline declares, as text, without secrets, cut.
    pub headers: BTreeMap<String, String>,
    /// Its value, if that was asked for and is JSON: compact, without secrets, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A broker as it advertises itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// Node id.
    pub id: i32,
    /// Advertised `host:port`.
    pub address: String,
}

/// A topic that was asked for by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// False: the broker answers "unknown topic".
    pub exists: bool,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
    /// How many replicas must be in sync for a write (DescribeConfigs,
    /// `min.insync.replicas`).
    #[serde(default)]
    pub min_in_sync: Seen<u64>,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its number.
    pub id: i32,
    /// The leader's node id; none: nobody leads it.
    pub leader: Option<i32>,
    /// Node ids that should hold it.
    pub replicas: Vec<i32>,
    /// Node ids that are in sync.
    pub in_sync: Vec<i32>,
    /// The offset of the oldest record that is still there.
    pub earliest: Seen<i64>,
    /// The offset that the next record will get.
    pub end: Seen<i64>,
}

/// A consumer group that was described by name. An absent one is state `dead`
/// without members or offsets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// As the broker says, in lower case with dashes: stable, empty, dead,
    /// preparing-rebalance, completing-rebalance, assigning, reconciling.
    pub state: String,
    /// `classic` or `consumer` (KIP-848).
    pub protocol: String,
    /// Its members.
    pub members: Vec<Member>,
    /// What it has committed (OffsetFetch); empty: nothing.
    pub committed: Seen<Vec<Committed>>,
}

impl Group {
    /// The partitions of its members.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.members.iter().flat_map(|member| &member.partitions)
    }

    /// Whether a member has a partition of the topic.
    pub fn reads(&self, topic: &str) -> bool {
        self.partitions().any(|partition| partition.topic == topic)
    }
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// `client.id`.
    pub client_id: String,
    /// Host as the broker saw it.
    pub host: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Partitions assigned to it.
    pub partitions: Vec<TopicPartition>,
}

/// A partition by topic and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPartition {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
}

/// An offset that a group has committed: the next one it wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
    /// The next offset it wants.
    pub offset: i64,
}

/// What the database shows, all in one read-only transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Shown address: `postgres://app@localhost:5432/shop`.
    pub address: String,
    /// How the configured address was mapped, if it was.
    pub mapped: Option<Mapped>,
    /// `server_version`.
    pub version: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The server's clock at the start of the transaction.
    pub now: Timestamp,
    /// The same beside this machine's.
    #[serde(default)]
    pub clock: Option<Clock>,
    /// On a read replica: how far behind, in milliseconds (unknown: none yet).
    pub replica_behind_ms: Option<Seen<i64>>,
    /// Further databases, by the pipeline's names for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub databases: BTreeMap<Name, Seen<FurtherDatabase>>,
    /// Rows of the id in the marks table, found by `=`, oldest first.
    pub marks: Seen<Vec<Mark>>,
    /// Rows that only `LIKE '%id%'` finds.
    pub marks_like: Seen<Vec<Mark>>,
    /// The event: when it happened and the keys it carries.
    pub event: Seen<Event>,
    /// Rows of each stage.
    pub stages: BTreeMap<Name, StageRows>,
    /// Who else is connected, and what they hold.
    #[serde(default)]
    pub sessions: Seen<Sessions>,
    /// Whether the marks table has an index on the id.
    #[serde(default)]
    pub indexed: Seen<bool>,
    /// Tables that a look-up did not find on its search path, and the schemas
    /// that have one of that name (`pg_class`).
    #[serde(default)]
    pub elsewhere: BTreeMap<Name, Vec<Name>>,
    /// The rows of further ids that were asked about at once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, RowsOfEvent>,
    /// The ids, newest first, of the events with the key that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_up: Option<Seen<Vec<String>>>,
}

/// A database of another service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherDatabase {
    /// Shown address: `postgres://shipping@localhost:5432/shipping`.
    pub address: String,
    /// How the configured address was mapped, if it was.
    pub mapped: Option<Mapped>,
    /// Who else is connected, and what they hold there.
    pub sessions: Seen<Sessions>,
}

/// The rows of one id, as those of the first one in [`Postgres`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsOfEvent {
    /// Its marks, found by `=`, oldest first.
    pub marks: Seen<Vec<Mark>>,
    /// Marks that only `LIKE '%id%'` finds.
    pub marks_like: Seen<Vec<Mark>>,
    /// The event.
    pub event: Seen<Event>,
    /// The effect rows of each stage, oldest first.
    pub effects: BTreeMap<Name, Seen<Vec<Effect>>>,
}

impl Postgres {
    fn become_of(&mut self, own: RowsOfEvent) {
        self.marks = own.marks;
        self.marks_like = own.marks_like;
        self.event = own.event;
        for (stage, effect) in own.effects {
            if let Some(rows) = self.stages.get_mut(&stage) {
                rows.effect = effect;
            }
        }
    }

    /// Why look-ups of the event's rows came to nothing, those that did.
    pub fn whys(&self) -> Vec<&Why> {
        let stages = self.stages.values().flat_map(|stage| [stage.effect.why(), stage.extent.why()]);
        [self.marks.why(), self.event.why()].into_iter().chain(stages).flatten().collect()
    }
}

/// Other sessions of the server (`pg_stat_activity`, `pg_locks`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Connections of clients, this one too.
    pub used: u64,
    /// How many there may be for those who are no superuser.
    pub most: u64,
    /// Locks that keep others from a table, the oldest first.
    pub locks: Vec<HeldLock>,
    /// Transactions left open for more than a minute, the oldest first.
    pub idle: Vec<IdleSession>,
    /// Sessions of others whose state this role may not see.
    #[serde(default)]
    pub hidden: u64,
    /// The server's clock when they were looked at.
    #[serde(default)]
    pub now: Option<Timestamp>,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldLock {
    /// Whose it is.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// When its transaction began.
    pub since: Option<Timestamp>,
    /// The table.
    pub table: String,
    /// `AccessExclusiveLock` and the like.
    pub mode: String,
    /// What the session does: active, idle in transaction.
    pub state: String,
    /// How many wait for the table.
    pub waiting: u64,
}

/// A transaction that somebody left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleSession {
    /// Whose it is.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// Since when it does nothing.
    pub since: Option<Timestamp>,
}

/// A row of the marks table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Event id.
    pub event_id: String,
    /// Event type.
    pub event_type: String,
    /// Correlation id as stored.
    pub correlation_id: String,
    /// Who marked it.
    pub source: Option<String>,
    /// When.
    pub processed_at: Option<Timestamp>,
}

/// The event that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When it happened, as the pipeline's event SQL says.
    pub at: Timestamp,
    /// Keys that lead to other rows and log records (declared in the pipeline).
    pub keys: BTreeMap<Name, String>,
}

/// What a stage left in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRows {
    /// Its effect rows for the id, oldest first, whatever their age.
    pub effect: Seen<Vec<Effect>>,
    /// Events of the window that lack their effect.
    pub extent: Seen<Extent>,
}

/// A row that a stage has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// When it was written.
    pub at: Timestamp,
    /// Its status, where the table has one.
    pub status: Option<String>,
}

/// How many events of the window lack the effect of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Events of the window that reached this stage.
    pub events: u64,
    /// Those whose effect is missing although the grace period is over.
    pub stuck: u64,
    /// Of the stuck ones: those that the stage's owner has marked.
    pub stuck_marked: u64,
    /// Time of the oldest stuck event.
    pub since: Option<Timestamp>,
    /// When the newest good effect was written.
    pub last_good: Option<Timestamp>,
    /// The newest stuck ids, newest first (at most [`Extent::NEWEST`]).
    pub newest: Vec<StuckEvent>,
    /// More events lie in the window than were looked at (the newest were).
    pub limited: bool,
}

impl Extent {
    /// How many stuck ids are kept.
    pub const NEWEST: usize = 100;
}

/// A stuck event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StuckEvent {
    /// Its id.
    pub id: String,
    /// When it reached the stage.
    pub at: Timestamp,
    /// Whether the stage's owner has marked it.
    pub marked: bool,
    /// Whether anybody but its emitter has, which keeps the owner from it.
    #[serde(default)]
    pub kept_back: bool,
}

/// What the HTTP services answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Health, by service name.
    pub health: BTreeMap<Name, Seen<Answer>>,
    /// The harmless request that the pipeline declares.
    pub contract: Seen<Answer>,
}

/// One answer to a GET.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The address as it was asked, shown.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// What the body holds at the JSON pointers that the pipeline names, as
    /// compact JSON; absent pointers are left out. Redacted and cut.
    pub body: BTreeMap<String, String>,
    /// The clock of its Date header.
    #[serde(default)]
    pub clock: Option<Clock>,
}

/// What was read of one container's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Container name.
    pub container: Name,
    /// Records read (a record may span lines).
    pub read: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time of the oldest record read.
    pub from: Option<Timestamp>,
    /// Time of the newest record read.
    pub to: Option<Timestamp>,
    /// From when on records were wanted.
    pub wanted: Timestamp,
    /// How far back the reading came.
    pub reach: Reach,
    /// Of the records read since `wanted`: those that name the id or one of its
    /// keys, match a pattern of the pipeline, or are errors; oldest first.
    pub records: Vec<Record>,
    /// Some that should have been kept were not, because there were too many:
    /// the newest are here.
    pub cut: bool,
    /// Some of those that name the id or one of its keys were not kept.
    #[serde(default)]
    pub cut_of_event: bool,
}

/// How far back a log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// To the time wanted: what is not here was not logged.
    Wanted,
    /// To the log's own beginning, which is later than the time wanted.
    Beginning,
    /// To a bound on lines or time, short of the time wanted.
    Limit,
}

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When the engine received its first line.
    pub at: Timestamp,
    /// It came on stderr.
    pub stderr: bool,
    /// Its lines joined by `\n`, without colours and secrets, cut to 2 000 characters.
    pub text: String,
}

impl Record {
    /// Whether the record names an id or a key's value, in whatever case.
    pub fn names(&self, value: &str) -> bool {
        holds_word(self.text.as_bytes(), value.as_bytes())
    }
}

/// Whether a text holds a word, in whatever case; `ORD-1` is not in `ORD-10`.
pub fn holds_word(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return false };
    let mut begins = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text);
    begins.any(|at| {
        let same = text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        same && is_whole_word(text, at, at + word.len())
    })
}

/// Whether what stands between two places of a text is no part of a longer word.
pub fn is_whole_word(text: &[u8], from: usize, to: usize) -> bool {
    let free = |neighbour: Option<&u8>| neighbour.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    free(from.checked_sub(1).and_then(|before| text.get(before))) && free(text.get(to))
}

/// The variables that usually hold the database's address, the first one first.
pub const DATABASE_VARIABLES: [&str; 2] = ["POSTGRES_URL", "DATABASE_URL"];

/// The hosts of an address: of a list of brokers (`host:port`, or each with its
/// protocol), of a database's or service's URL. A value that is no address has none.
pub fn hosts_of(address: &str) -> Vec<Name> {
    let host = |place: &str| {
        let (is_url, place) = match place.trim().split_once("://") {
            Some((_, rest)) => (true, rest),
            None => (false, place.trim()),
        };
        let place = place.split(['/', '?']).next().unwrap_or_default();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        let (name, port) = match place.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, true),
            _ => (place, false),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ((is_url || port) && !name.is_empty()).then(|| name.to_string())
    };
    // The hosts of one URL share its scheme.
    match address.matches("://").count() {
        1 => {
            let (scheme, rest) = address.split_once("://").unwrap_or_default();
            let rest = rest.split(['/', '?']).next().unwrap_or_default();
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            rest.split(',').filter_map(|place| host(&format!("{scheme}://{place}"))).collect()
        }
        _ => address.split(',').filter_map(host).collect(),
    }
}

/// Whether a host means the machine, or the container, that uses it.
pub fn is_own(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "::1"
}

/// Small pieces of evidence for the tests of other modules.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// A running container of the project `shop`, with these fields changed.
    pub(crate) fn container(changes: serde_json::Value) -> Container {
        let mut value = serde_json::json!({
            "id": "1", "name": "shop-kafka", "service": "kafka", "project": "shop",
            "config_files": [], "working_dir": null, "image": "kafka", "image_id": "sha256:1",
            "status": "running", "exit_code": 0, "oom_killed": false, "error": null,
            "restart_count": 0, "created": null, "started": null, "finished": null,
            "health": null, "tty": false, "log_driver": "json-file", "restart_policy": null,
            "hostnames": [], "networks": {"shop_default": "172.18.0.2"},
            "ports": [{"container": 9092, "host_ip": "0.0.0.0", "host": 19092}], "environment": {}
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    /// An engine with that container, which others find as `broker` too.
    pub(crate) fn docker(address: &str) -> Docker {
        Docker {
            address: address.into(),
            engine: "20.10".into(),
            api: "1.41".into(),
            project: Some("shop".into()),
            other_projects: vec![],
            containers: vec![container(serde_json::json!({"hostnames": ["broker"]}))],
            images: BTreeMap::new(),
            clock: None,
            hosts: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::docker;
    use super::*;

    #[test]
    fn an_address_inside_is_reached_by_its_published_port_else_by_its_own() {
        let docker = docker("unix:///var/run/docker.sock");
        for host in ["kafka", "shop-kafka", "broker"] {
            assert_eq!(docker.reach(host, 9092).unwrap().to, "localhost:19092");
        }
        assert_eq!(docker.reach("kafka", 9093).unwrap().to, "172.18.0.2:9093");
        assert_eq!(docker.reach("elsewhere", 9092), None);
    }

    #[test]
    fn ports_of_an_engine_elsewhere_are_reached_there() {
        let docker = docker("tcp://build.example:2375");
        assert_eq!(docker.reach("kafka", 9092).unwrap().to, "build.example:19092");
    }

    #[test]
    fn a_clock_is_as_exact_as_it_was_asked() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let same = Clock::between(at(1_000), at(1_010), at(1_020), 0);
        assert_eq!((same.ahead_ms, same.surely_ahead_ms()), (0, 0));
        let ahead = Clock::between(at(1_000), at(61_010), at(1_020), 0);
        assert_eq!((ahead.ahead_ms, ahead.surely_ahead_ms()), (60_000, 59_989));
        // A Date header of this very second says nothing against it.
        let header = Clock::between(at(1_990), at(1_000), at(1_994), 1_000);
        assert_eq!(header.surely_ahead_ms(), 0);
        assert!(Clock::between(at(9_990), at(1_000), at(9_994), 1_000).surely_ahead_ms() < -7_500);
    }

    #[test]
    fn hosts_are_told_in_every_form_of_address() {
        let cases = [
            ("kafka:9092,other:9093", vec!["kafka", "other"]),
            ("SASL_SSL://a:9093,SASL_SSL://b:9093", vec!["a", "b"]),
            ("postgres://u:p@db:5432,standby:5433/shop?x=1", vec!["db", "standby"]),
            ("http://api/base", vec!["api"]),
            ("http://[::1]:80", vec!["::1"]),
            ("info", vec![]),
            ("***", vec![]),
        ];
        for (address, hosts) in cases {
            assert_eq!(hosts_of(address), hosts, "{address}");
        }
    }

    #[test]
    fn a_word_is_found_in_whatever_case_and_only_whole() {
        assert!(holds_word(b"id ORD-1.", b"ord-1"));
        assert!(holds_word(b"order-created-8620E626", b"8620e626"));
        assert!(!holds_word(b"ORD-10, xORD-1", b"ORD-1"));
        assert!(!holds_word(b"anything", b""));
    }
}
