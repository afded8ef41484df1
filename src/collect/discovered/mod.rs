//! What `init` discovers about a pipeline that has no pipeline file yet. The values are
//! never written to disk, because rows and records are user data.

pub mod classify;

use crate::base::secret::Secret;
use crate::collect::env_addresses::Variables;
use crate::evidence::{Name, Observed};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was discovered.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// Compose project name, if there is one.
    pub project: Option<Name>,
    /// Paths of the compose files.
    pub compose: Observed<Vec<String>>,
    /// Address of the Docker Engine, as shown in reports.
    pub docker: Observed<String>,
    /// Services in the compose files and the running project, sorted by name.
    pub components: Vec<Component>,
    /// The Kafka cluster.
    pub kafka: Observed<Cluster>,
    /// Databases that components use, most used first.
    pub databases: Vec<Database>,
}

/// A service in the project.
#[derive(Debug, Clone, Default)]
pub struct Component {
    /// Compose service name, or else the container name.
    pub name: Name,
    /// Name of the container, or of the first one if there are several.
    pub container: Option<Name>,
    /// Image reference.
    pub image: String,
    /// Command and its arguments.
    pub command: Vec<String>,
    /// Whether a compose file declares it.
    pub declared: bool,
    /// Whether at least one of its containers is running.
    pub running: bool,
    /// Whether the service is a job that runs once: its container exits successfully and is not restarted.
    pub one_shot: bool,
    /// Environment variables, including secrets.
    pub variables: BTreeMap<Name, Secret>,
    /// Container TCP ports that are exposed or published.
    pub ports: BTreeSet<u16>,
    /// Container TCP ports that are published.
    pub published: BTreeSet<u16>,
    /// Command of the health check, as text.
    pub healthcheck: Option<String>,
    /// IP addresses of the service's containers.
    pub addresses: BTreeSet<String>,
    /// Container port and path that answered a GET request with 2xx.
    pub health_endpoint: Option<(u16, String)>,
    /// The first log lines since the service started and the newest lines, oldest first.
    pub log: Vec<String>,
    /// The profiles that must be active for the service to start; empty if it has a container.
    pub profiles: Vec<Name>,
    /// What the other components' environments tell about it.
    pub uses: Uses,
}

/// What the environments tell of how components use each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// Another component has its address.
    pub is_called: bool,
    /// Another component has it as the host of a PostgreSQL database.
    pub is_database: bool,
    /// It has another component as the host of a PostgreSQL database.
    pub has_database: bool,
}

/// A Kafka cluster.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Bootstrap address that answered.
    pub bootstrap: String,
    /// Topics, excluding internal ones.
    pub topics: BTreeMap<Name, DiscoveredTopic>,
    /// Consumer groups.
    pub groups: BTreeMap<Name, DiscoveredGroup>,
}

/// A topic.
#[derive(Debug, Clone, Default)]
pub struct DiscoveredTopic {
    /// Number of partitions.
    pub partitions: u32,
    /// Newest records.
    pub records: Vec<Record>,
}

/// A record in a topic.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Timestamp.
    pub at: Option<Timestamp>,
    /// Key, as text.
    pub key: String,
    /// Headers, as text.
    pub headers: BTreeMap<String, String>,
    /// Strings and numbers in a JSON value, each with its innermost field name.
    pub fields: Vec<(String, String)>,
}

/// A consumer group.
#[derive(Debug, Clone, Default)]
pub struct DiscoveredGroup {
    /// Topics that its members are assigned or for which it has committed offsets.
    pub topics: BTreeSet<Name>,
    /// Host addresses of its members as the broker sees them, without the leading slash.
    pub hosts: BTreeSet<String>,
    /// `client.id` values of its members.
    pub clients: BTreeSet<String>,
}

