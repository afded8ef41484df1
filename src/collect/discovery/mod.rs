//! What `init` sees of a pipeline that nobody has described: plain values, from
//! which it is guessed. They stay in memory: rows and records are somebody's data.

pub mod kinds;

use crate::base::secret::Secret;
use crate::collect::addresses::Variables;
use crate::evidence::{Name, Seen};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was seen.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The compose project, if there is one.
    pub project: Option<Name>,
    /// The compose files.
    pub compose: Seen<Vec<String>>,
    /// The engine's address as shown.
    pub docker: Seen<String>,
    /// Services of the compose files and of the running project, by name.
    pub parts: Vec<Part>,
    /// What the broker shows.
    pub kafka: Seen<Cluster>,
    /// The databases that containers are told of, the one that most use first.
    pub databases: Vec<Database>,
}

/// A service of the project.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Compose service name, else the container's name.
    pub name: Name,
    /// The container's name, of the first of several.
    pub container: Option<Name>,
    /// `image`.
    pub image: String,
    /// `command`, word by word.
    pub command: Vec<String>,
    /// It stands in a compose file.
    pub declared: bool,
    /// A container of it runs.
    pub running: bool,
    /// Its container has ended well and is not started again: it ran once.
    pub ended: bool,
    /// The environment, secrets included.
    pub variables: BTreeMap<Name, Secret>,
    /// TCP ports inside that are exposed or published.
    pub ports: BTreeSet<u16>,
    /// TCP ports inside that are published.
    pub published: BTreeSet<u16>,
    /// The health check's command, as text.
    pub healthcheck: Option<String>,
    /// Its containers' addresses.
    pub addresses: BTreeSet<String>,
    /// The port inside and the path that answered a GET with 2xx.
    pub answers: Option<(u16, String)>,
    /// Its newest log lines, oldest first, and the first ones since its start.
    pub log: Vec<String>,
}

/// What the broker shows.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// The bootstrap address that answered.
    pub bootstrap: String,
    /// Topics, without the broker's own.
    pub topics: BTreeMap<Name, TopicSeen>,
    /// Consumer groups.
    pub groups: BTreeMap<Name, GroupSeen>,
}

/// A topic.
#[derive(Debug, Clone, Default)]
pub struct TopicSeen {
    /// How many partitions it has.
    pub partitions: u32,
    /// Its newest records.
    pub records: Vec<Record>,
}

/// A record.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Its timestamp.
    pub at: Option<Timestamp>,
    /// Its key, as text.
    pub key: String,
    /// Its headers, as text.
    pub headers: BTreeMap<String, String>,
    /// The texts and numbers in its value, if that is JSON, by the last name that leads to them.
    pub fields: Vec<(String, String)>,
}

/// A consumer group.
#[derive(Debug, Clone, Default)]
pub struct GroupSeen {
    /// The topics that its members are assigned or that it has committed.
    pub topics: BTreeSet<Name>,
    /// Addresses of its members, as the broker saw them, without a slash.
    pub hosts: BTreeSet<String>,
    /// `client.id`s of its members.
    pub clients: BTreeSet<String>,
}

/// A database that containers are told of.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name on the server.
    pub name: Name,
    /// Its address as shown.
    pub address: String,
    /// Who is told of it, by which variable.
    pub told: Vec<(Name, Name)>,
    /// Its tables.
    pub tables: Seen<Vec<Table>>,
}

/// A table or view.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its name in SQL: quoted where needed, with its schema where that is not on the search path.
    pub sql: String,
    /// Its plain name.
    pub name: Name,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its newest rows, by column: only columns that can tell something, as text;
    /// times in UTC.
    pub rows: Vec<BTreeMap<Name, String>>,
    /// Why there are no rows.
    pub unseen: Option<String>,
}

/// A column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its plain name.
    pub name: Name,
    /// Its type, as PostgreSQL writes it, without lengths.
    pub of: String,
    /// The primary key, or a unique index, is on it alone.
    pub unique: bool,
    /// The table and column that a foreign key on it alone refers to.
    pub refers_to: Option<(Name, Name)>,
}

impl Part {
    /// The addresses that its environment tells.
    pub fn told(&self) -> Variables<'_> {
        Variables::of(self.variables.iter().map(|(name, value)| (name.as_str(), value.expose())))
    }

    /// A variable of its environment that is not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The values that a column has in the rows that were seen.
    pub fn values(&self, column: &str) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }
}

impl Column {
    /// Whether it can hold a correlation id.
    pub fn can_be_id(&self) -> bool {
        let plain = ["uuid", "text", "character varying", "character", "bigint", "integer"];
        plain.contains(&self.of.as_str())
    }

    /// Whether it says when.
    pub fn is_time(&self) -> bool {
        self.of.starts_with("timestamp")
    }

    /// Whether its texts are few words: a status, a type, a source.
    pub fn is_word(&self) -> bool {
        // What is neither of these may be an enumeration of its own.
        let other = ["bytea", "json", "jsonb", "uuid", "boolean", "date", "xml", "tsvector", "inet"];
        let number = ["integer", "bigint", "smallint", "numeric", "real", "double precision", "interval"];
        !self.is_time() && !other.contains(&self.of.as_str()) && !number.contains(&self.of.as_str())
    }

    /// Whether its values are worth looking at.
    pub fn tells(&self) -> bool {
        let name = self.name.to_lowercase();
        let secret = ["password", "secret", "token", "email", "phone", "address", "body", "html"];
        let telling = self.can_be_id() || self.is_time() || self.is_word() || self.of == "jsonb";
        telling && !secret.iter().any(|word| name.contains(word))
    }
}

/// Whether a time's name says when a row was written, and not when something will be.
pub fn says_written(name: &str) -> bool {
    let first =
        ["created", "inserted", "occurred", "recorded", "received", "processed", "placed", "happened"];
    let name = name.to_lowercase();
    first.iter().any(|word| name.contains(word)) || ["at", "time", "timestamp", "ts"].contains(&name.as_str())
}

/// A name as SQL takes it: in quotes only where it must be.
pub fn sql_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = name.as_bytes().first().is_some_and(|byte| !byte.is_ascii_digit());
    match begins && name.bytes().all(plain) && !KEYWORDS.contains(&name) {
        true => name.to_string(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Words that tables and columns are called by and that SQL keeps for itself.
const KEYWORDS: [&str; 22] = [
    "all",
    "case",
    "check",
    "column",
    "default",
    "desc",
    "end",
    "from",
    "grant",
    "group",
    "limit",
    "offset",
    "order",
    "placing",
    "primary",
    "references",
    "select",
    "table",
    "to",
    "user",
    "when",
    "window",
];
