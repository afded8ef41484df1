//! The kinds of subjects that facts and checks cover.

use crate::base::system_kinds::ClockOf;
use crate::pipeline::{Pipeline, Role};

/// The kind of subject that a fact or check covers.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Each worker.
    Worker,
    /// Each service that emits events.
    Emitter,
    /// Each service that answers the documented call.
    Api,
    /// The broker.
    Broker,
    /// The database.
    Database,
    /// Each topic.
    Topic,
    /// Each stage; its subject is its worker.
    Stage,
    /// The requested event.
    Event,
    /// Each worker and service.
    #[serde(rename = "part")]
    Component,
    /// Each inspected system: Docker, Kafka, PostgreSQL, HTTP.
    System,
}

impl Scope {
    /// Returns the subjects of this scope in a pipeline, in the pipeline's order.
    pub fn subjects(self, pipeline: &Pipeline) -> Vec<String> {
        let with_role = |role: Role| {
            let services = pipeline.service.iter().filter(move |s| s.role == role);
            services.map(|service| service.name.clone()).collect()
        };
        match self {
            Scope::Worker => pipeline.worker.iter().map(|w| w.name.clone()).collect(),
            Scope::Emitter => with_role(Role::Emitter),
            Scope::Api => with_role(Role::Api),
            Scope::Broker => pipeline.brokers().into_iter().cloned().collect(),
            Scope::Database => pipeline.databases().into_iter().cloned().collect(),
            Scope::Topic => pipeline.topic.iter().map(|t| t.name.clone()).collect(),
            Scope::Stage => pipeline.stage.iter().map(|s| pipeline.stage_subject(s)).collect(),
            Scope::Event => vec![pipeline.noun.0.clone()],
            Scope::Component => pipeline.components().map(|(name, _)| name.to_string()).collect(),
            Scope::System => ClockOf::WORDS.iter().map(|name| (*name).to_string()).collect(),
        }
    }
}
