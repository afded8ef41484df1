//! Facts as values.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::pipeline::{Stage, Worker};
use crate::runbook::value::Value;
use crate::situation::Situation;
use std::collections::BTreeMap;

/// One fact about one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Whom it is about.
    pub subject: Name,
    /// Its value, or why there is none.
    pub value: Seen<Value>,
    /// What was observed, in words a person reads.
    pub say: String,
}

impl Fact {
    pub(crate) fn new(subject: impl Into<Name>, value: Value, say: impl Into<String>) -> Self {
        Fact { subject: subject.into(), value: Seen::Known(value), say: say.into() }
    }

    /// A fact that has no value, for the reason that some evidence has none.
    pub(crate) fn unseen<T>(subject: impl Into<Name>, evidence: &Seen<T>) -> Self {
        let value = match evidence {
            Seen::NotAsked(why) => Seen::NotAsked(why.clone()),
            Seen::Unknown(why) => Seen::Unknown(why.clone()),
            Seen::Known(_) => Seen::unknown(crate::base::reason::WhyKind::Failed, "not derived"),
        };
        let say = value.why().map(|why| why.words()).unwrap_or_default();
        Fact { subject: subject.into(), value, say }
    }

    /// A fact from evidence: its value and words if that was seen.
    pub(crate) fn of<T>(
        subject: impl Into<Name>,
        evidence: Seen<T>,
        tell: impl FnOnce(T) -> (Value, String),
    ) -> Self {
        match evidence {
            Seen::Known(seen) => {
                let (value, say) = tell(seen);
                Fact::new(subject, value, say)
            }
            other => Fact::unseen(subject, &other),
        }
    }
}

/// A fact about each worker.
pub(crate) fn for_workers(s: &Situation, tell: impl Fn(&Worker) -> Seen<(Value, String)>) -> Vec<Fact> {
    let workers = s.pipeline.worker.iter();
    workers.map(|worker| Fact::of(worker.name.as_str(), tell(worker), |told| told)).collect()
}

/// A fact about each stage.
pub(crate) fn for_stages(s: &Situation, tell: impl Fn(&Stage) -> Seen<(Value, String)>) -> Vec<Fact> {
    let stages = s.pipeline.stage.iter();
    stages.map(|stage| Fact::of(s.pipeline.stage_subject(stage), tell(stage), |told| told)).collect()
}

/// All facts of one evidence document, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts(pub(crate) BTreeMap<String, Vec<Fact>>);

impl Facts {
    /// The fact of that name about that subject.
    pub fn get(&self, name: &str, subject: &str) -> Option<&Fact> {
        self.all(name).iter().find(|fact| fact.subject == subject)
    }

    /// All facts of that name, in the order of the pipeline.
    pub fn all(&self, name: &str) -> &[Fact] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}
