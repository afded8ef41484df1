//! A pipeline as it is guessed: what its file will say, each with where it was
//! found or what is to be checked.

use crate::evidence::Name;

/// The whole file.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The pipeline's name.
    pub name: Name,
    /// What flows through it: one and several.
    pub noun: (String, String),
    /// The id.
    pub id: Id,
    /// The compose project.
    pub project: Option<Name>,
    /// Where things were found: compose files, engine.
    pub seen: Vec<String>,
    /// What could not be seen, and why.
    pub unseen: Vec<String>,
    /// What is to be said where too few events were seen to tell from.
    pub few: Option<String>,
    /// The broker; none: a pipeline without Kafka.
    pub kafka: Option<System>,
    /// The database that holds the event.
    pub postgres: System,
    /// Further databases that stages use.
    pub databases: Vec<System>,
    /// Services that are no workers.
    pub services: Vec<Service>,
    /// Workers.
    pub workers: Vec<Worker>,
    /// Services that are neither, and why.
    pub left_out: Vec<(Name, String)>,
    /// Topics, without the one of dead letters.
    pub topics: Vec<(Name, u32, String)>,
    /// The topic of dead letters.
    pub dead_letters: Option<DeadLetters>,
    /// The marks.
    pub marks: Option<Marks>,
    /// The event.
    pub event: Event,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Lines that are logged of an event.
    pub lines: Vec<Line>,
}

/// What an id looks like.
#[derive(Debug, Clone, Default)]
pub struct Id {
    /// What people call it.
    pub name: String,
    /// `uuid`, `ulid`, `number` or `text`.
    pub format: String,
    /// The form of a text.
    pub pattern: Option<String>,
    /// Where it was found.
    pub why: String,
}

/// A broker or a database.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// The service that runs it.
    pub service: Name,
    /// The name of a further database.
    pub name: Name,
    /// Its address, where the tool would not find it by itself.
    pub address: Option<String>,
    /// Of one of several databases: whose environment has its address.
    pub used_by: Option<Name>,
    /// Where it was found.
    pub why: String,
}

/// A service that is no worker.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// As the file takes it.
    pub role: &'static str,
    /// Its container, where it has a name of its own.
    pub container: Option<Name>,
    /// The port inside.
    pub port: Option<u16>,
    /// The path that tells whether it is well.
    pub health: Option<String>,
    /// The variable by which others are told its address.
    pub address_variable: Option<Name>,
    /// Where it was found.
    pub why: String,
}

/// A worker.
#[derive(Debug, Clone, Default)]
pub struct Worker {
    /// Its name.
    pub name: Name,
    /// Its container, where it has a name of its own.
    pub container: Option<Name>,
    /// Its consumer group.
    pub group: Option<Name>,
    /// What it reads, dead letters left out.
    pub topics: Vec<Name>,
    /// The line of its start.
    pub started: Option<String>,
    /// How it is deployed.
    pub image: String,
    /// Its command.
    pub command: Vec<String>,
    /// The variables that it is told addresses by.
    pub environment: Vec<Name>,
    /// Where it was found.
    pub why: String,
}

/// Where workers send what they gave up.
#[derive(Debug, Clone, Default)]
pub struct DeadLetters {
    /// The topic.
    pub topic: Name,
    /// The header that says why.
    pub reason: Option<String>,
    /// The header that says who.
    pub worker: Option<String>,
}

/// The table of marks; the columns by what they hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// The table, as SQL.
    pub table: String,
    /// Of another database than the event's.
    pub database: Option<Name>,
    /// The id.
    pub id: Name,
    /// The message's own id.
    pub event_id: Option<Name>,
    /// The type.
    pub event_type: Name,
    /// Who marked it.
    pub source: Name,
    /// When.
    pub processed_at: Name,
}

/// The event.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// The rows of all events.
    pub sql: String,
    /// Where it was found.
    pub why: String,
}

/// A stage.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// Its name.
    pub name: Name,
    /// The type of its events.
    pub event: String,
    /// Where they arrive.
    pub topic: Option<Name>,
    /// Who sends them.
    pub emitter: Name,
    /// Who sends them, and how that is known.
    pub emitter_why: String,
    /// The emitter writes the event's row itself.
    pub recorded_by_emitter: bool,
    /// Who handles them.
    pub worker: Name,
    /// Who may mark them.
    pub marked_by: Vec<String>,
    /// What it leaves.
    pub effect: String,
    /// Of another database than the event's.
    pub database: Option<Name>,
    /// The stages before it, where that is not the one above.
    pub after: Option<Vec<Name>>,
    /// Good statuses that were seen.
    pub good_status: Vec<String>,
    /// Waiting ones.
    pub waiting_status: Vec<String>,
    /// Seconds.
    pub grace_s: u64,
    /// Where that comes from.
    pub grace_why: String,
    /// Its rows do not say when they were written.
    pub undated: bool,
    /// The rows of all events.
    pub sql: String,
    /// Where that was found.
    pub why: String,
    /// Nothing was found: a human must say it.
    pub to_fill: bool,
}

/// A line that is logged of an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// A word for it.
    pub name: String,
    /// Who logs it.
    pub part: Name,
    /// At which stage.
    pub stage: Name,
    /// Regular expression.
    pub pattern: String,
}
