//! What runs: brokers, databases, services and workers.

use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A system that the pipeline uses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The `[[service]]` that runs it, for its container.
    #[schemars(with = "String")]
    pub service: Spanned<String>,
    /// Its address, where neither flag nor environment gives one.
    pub address: Option<String>,
    /// The service or worker whose environment has its address, where nothing else
    /// gives one. Absent: whichever names it.
    #[schemars(with = "Option<String>")]
    pub used_by: Option<Spanned<String>>,
}

/// What a service is in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sends the first event.
    Emitter,
    /// Answers the documented call.
    Api,
    /// Kafka.
    Broker,
    /// PostgreSQL.
    Database,
}

/// A service that is not a worker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Compose service name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// What it is here.
    pub role: Role,
    /// Container name, where it differs from compose's own.
    #[schemars(regex(pattern = r"\S"))]
    pub container: Option<String>,
    /// HTTP port inside the container.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Path that answers 2xx when healthy.
    #[schemars(regex(pattern = "^/"))]
    pub health: Option<String>,
    /// Environment variable that holds its base address.
    #[schemars(regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub address_variable: Option<String>,
    /// Its base address, where neither flag nor environment gives one.
    pub address: Option<String>,
}

/// A worker: consumes topics as a member of one group, or takes its work from elsewhere.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Compose service name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Container name, where it differs from compose's own.
    #[schemars(regex(pattern = r"\S"))]
    pub container: Option<String>,
    /// Consumer group, if it consumes topics.
    #[schemars(regex(pattern = r"\S"))]
    pub group: Option<String>,
    /// Topics that it consumes.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true))]
    pub topics: Vec<Spanned<String>>,
    /// Regular expression: the log line of its start.
    pub started: Option<Pattern>,
    /// How it is deployed, for the compose fragment.
    pub deploy: Option<Deploy>,
}

impl Worker {
    /// Its consumer group in words.
    pub fn group_name(&self) -> &str {
        self.group.as_deref().unwrap_or("(none)")
    }

    /// Whether a topic is one of those that it consumes.
    pub fn consumes(&self, topic: &str) -> bool {
        self.topics.iter().any(|own| own.get_ref() == topic)
    }
}

/// How a worker is deployed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Image name.
    #[schemars(regex(pattern = r"\S"))]
    pub image: String,
    /// Command, where the image's own is not it.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment variables that it needs; values stay in the project's `.env`.
    #[serde(default)]
    pub environment: Vec<String>,
}
