//! The root type of a pipeline file.

use crate::pipeline::model::api_call::Call;
use crate::pipeline::model::components::{Service, System, Worker};
use crate::pipeline::model::event_sql::EventSql;
use crate::pipeline::model::id_format::IdFormat;
use crate::pipeline::model::marks::Marks;
use crate::pipeline::model::stage::{Line, Stage};
use crate::pipeline::model::topics::{DeadLetters, TopicSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A pipeline, as declared in its file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Name of the pipeline, shown in reports and stored in recordings.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Noun for the events in singular and plural, such as `["order", "orders"]`.
    pub noun: (String, String),
    /// Correlation id.
    pub id: IdFormat,
    /// Hints for finding the Compose project.
    #[serde(default)]
    pub compose: ComposeHints,
    /// Main broker; optional.
    pub kafka: Option<System>,
    /// Additional brokers by name, each a separate cluster.
    #[serde(default)]
    pub broker: BTreeMap<String, System>,
    /// Main database, which holds the events.
    pub postgres: System,
    /// Additional databases by name, such as those of other services.
    #[serde(default)]
    pub database: BTreeMap<String, System>,
    /// Services that are not workers.
    #[serde(default)]
    pub service: Vec<Service>,
    /// Workers, in the order in which an event passes through them.
    #[serde(default)]
    pub worker: Vec<Worker>,
    /// Topics that must exist.
    #[serde(default)]
    pub topic: Vec<TopicSpec>,
    /// Table of processed markers; optional.
    pub marks: Option<Marks>,
    /// Query for the times and keys of events.
    pub event: EventSql,
    /// Additional ways to look up events, each with a name for the command line and the event key
    /// that holds the value.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub lookup: BTreeMap<String, Spanned<String>>,
    /// Stages, in order.
    #[serde(default)]
    pub stage: Vec<Stage>,
    /// Documented API call; optional.
    pub call: Option<Call>,
    /// Diagnostic lines in the logs of a healthy run.
    #[serde(default)]
    pub line: Vec<Line>,
    /// Topic for events that workers gave up on; optional.
    pub dead_letters: Option<DeadLetters>,
}

/// Hints for finding the Compose project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeHints {
    /// Project name, preferred if several projects match.
    pub project: Option<String>,
}
