//! The whole of what a pipeline's file declares.

use crate::pipeline::model::call::Call;
use crate::pipeline::model::components::{Service, System, Worker};
use crate::pipeline::model::event::EventSql;
use crate::pipeline::model::id::IdFormat;
use crate::pipeline::model::marks::Marks;
use crate::pipeline::model::stage::{Line, Stage};
use crate::pipeline::model::topics::{DeadLetters, TopicSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A pipeline, as its file declares it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its name, shown in the report and kept in recordings.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// What flows through it, singular and plural: `["order", "orders"]`.
    pub noun: (String, String),
    /// The correlation id.
    pub id: IdFormat,
    /// Hints for the compose project.
    #[serde(default)]
    pub compose: ComposeHints,
    /// The broker, if the pipeline has one.
    pub kafka: Option<System>,
    /// Further brokers, by name: clusters of their own.
    #[serde(default)]
    pub broker: BTreeMap<String, System>,
    /// The database, with the events.
    pub postgres: System,
    /// Further databases, by name: of other services.
    #[serde(default)]
    pub database: BTreeMap<String, System>,
    /// Services that are not workers.
    #[serde(default)]
    pub service: Vec<Service>,
    /// The workers, in the order in which an event meets them.
    #[serde(default)]
    pub worker: Vec<Worker>,
    /// The topics that must exist.
    #[serde(default)]
    pub topic: Vec<TopicSpec>,
    /// The table that says who has processed what, if there is one.
    pub marks: Option<Marks>,
    /// The event: when it happened and what it leads to.
    pub event: EventSql,
    /// By what events are looked up, beside their id: a word for the command line,
    /// and the event's key that has the value.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub lookup: BTreeMap<String, Spanned<String>>,
    /// The stages, in order.
    #[serde(default)]
    pub stage: Vec<Stage>,
    /// The documented API call, if the pipeline has one.
    pub call: Option<Call>,
    /// The diagnostic lines that a healthy way leaves in the logs.
    #[serde(default)]
    pub line: Vec<Line>,
    /// Where workers send what they gave up, if they do.
    pub dead_letters: Option<DeadLetters>,
}

/// Hints for finding the compose project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeHints {
    /// The project's name, preferred where several match.
    pub project: Option<String>,
}
