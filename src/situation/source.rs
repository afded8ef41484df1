//! What a situation is joined from: evidence and pipeline side by side.

use crate::evidence::{Compose, Docker, Evidence, Http, Kafka, Log, Postgres, Seen, Topic, WhyKind};
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
    /// The container engine.
    pub fn docker(&self) -> Seen<&'a Docker> {
        self.evidence.docker.as_ref()
    }

    /// The compose file.
    pub fn compose(&self) -> Seen<&'a Compose> {
        self.evidence.compose.as_ref()
    }

    /// The database.
    pub fn postgres(&self) -> Seen<&'a Postgres> {
        self.evidence.postgres.as_ref()
    }

    /// Answers to requests.
    pub fn http(&self) -> Seen<&'a Http> {
        self.evidence.http.as_ref()
    }

    /// A broker by the pipeline's name for it, the main one without a name.
    pub fn broker(&self, name: Option<&str>) -> Seen<&'a Kafka> {
        self.evidence.broker(name)
    }

    /// All brokers that were asked.
    pub fn brokers(&self) -> impl Iterator<Item = (Option<&'a str>, &'a Seen<Kafka>)> {
        self.evidence.brokers()
    }

    /// The broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> Seen<&'a Kafka> {
        self.broker(self.pipeline.broker_of_topic(topic))
    }

    /// The broker on which a worker is a member of its group.
    pub fn broker_of(&self, worker: &Worker) -> Seen<&'a Kafka> {
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
            None => self.docker().and_then(|_| Seen::unknown(WhyKind::Missing, format!("no log of {part}"))),
        }
    }
}
