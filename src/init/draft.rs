//! The draft of a pipeline file. Each value has a comment that says where it was found, or what
//! to check.

use crate::evidence::Name;

/// The whole file.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The pipeline's name.
    pub name: Name,
    /// The noun for its events, singular and plural.
    pub noun: (String, String),
    /// The correlation id.
    pub id: Id,
    /// The Compose project.
    pub project: Option<Name>,
    /// Systems that were inspected: Compose files, Docker Engine, brokers, databases.
    pub seen: Vec<String>,
    /// Systems that were unavailable, and why.
    pub unavailable: Vec<String>,
    /// Advice to send more events, if too few were seen.
    pub more_events_hint: Option<String>,
    /// The broker; `None` for a pipeline without Kafka.
    pub kafka: Option<System>,
    /// The database that holds the event.
    pub postgres: System,
    /// Additional databases that stages use.
    pub databases: Vec<System>,
    /// Services that are not workers.
    pub services: Vec<Service>,
    /// Workers.
    pub workers: Vec<Worker>,
    /// Names that were left out, and why.
    pub left_out: Vec<(Name, String)>,
    /// Topics except the dead-letter topic: name, number of partitions, comment.
    pub topics: Vec<(Name, u32, String)>,
    /// The dead-letter topic.
    pub dead_letters: Option<DeadLetters>,
    /// The table of marks.
    pub marks: Option<Marks>,
    /// The event.
    pub event: Event,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Log lines about an event.
    pub lines: Vec<Line>,
}

/// The name and format of the correlation id.
#[derive(Debug, Clone, Default)]
pub struct Id {
    /// Its display name.
    pub name: String,
    /// `uuid`, `ulid`, `number` or `text`.
    pub format: String,
    /// A regular expression, if the format is `text`.
    pub pattern: Option<String>,
    /// A comment on where it was found.
    pub comment: String,
}

/// A broker or a database.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// The service that runs it.
    pub service: Name,
    /// The name of an additional database.
    pub name: Name,
    /// Its address, if no container's environment holds it.
    pub address: Option<String>,
    /// The component whose environment holds its address, if there are several databases.
    pub used_by: Option<Name>,
    /// A comment on where it was found.
    pub comment: String,
}

/// A service that is not a worker.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// Its role, as written in the file.
    pub role: &'static str,
    /// Its container name, unless that is Compose's default.
    pub container: Option<Name>,
    /// The port inside the container.
    pub port: Option<u16>,
    /// The path to its health endpoint.
    pub health: Option<String>,
    /// The environment variable that gives other components its address.
    pub address_variable: Option<Name>,
    /// A comment on where it was found.
    pub comment: String,
}

/// A worker.
#[derive(Debug, Clone, Default)]
pub struct Worker {
    /// Its name.
    pub name: Name,
    /// Its container name, unless that is Compose's default.
    pub container: Option<Name>,
    /// Its consumer group.
    pub group: Option<Name>,
    /// The topics that it reads, except the dead-letter topic.
    pub topics: Vec<Name>,
    /// A pattern for the log line that reports its start.
    pub started: Option<String>,
    /// Its image.
    pub image: String,
    /// Its command.
    pub command: Vec<String>,
    /// The environment variables that hold addresses and their credentials.
    pub environment: Vec<Name>,
    /// A comment on where it was found.
    pub comment: String,
}

/// The topic for records that workers gave up on.
#[derive(Debug, Clone, Default)]
pub struct DeadLetters {
    /// The topic.
    pub topic: Name,
    /// The header with the reason for the failure.
    pub reason: Option<String>,
    /// The header with the worker's name.
    pub worker: Option<String>,
}

/// The table of marks and its columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// The table, as written in SQL.
    pub table: String,
    /// Its database, unless that is the event's.
    pub database: Option<Name>,
    /// The column with the correlation id.
    pub id: Name,
    /// The column with the message's own id.
    pub event_id: Option<Name>,
    /// The column with the event type.
    pub event_type: Name,
    /// The column with the name of the component that made the mark.
    pub source: Name,
    /// The column with the time of the mark.
    pub processed_at: Name,
}

/// The event.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// SQL that selects the rows of all events.
    pub sql: String,
    /// A comment on where it was found.
    pub comment: String,
}

/// A stage.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// Its name.
    pub name: Name,
    /// The type of its events.
    pub event: String,
    /// The topic of its events.
    pub topic: Option<Name>,
    /// The component that sends its events.
    pub emitter: Name,
    /// A comment on how the emitter was found.
    pub emitter_comment: String,
    /// Whether the emitter marks its events itself.
    pub recorded_by_emitter: bool,
    /// The worker that handles its events.
    pub worker: Name,
    /// The sources that may mark its events.
    pub marked_by: Vec<String>,
    /// A name for the rows that the worker writes.
    pub effect: String,
    /// The effect's database, unless that is the event's.
    pub database: Option<Name>,
    /// The preceding stages; `None` if the stage above is the only one.
    pub after: Option<Vec<Name>>,
    /// Statuses that count as success.
    pub good_status: Vec<String>,
    /// Statuses that count as waiting.
    pub waiting_status: Vec<String>,
    /// Grace period in seconds.
    pub grace_s: u64,
    /// A comment on how the grace period was chosen.
    pub grace_comment: String,
    /// Whether the effect's rows have no timestamp.
    pub undated: bool,
    /// SQL that selects the effect rows of all events.
    pub sql: String,
    /// A comment on how the effect was found.
    pub comment: String,
    /// Whether no effect was found, so it has to be filled in by hand.
    pub incomplete: bool,
}

/// A log line about an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// A short name.
    pub name: String,
    /// The component that logs it.
    pub component: Name,
    /// The stage that it belongs to.
    pub stage: Name,
    /// A regular expression.
    pub pattern: String,
}
