//! The inputs of the situation: the evidence and the pipeline.

use crate::evidence::{
    Broker, Database, Declared, Evidence, Http, Log, Observed, Reason, ReasonKind, Runtime, Topic,
};
use crate::pipeline::{Pipeline, Worker};

/// The evidence and the pipeline, with lookups between the two. Nothing is derived here.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The collected evidence.
    pub evidence: &'a Evidence,
    /// The declared pipeline.
    pub pipeline: &'a Pipeline,
}

impl<'a> Inputs<'a> {
    /// Returns the container runtime.
    pub fn runtime(&self) -> Observed<&'a Runtime> {
        self.evidence.runtime()
    }

    /// Returns what the compose file declares.
    pub fn declared(&self) -> Observed<&'a Declared> {
        self.evidence.declared.as_ref()
    }

    /// Returns the main database, which holds the events.
    pub fn database(&self) -> Observed<&'a Database> {
        self.evidence.main_database()
    }

    /// Returns the answers to HTTP requests.
    pub fn http(&self) -> Observed<&'a Http> {
        self.evidence.http.as_ref()
    }

    /// Returns a broker by its name in the pipeline.
    pub fn broker(&self, name: &str) -> Observed<&'a Broker> {
        self.evidence.broker(name)
    }

    /// Returns all brokers that were queried.
    pub fn brokers(&self) -> impl Iterator<Item = &'a Observed<Broker>> {
        self.evidence.brokers.values()
    }

    /// Returns the broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> Observed<&'a Broker> {
        self.broker(self.pipeline.broker_of_topic(topic))
    }

    /// Returns the broker that coordinates a worker's consumer group.
    pub fn broker_of(&self, worker: &Worker) -> Observed<&'a Broker> {
        self.broker(self.pipeline.broker_of(worker))
    }

    /// Returns the reason why a system could not be observed. If no system answers, the network of
    /// this machine is more likely to have failed than all systems at once, so the reason blames none
    /// of them.
    pub fn reason_of(&self, why: Reason) -> Reason {
        let is_silent = matches!(why.kind, ReasonKind::NoAnswer | ReasonKind::Unresolved);
        match is_silent && self.anything_answers() == Some(false) {
            true => {
                let message = format!(
                    "{}; no other system answers either, so this machine's way to them may be cut",
                    why.message
                );
                Reason { kind: ReasonKind::Failed, message, ..why }
            }
            false => why,
        }
    }

    /// Reports whether at least two of the runtime, the brokers and the databases were asked and none of
    /// them answered. `None` if fewer were asked.
    pub fn anything_answers(&self) -> Option<bool> {
        fn answers<T>(seen: &Observed<T>) -> Option<bool> {
            match seen {
                Observed::NotAsked(_) => None,
                Observed::Unknown(why) => {
                    Some(!matches!(why.kind, ReasonKind::NoAnswer | ReasonKind::Unresolved))
                }
                Observed::Known(_) => Some(true),
            }
        }
        let (brokers, databases) = (&self.evidence.brokers, &self.evidence.databases);
        let runtime = [answers(&self.runtime())].into_iter();
        let systems = runtime.chain(brokers.values().map(answers)).chain(databases.values().map(answers));
        let asked: Vec<bool> = systems.flatten().collect();
        (asked.len() > 1).then(|| asked.contains(&true))
    }

    /// Returns one of the pipeline's topics as its broker reports it.
    pub fn topic(&self, name: &str) -> Observed<&'a Topic> {
        self.broker_of_topic(name).and_then(|kafka| match kafka.topics.get(name) {
            Some(seen) => seen.as_ref(),
            None => Observed::unknown(ReasonKind::Missing, format!("topic {name} was not queried")),
        })
    }

    /// Returns a component's log.
    pub fn log(&self, component: &str) -> Observed<&'a Log> {
        match self.evidence.logs.get(component) {
            Some(log) => log.as_ref(),
            None => self
                .runtime()
                .and_then(|_| Observed::unknown(ReasonKind::Missing, format!("no log of {component}"))),
        }
    }
}
