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
        match why.kind == ReasonKind::NoAnswer && self.nothing_answers() {
            true => {
                let message = format!(
                    "{}, nor from Docker, Kafka or PostgreSQL: this machine's way to them may be cut",
                    why.message
                );
                Reason { kind: ReasonKind::Failed, message, ..why }
            }
            false => why,
        }
    }

    /// Reports whether the runtime, all brokers and all databases were queried and none of them answered.
    fn nothing_answers(&self) -> bool {
        fn is_silent<T>(seen: &Observed<T>) -> bool {
            matches!(seen, Observed::Unknown(why) if why.kind == ReasonKind::NoAnswer)
        }
        let evidence = self.evidence;
        let (brokers, databases) = (&evidence.brokers, &evidence.databases);
        is_silent(&self.runtime())
            && !brokers.is_empty()
            && !databases.is_empty()
            && brokers.values().all(is_silent)
            && databases.values().all(is_silent)
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
