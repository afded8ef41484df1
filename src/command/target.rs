//! How the systems were reached: what commands are made from, so that a replay prints the
//! same ones.

use crate::base::name::MAIN_DATABASE;
use crate::command::model::Word;
use std::collections::BTreeMap;

/// The variable that stands for a database's address in printed commands.
pub fn address_variable(database: &str) -> String {
    match database {
        MAIN_DATABASE => "POSTGRES_URL".to_string(),
        name => format!("POSTGRES_URL_{}", name.to_uppercase().replace('-', "_")),
    }
}

/// How the systems of a run were reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The container engine's program.
    pub docker: String,
    /// The compose project.
    pub compose: Compose,
    /// The containers that were seen, by service or worker.
    pub containers: BTreeMap<String, String>,
    /// The brokers.
    pub brokers: BTreeMap<String, Broker>,
    /// The databases.
    pub databases: BTreeMap<String, Database>,
    /// The asked id.
    pub id: Option<String>,
    /// The flags that say where to look.
    pub flags: Vec<Word>,
}

/// How compose is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compose {
    /// Variables of this shell that it must not take.
    pub unset: Vec<String>,
    /// The project, where the files do not name it.
    pub project: Option<String>,
    /// Its files.
    pub files: Vec<String>,
}

/// How Kafka's tools reach a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// The container that they are called in.
    pub container: Option<String>,
    /// The address that they are given.
    pub address: Word,
}

/// How `psql` reaches a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// In its container, where its address led there.
    pub login: Option<Login>,
    /// The container of its server, where that runs.
    pub container: Option<String>,
    /// The variable that holds its address.
    pub variable: String,
}

/// Who logs in where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The container.
    pub container: String,
    /// The user; his password is not needed there.
    pub user: String,
    /// The database.
    pub database: String,
}

impl Target {
    /// The target of nobody in particular: words in capitals stand for what only a run tells.
    pub fn in_general() -> Self {
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

    /// How a broker is reached.
    pub fn broker(&self, name: &str) -> Broker {
        let found = self.brokers.get(name).cloned();
        found.unwrap_or_else(|| Broker { container: None, address: Word::Variable("KAFKA_BROKERS".into()) })
    }

    /// How a database is reached.
    pub fn database(&self, name: &str) -> Database {
        let found = self.databases.get(name).cloned();
        found.unwrap_or_else(|| Database { login: None, container: None, variable: address_variable(name) })
    }
}
