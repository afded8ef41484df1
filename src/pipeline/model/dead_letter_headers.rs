//! The headers by which libraries and services say where a dead letter comes from, and why.

use crate::pipeline::model::topics::DeadLetters;
use std::collections::BTreeMap;

/// Headers with the reason, besides the declared one: of services, Spring Kafka, Kafka Connect, and others.
const REASONS: [&str; 10] = [
    "failureReason",
    "failure-reason",
    "errorMessage",
    "error-message",
    "error",
    "reason",
    "exception",
    "kafka_dlt-exception-message",
    "__connect.errors.exception.message",
    "x-exception-message",
];
/// Headers with the topic that the record was read from.
const TOPICS: [&str; 8] = [
    "originalTopic",
    "original-topic",
    "original_topic",
    "x-original-topic",
    "sourceTopic",
    "source-topic",
    "kafka_dlt-original-topic",
    "__connect.errors.topic",
];
/// Headers with the consumer group that read it.
const GROUPS: [&str; 6] = [
    "kafka_dlt-original-consumer-group",
    "originalConsumerGroup",
    "original-consumer-group",
    "consumerGroup",
    "consumer-group",
    "groupId",
];

impl DeadLetters {
    /// Returns the names of all headers that say where a dead letter comes from, and why.
    pub fn header_names(&self) -> Vec<String> {
        let declared = [&self.reason].into_iter().chain(&self.worker).cloned();
        let known = REASONS.iter().chain(&TOPICS).chain(&GROUPS).map(|name| name.to_string());
        declared.chain(known).collect()
    }

    /// Returns the reason that a dead letter's headers give.
    pub fn reason_of<'h>(&self, headers: &'h BTreeMap<String, String>) -> Option<&'h str> {
        let declared = headers.get(&self.reason).map(String::as_str);
        declared.or_else(|| first(headers, &REASONS))
    }

    /// Returns the worker that a dead letter's headers name.
    pub fn worker_of<'h>(&self, headers: &'h BTreeMap<String, String>) -> Option<&'h str> {
        headers.get(self.worker.as_ref()?).map(String::as_str)
    }

    /// Returns the topic that a dead letter was read from, if its headers say so.
    pub fn topic_of<'h>(&self, headers: &'h BTreeMap<String, String>) -> Option<&'h str> {
        first(headers, &TOPICS)
    }

    /// Returns the consumer group that read it, if its headers say so.
    pub fn group_of<'h>(&self, headers: &'h BTreeMap<String, String>) -> Option<&'h str> {
        first(headers, &GROUPS)
    }
}

fn first<'h>(headers: &'h BTreeMap<String, String>, names: &[&str]) -> Option<&'h str> {
    names.iter().find_map(|name| headers.get(*name)).map(String::as_str)
}
