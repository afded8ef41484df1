//! The data types of facts.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::pipeline::{Stage, Worker};
use crate::runbook::fact_value::Value;
use crate::situation::Situation;
use std::collections::BTreeMap;

/// One fact about one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The subject of the fact: a component, topic, stage or system.
    pub subject: Name,
    /// The value, or why it is not available.
    pub value: Observed<Value>,
    /// A human-readable description of what was observed.
    pub message: String,
    /// Whether the observation itself names the requested event. It then counts as a direct read, even if
    /// the check is noisy.
    pub names_event: bool,
}

impl Fact {
    pub(crate) fn new(subject: impl Into<Name>, value: Value, message: impl Into<String>) -> Self {
        Fact {
            subject: subject.into(),
            value: Observed::Known(value),
            message: message.into(),
            names_event: false,
        }
    }

    /// Builds a fact without a value, with the reason why its evidence is unavailable.
    pub(crate) fn unavailable<T>(subject: impl Into<Name>, evidence: &Observed<T>) -> Self {
        let value = match evidence {
            Observed::NotAsked(why) => Observed::NotAsked(why.clone()),
            Observed::Unknown(why) => Observed::Unknown(why.clone()),
            Observed::Known(_) => {
                Observed::unknown(crate::base::unavailable_reason::ReasonKind::Failed, "not derived")
            }
        };
        let message = value.reason().map(|why| why.describe()).unwrap_or_default();
        Fact { subject: subject.into(), value, message, names_event: false }
    }

    /// Builds a fact from evidence; `read` returns the value and the description.
    pub(crate) fn of<T>(
        subject: impl Into<Name>,
        evidence: Observed<T>,
        read: impl FnOnce(T) -> (Value, String),
    ) -> Self {
        match evidence {
            Observed::Known(seen) => {
                let (value, message) = read(seen);
                Fact::new(subject, value, message)
            }
            other => Fact::unavailable(subject, &other),
        }
    }
}

/// Builds a fact about each worker.
pub(crate) fn for_workers(s: &Situation, read: impl Fn(&Worker) -> Observed<(Value, String)>) -> Vec<Fact> {
    let workers = s.pipeline.worker.iter();
    workers.map(|worker| Fact::of(worker.name.as_str(), read(worker), |value| value)).collect()
}

/// Builds a fact about each stage.
pub(crate) fn for_stages(s: &Situation, read: impl Fn(&Stage) -> Observed<(Value, String)>) -> Vec<Fact> {
    let stages = s.pipeline.stage.iter();
    stages.map(|stage| Fact::of(s.pipeline.stage_subject(stage), read(stage), |value| value)).collect()
}

/// All facts of one situation, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts(pub(crate) BTreeMap<String, Vec<Fact>>);

impl Facts {
    /// Returns the fact with this name about this subject.
    pub fn get(&self, name: &str, subject: &str) -> Option<&Fact> {
        self.all(name).iter().find(|fact| fact.subject == subject)
    }

    /// Returns all facts with this name, in pipeline order.
    pub fn all(&self, name: &str) -> &[Fact] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}
