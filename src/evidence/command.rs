//! What printed commands must say to reach the systems that were looked at, so
//! that a replay prints the same commands. Recordings without it lack these parts.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How commands name a runtime and the project in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeCommands {
    /// The engine's address, where it is not the default one (`docker --host`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The context, where one is used (`docker --context`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The compose project (`--project-name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Compose files (`--file`), in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Files of variables (`--env-file`), in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_files: Vec<String>,
    /// Active profiles (`--profile`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Instances by workload, where another number runs than is declared (`--scale`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scale: BTreeMap<String, u64>,
}

/// How commands reach a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerCommands {
    /// The directory of Kafka's tools in the broker's instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<String>,
    /// The file that holds the login (`--command-config`): its path, never its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

/// How commands reach a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseCommands {
    /// The database's name on its server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The variable that holds the login: its name, never its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}