/// A database that components use.
#[derive(Debug, Clone)]
pub struct Database {
    /// Database name on the server.
    pub name: Name,
    /// Host name, as containers know it; empty if the address was configured.
    pub host: Name,
    /// Address, as shown in reports.
    pub address: String,
    /// Components that use it, each with the variable that holds the address.
    pub used_by: Vec<(Name, Name)>,
    /// Tables.
    pub tables: Observed<Vec<Table>>,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Name in SQL, quoted if needed and qualified with the schema if that is not on the
    /// search path.
    pub sql: String,
    /// Name without quotes or schema.
    pub name: Name,
    /// Columns, in order.
    pub columns: Vec<Column>,
    /// Newest rows as text by column, only for columns worth sampling. Times are in UTC.
    pub rows: Vec<BTreeMap<Name, String>>,
    /// Why the rows are unavailable.
    pub unavailable: Option<String>,
}

/// A column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Name without quotes.
    pub name: Name,
    /// PostgreSQL type name, without length.
    pub sql_type: String,
    /// Whether the primary key or a unique index covers only this column.
    pub unique: bool,
    /// Table and column that a foreign key on only this column refers to.
    pub refers_to: Option<(Name, Name)>,
}

impl Component {
    /// Returns the component's environment variables, which may contain addresses.
    pub fn environment(&self) -> Variables<'_> {
        Variables::new(self.variables.iter().map(|(name, value)| (name.as_str(), value.expose())))
    }

    /// Reports whether other components may reach it by this host name.
    pub fn has_host_name(&self, host: &str) -> bool {
        self.name == host || self.container.as_deref() == Some(host) || self.addresses.contains(host)
    }

    /// Returns the value of an environment variable, unless it is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }
}

impl Table {
    /// Returns the column with this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Iterates over the column's values in the sampled rows.
    pub fn values(&self, column: &str) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }
}

impl Column {
    /// Reports whether the column can hold a correlation id.
    pub fn can_be_id(&self) -> bool {
        let id_types = ["uuid", "text", "character varying", "character", "bigint", "integer"];
        id_types.contains(&self.sql_type.as_str())
    }

    /// Reports whether the column holds a timestamp.
    pub fn is_time(&self) -> bool {
        self.sql_type.starts_with("timestamp")
    }

    /// Reports whether the column holds text or an enum, such as a status, a type or a source.
    pub fn is_text(&self) -> bool {
        // Excludes the other types by name, because each enum has its own type name.
        let other = ["bytea", "json", "jsonb", "uuid", "boolean", "date", "xml", "tsvector", "inet"];
        let number = ["integer", "bigint", "smallint", "numeric", "real", "double precision", "interval"];
        !self.is_time()
            && !other.contains(&self.sql_type.as_str())
            && !number.contains(&self.sql_type.as_str())
    }

    /// Reports whether the column's values are useful and, judging by its name, neither
    /// personal nor secret.
    pub fn is_worth_sampling(&self) -> bool {
        let name = self.name.to_lowercase();
        let secret = ["password", "secret", "token", "email", "phone", "address", "body", "html"];
        let useful = self.can_be_id() || self.is_time() || self.is_text() || self.sql_type == "jsonb";
        useful && !secret.iter().any(|word| name.contains(word))
    }
}

/// Reports whether a time column's name refers to when the row was written, as opposed to
/// when something is due.
pub fn is_write_time(name: &str) -> bool {
    let words =
        ["created", "inserted", "occurred", "recorded", "received", "processed", "placed", "happened"];
    let name = name.to_lowercase();
    words.iter().any(|word| name.contains(word)) || ["at", "time", "timestamp", "ts"].contains(&name.as_str())
}

/// Returns a name as an SQL identifier, quoted only if needed.
pub fn sql_name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts_plain = name.as_bytes().first().is_some_and(|byte| !byte.is_ascii_digit());
    match starts_plain && name.bytes().all(is_plain) && !KEYWORDS.contains(&name) {
        true => name.to_string(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// SQL keywords that also occur as table and column names.
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
