//! Options that printed commands need to reach the inspected systems, recorded so that a replay
//! prints the same commands. Older recordings lack them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How commands address a runtime and its project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeCommandOptions {
    /// The engine's address if it is not the default (`docker --host`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The context, if one is used (`docker --context`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The compose project (`--project-name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Compose files (`--file`), in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Environment files (`--env-file`), in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_files: Vec<String>,
    /// Active profiles (`--profile`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Instance counts by workload, where they differ from the declared counts (`--scale`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scale: BTreeMap<String, u64>,
}

/// How commands reach a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerCommandOptions {
    /// The directory of Kafka's command-line tools in the broker's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<String>,
    /// The path to the credentials file (`--command-config`), never its contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

/// How commands reach a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseCommandOptions {
    /// The database's name on its server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The name of the environment variable that holds the credentials, never its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}
