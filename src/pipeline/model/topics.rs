//! Topics, including the dead-letter topic.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A topic that must exist.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Name of the topic.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Number of partitions to create the topic with, if no existing topic shows how many to use.
    #[schemars(range(min = 1))]
    pub partitions: Option<u32>,
    /// The `[broker.NAME]` that holds the topic. Defaults to `[kafka]`.
    #[schemars(with = "Option<String>")]
    pub broker: Option<Spanned<String>>,
}

/// The topic for events that workers gave up on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// Name of the topic.
    #[schemars(regex(pattern = r"\S"))]
    pub topic: String,
    /// Header with the reason for giving up.
    #[schemars(regex(pattern = r"\S"))]
    pub reason: String,
    /// Header with the name of the worker that gave up.
    #[schemars(regex(pattern = r"\S"))]
    pub worker: Option<String>,
    /// The `[broker.NAME]` that holds the topic. Defaults to `[kafka]`.
    #[schemars(with = "Option<String>")]
    pub broker: Option<Spanned<String>>,
}
