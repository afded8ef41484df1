//! The components of a pipeline: brokers, databases, services and workers.

use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A broker or database that the pipeline uses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The `[[service]]` that runs the system, used to find its container.
    #[schemars(with = "String")]
    pub service: Spanned<String>,
    /// Address of the system, used if no flag or environment variable provides one.
    pub address: Option<String>,
    /// Service or worker whose environment holds the address, used if no other source provides
    /// one. By default, the environments of all services and workers are searched.
    #[schemars(with = "Option<String>")]
    pub used_by: Option<Spanned<String>>,
}

/// The role of a service in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sends the first event.
    Emitter,
    /// Answers the documented call.
    Api,
    /// Runs Kafka.
    Broker,
    /// Runs PostgreSQL.
    Database,
}

/// A service that is not a worker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Compose service name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Role of the service.
    pub role: Role,
    /// Container name, if it differs from Compose's default.
    #[schemars(regex(pattern = r"\S"))]
    pub container: Option<String>,
    /// HTTP port inside the container.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Path that returns 2xx when the service is healthy.
    #[schemars(regex(pattern = "^/"))]
    pub health: Option<String>,
    /// Environment variable that holds the service's base URL.
    #[schemars(regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub address_variable: Option<String>,
    /// Base URL of the service, used if no flag or environment variable provides one.
    pub address: Option<String>,
}

/// A worker, which consumes topics as a member of one consumer group or gets its work elsewhere.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Compose service name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Container name, if it differs from Compose's default.
    #[schemars(regex(pattern = r"\S"))]
    pub container: Option<String>,
    /// Consumer group, if the worker consumes topics.
    #[schemars(regex(pattern = r"\S"))]
    pub group: Option<String>,
    /// Topics that the worker consumes.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true))]
    pub topics: Vec<Spanned<String>>,
    /// Regular expression for the log line that the worker writes at startup.
    pub started: Option<Pattern>,
    /// Deployment settings for the generated Compose fragment.
    pub deploy: Option<Deploy>,
}

impl Worker {
    /// Returns the consumer group for display.
    pub fn group_name(&self) -> &str {
        self.group.as_deref().unwrap_or("(none)")
    }

    /// Reports whether the worker consumes a topic.
    pub fn consumes(&self, topic: &str) -> bool {
        self.topics.iter().any(|consumed| consumed.get_ref() == topic)
    }
}

/// The deployment settings of a worker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Image name.
    #[schemars(regex(pattern = r"\S"))]
    pub image: String,
    /// Command, if it differs from the image's default.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment variables that the worker needs. Their values stay in the project's `.env`.
    #[serde(default)]
    pub environment: Vec<String>,
}
