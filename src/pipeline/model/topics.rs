//! Topics, that of dead letters among them.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A topic that must exist.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Its name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// How many partitions it is created with, where its siblings do not tell.
    #[schemars(range(min = 1))]
    pub partitions: Option<u32>,
    /// The `[broker.NAME]` that holds it, where that is not `[kafka]`.
    #[schemars(with = "Option<String>")]
    pub broker: Option<Spanned<String>>,
}

/// Where workers send what they gave up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// Topic.
    #[schemars(regex(pattern = r"\S"))]
    pub topic: String,
    /// The header that says why.
    #[schemars(regex(pattern = r"\S"))]
    pub reason: String,
    /// The header that says who gave it up.
    #[schemars(regex(pattern = r"\S"))]
    pub worker: Option<String>,
    /// The `[broker.NAME]` that holds the topic, where that is not `[kafka]`.
    #[schemars(with = "Option<String>")]
    pub broker: Option<Spanned<String>>,
}
