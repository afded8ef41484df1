//! Kafka clients: a producer that waits for acknowledgements, and consumers that log when
//! they have joined their group.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;

use crate::event::Event;
use crate::failure::Failure;
use crate::{clock, log, readiness, setting};

/// Returns the settings shared by producers, consumers and admin clients.
pub fn client_config(service: &str) -> Result<ClientConfig, Failure> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", setting::required("KAFKA_BROKERS")?)
        .set("client.id", service)
        .set("reconnect.backoff.max.ms", "1000");
    Ok(config)
}

/// The minimum time between two reports of the same error, which librdkafka repeats.
const REPEAT_INTERVAL: Duration = Duration::from_secs(5);

/// Logs errors that librdkafka reports asynchronously, such as refused connections.
pub struct Context {
    name: String,
    last: Mutex<Option<(String, Instant)>>,
}

impl Context {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), last: Mutex::default() }
    }

    /// Returns `true` unless this error was logged recently.
    fn is_new(&self, error: &str) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated =
            last.as_ref().is_some_and(|(text, at)| text == error && at.elapsed() < REPEAT_INTERVAL);
        if !repeated {
            *last = Some((error.to_owned(), Instant::now()));
        }
        !repeated
    }
}

impl ClientContext for Context {
    fn error(&self, _: KafkaError, reason: &str) {
        let error = Failure::unavailable(&reason).to_string();
        if self.is_new(&error) {
            let message = format!("[{}] Kafka connection error: {error}", self.name);
            log::error(&message, json!({ "reason": reason }));
        }
    }

    /// Discards librdkafka's own log, which repeats the errors.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ConsumerContext for Context {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(assigned) = rebalance else {
            return;
        };
        let partitions: Vec<_> = assigned
            .elements()
            .iter()
            .map(|element| format!("{}-{}", element.topic(), element.partition()))
            .collect();
        log::info(&format!("[{}] Joined group", self.name), json!({ "partitions": partitions }));
        readiness::set();
    }
}

/// Sends events and waits until the broker has acknowledged them.
pub struct Producer(FutureProducer<Context>);

impl Producer {
    pub fn from_environment(service: &str, name: &str) -> Result<Self, Failure> {
        let timeout = setting::number("SEND_TIMEOUT_MS", 5000);
        let mut config = client_config(service)?;
        // Set for workers that consume from one cluster and send to another.
        if let Some(brokers) = setting::optional("SEND_TO_BROKERS") {
            config.set("bootstrap.servers", brokers);
        }
        let producer = config
            .set("acks", "all")
            .set("message.timeout.ms", timeout.to_string())
            // Limited, so that the reported error is the broker's and not a timeout.
            .set("message.send.max.retries", (timeout / 1000).to_string())
            .create_with_context(Context::new(name))
            .map_err(|error| Failure::error(&error))?;
        Ok(Self(producer))
    }

    /// Sends an event to its topic. Returns the partition and offset.
    pub async fn emit(&self, event: &Event) -> Result<(i32, i64), Failure> {
        let key = event.correlation_id.to_string();
        let headers = event.headers();
        self.send(&event.topic(), key.as_bytes(), event.to_json().as_bytes(), &headers).await
    }

    pub async fn send(
        &self,
        topic: &str,
        key: &[u8],
        value: &[u8],
        headers: &[(&str, String)],
    ) -> Result<(i32, i64), Failure> {
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });
        let record = FutureRecord::to(topic).key(key).payload(value).headers(headers);
        let record = record.timestamp(clock::now().as_millisecond());
        let delivered = self.0.send(record, Duration::ZERO).await;
        delivered
            .map(|delivery| (delivery.partition, delivery.offset))
            .map_err(|(error, _)| Failure::error(&format!("cannot send to {topic}: {error}")))
    }
}

/// A worker's consumer.
pub type Consumer = StreamConsumer<Context>;

/// Creates a consumer with manual commits.
pub fn consumer(service: &str, name: &str, group: &str) -> Result<Consumer, Failure> {
    readiness::clear();
    let start_at = setting::optional("START_AT").unwrap_or_else(|| "earliest".to_owned());
    let poll_interval = setting::number("MAX_POLL_INTERVAL_MS", 300_000);
    client_config(service)?
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", start_at)
        .set("allow.auto.create.topics", "false")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "1500")
        .set("max.poll.interval.ms", poll_interval.to_string())
        // Detect newly created topics within seconds.
        .set("topic.metadata.refresh.interval.ms", "2000")
        .create_with_context(Context::new(name))
        .map_err(|error| Failure::error(&error))
}
