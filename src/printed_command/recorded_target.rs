//! The recorded target: how the run reached its systems. A replay prints the same commands.

use crate::base::name::MAIN_DATABASE;
use crate::printed_command::process::Word;
use std::collections::BTreeMap;

/// Returns the environment variable that holds a database's address in printed commands.
pub fn address_variable(database: &str) -> String {
    match database {
        MAIN_DATABASE => "POSTGRES_URL".to_string(),
        name => format!("POSTGRES_URL_{}", variable_name(name)),
    }
}

/// Returns a name as a part of the name of a variable.
pub fn variable_name(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(letter).collect()
}

/// How the run reached its systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The container engine's program.
    pub docker: String,
    /// How to call Docker Compose.
    pub compose: Compose,
    /// The observed containers, by service or worker.
    pub containers: BTreeMap<String, String>,
    /// How to reach each broker, by name.
    pub brokers: BTreeMap<String, Broker>,
    /// How to reach each database, by name.
    pub databases: BTreeMap<String, Database>,
    /// The requested id.
    pub id: Option<String>,
    /// The flags that select the systems.
    pub flags: Vec<Word>,
}

/// How to call Docker Compose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compose {
    /// Environment variables to unset for the call.
    pub unset: Vec<String>,
    /// The project name, if the files do not set it.
    pub project: Option<String>,
    /// The files with variables that the project was started with.
    pub environment_files: Vec<String>,
    /// The profiles that the project was started with.
    pub profiles: Vec<String>,
    /// The compose files.
    pub files: Vec<String>,
}

/// How Kafka's command-line tools reach a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// The container in which the tools run.
    pub container: Option<String>,
    /// The bootstrap address.
    pub address: Word,
}

/// How `psql` reaches a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The login inside the database's container, if the address points to it.
    pub login: Option<Login>,
    /// The server's container, if it has one.
    pub container: Option<String>,
    /// The environment variable that holds the address.
    pub variable: String,
}

/// A login inside a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The container.
    pub container: String,
    /// The user, who needs no password inside the container.
    pub user: String,
    /// The database.
    pub database: String,
}

impl Target {
    /// Returns a target for commands without a run. Words in capitals replace the values that only
    /// a run can supply.
    pub fn generic() -> Self {
        let main = Database {
            login: None,
            container: Some("CONTAINER".to_string()),
            variable: address_variable(MAIN_DATABASE),
        };
        Target {
            docker: "docker".to_string(),
            compose: Compose { files: vec!["docker-compose.yml".to_string()], ..Compose::default() },
            containers: BTreeMap::new(),
            brokers: BTreeMap::new(),
            databases: BTreeMap::from([(MAIN_DATABASE.to_string(), main)]),
            id: Some("ID".to_string()),
            flags: Vec::new(),
        }
    }

    /// Returns how to reach a broker.
    pub fn broker(&self, name: &str) -> Broker {
        let found = self.brokers.get(name).cloned();
        found.unwrap_or_else(|| Broker { container: None, address: Word::Variable("KAFKA_BROKERS".into()) })
    }

    /// Returns how to reach a database.
    pub fn database(&self, name: &str) -> Database {
        let found = self.databases.get(name).cloned();
        found.unwrap_or_else(|| Database { login: None, container: None, variable: address_variable(name) })
    }
}
