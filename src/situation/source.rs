//! What a situation is joined from: evidence and pipeline side by side.

use crate::evidence::{Broker, Database, Declared, Evidence, Http, Log, Runtime, Seen, Topic, WhyKind};
use crate::pipeline::{Pipeline, Worker};

/// Evidence and pipeline side by side. Nothing is derived here.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// What was observed.
    pub evidence: &'a Evidence,
    /// What should exist.
    pub pipeline: &'a Pipeline,
}

impl<'a> Source<'a> {
    /// The runtime.
    pub fn runtime(&self) -> Seen<&'a Runtime> {
        self.evidence.runtime()
    }

    /// What is declared: the compose file.
    pub fn declared(&self) -> Seen<&'a Declared> {
        self.evidence.declared.as_ref()
    }

    /// The database with the events.
    pub fn database(&self) -> Seen<&'a Database> {
        self.evidence.main_database()
    }

    /// Answers to requests.
    pub fn http(&self) -> Seen<&'a Http> {
        self.evidence.http.as_ref()
    }

    /// A broker by the pipeline's name for it.
    pub fn broker(&self, name: &str) -> Seen<&'a Broker> {
        self.evidence.broker(name)
    }

    /// All brokers that were asked.
    pub fn brokers(&self) -> impl Iterator<Item = &'a Seen<Broker>> {
        self.evidence.brokers.values()
    }

    /// The broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> Seen<&'a Broker> {
        self.broker(self.pipeline.broker_of_topic(topic))
    }

    /// The broker on which a worker is a member of its group.
    pub fn broker_of(&self, worker: &Worker) -> Seen<&'a Broker> {
        self.broker(self.pipeline.broker_of(worker))
    }

    /// A topic of the pipeline, as its broker shows it.
    pub fn topic(&self, name: &str) -> Seen<&'a Topic> {
        self.broker_of_topic(name).and_then(|kafka| match kafka.topics.get(name) {
            Some(seen) => seen.as_ref(),
            None => Seen::unknown(WhyKind::Missing, format!("topic {name} was not asked for")),
        })
    }

    /// The log of a service or worker.
    pub fn log(&self, part: &str) -> Seen<&'a Log> {
        match self.evidence.logs.get(part) {
            Some(log) => log.as_ref(),
            None => self.runtime().and_then(|_| Seen::unknown(WhyKind::Missing, format!("no log of {part}"))),
        }
    }
}
