//! The main loop of all Kafka workers: consume, retry, send to the dead letter queue, and
//! only then commit.

use std::time::Duration;

use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::database::Database;
use crate::failure::Failure;
use crate::kafka::{self, Producer};
use crate::{log, setting};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// The pause between attempts to reach an unavailable system.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(1);

static STOPPING: Notify = Notify::const_new();

/// Stops this process's worker after its current record. Stopping between a mark and
/// the event emitted after it would lose the event.
pub fn stop() {
    STOPPING.notify_one();
}

/// Waits until this process is asked to stop.
pub async fn stopping() {
    STOPPING.notified().await;
}

/// The clients that a worker uses.
pub struct Clients {
    pub database: Database,
    pub producer: Producer,
}

/// An event of a pipeline, as the main loop sees it.
pub trait PipelineEvent: Sized {
    /// The name of the id field in log records. The id is the record's key.
    const ID: &str;

    fn from_record(record: &BorrowedMessage<'_>) -> Result<Self, Failure>;

    /// Returns the fields that identify the event in log records.
    fn log_fields(&self) -> Value;
}

/// A kind of worker.
pub trait Worker {
    /// The name in log records.
    const NAME: &str;
    /// The name in Compose and in marks.
    const SERVICE: &str;
    const GROUP: &str;
    const TOPICS: &[&str];
    /// The topic for events that the worker gives up on. Without one, the worker retries
    /// forever.
    const DEAD_LETTERS: Option<&str>;
    type Event: PipelineEvent;

    /// Handles an event. Must be idempotent.
    async fn handle(&self, clients: &Clients, event: &Self::Event) -> Result<(), Failure>;

    /// Logs a message with the worker's name and the event's fields.
    fn log(message: &str, event: &Self::Event, more: &Value) {
        log::info(&format!("[{}] {message}", Self::NAME), merged(event.log_fields(), more));
    }
}

/// Runs a worker until the process is asked to stop.
pub async fn run<W: Worker>(worker: W) -> Result<(), Failure> {
    let clients = Clients {
        database: Database::from_environment(W::SERVICE)?,
        producer: Producer::from_environment(W::SERVICE, W::NAME)?,
    };
    let group = setting::optional("GROUP_ID").unwrap_or_else(|| W::GROUP.to_owned());
    let topics = setting::optional("TOPICS").unwrap_or_else(|| W::TOPICS.join(","));
    let topics: Vec<&str> = topics.split(',').collect();
    let consumer = kafka::consumer(W::SERVICE, W::NAME, &group)?;
    let from_beginning = setting::optional("START_AT").is_none_or(|at| at == "earliest");
    log::info(
        &format!("[{}] Started", W::NAME),
        json!({ "groupId": group, "topics": topics, "fromBeginning": from_beginning }),
    );
    consumer.subscribe(&topics).map_err(|error| Failure::error(&error))?;
    clients.database.check_connection().await;
    loop {
        let record = tokio::select! {
            record = consumer.recv() => record,
            () = stopping() => return Ok(()),
        };
        match record {
            Ok(record) => {
                process(&worker, &clients, &record).await;
                // A lost commit is harmless, as handling an event is idempotent.
                if let Err(error) = consumer.commit_message(&record, CommitMode::Async) {
                    log_failure::<W>("Commit failed", &Failure::unavailable(&error), &json!({}));
                }
            }
            Err(error) => {
                log_failure::<W>("Consumer error", &Failure::unavailable(&error), &json!({}));
                tokio::time::sleep(UNAVAILABLE_PAUSE).await;
            }
        }
    }
}

/// Retries until the record is handled or sent to the dead letter queue.
async fn process<W: Worker>(worker: &W, clients: &Clients, record: &BorrowedMessage<'_>) {
    let dead_letters = W::DEAD_LETTERS.filter(|_| setting::switch("DEAD_LETTERS", true));
    let mut attempt = 0;
    loop {
        let Err(failure) = handle(worker, clients, record).await else {
            return;
        };
        if failure.is_unavailable() {
            log_failure::<W>("Waiting", &failure, &position::<W>(record));
            tokio::time::sleep(UNAVAILABLE_PAUSE).await;
            continue;
        }
        attempt += 1;
        let title = format!("Attempt {attempt} of {ATTEMPTS} failed");
        log_failure::<W>(&title, &failure, &position::<W>(record));
        if let Some(topic) = dead_letters.filter(|_| attempt >= ATTEMPTS) {
            match send_dead_letter::<W>(clients, record, topic, &failure).await {
                Ok(()) => return,
                Err(failure) => log_failure::<W>("Dead letter", &failure, &position::<W>(record)),
            }
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt.min(ATTEMPTS) - 1)).await;
    }
}

async fn handle<W: Worker>(
    worker: &W,
    clients: &Clients,
    record: &BorrowedMessage<'_>,
) -> Result<(), Failure> {
    let event = W::Event::from_record(record)?;
    W::log("Event received", &event, &position::<W>(record));
    worker.handle(clients, &event).await
}

/// Sends the unchanged record to the dead letter topic, with the reason in its headers.
async fn send_dead_letter<W: Worker>(
    clients: &Clients,
    record: &BorrowedMessage<'_>,
    topic: &str,
    failure: &Failure,
) -> Result<(), Failure> {
    let mut headers: Vec<(&str, String)> = record
        .headers()
        .into_iter()
        .flat_map(Headers::iter)
        .map(|header| (header.key, String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned()))
        .collect();
    headers.extend([
        ("error", failure.to_string()),
        ("failedBy", W::SERVICE.to_owned()),
        ("attempts", ATTEMPTS.to_string()),
        ("originalTopic", record.topic().to_owned()),
        ("originalPartition", record.partition().to_string()),
        ("originalOffset", record.offset().to_string()),
    ]);
    let key = record.key().unwrap_or_default();
    let value = record.payload().unwrap_or_default();
    clients.producer.send(topic, key, value, &headers).await?;
    let title = format!("Sent to {topic} after {ATTEMPTS} attempts");
    log_failure::<W>(&title, failure, &position::<W>(record));
    Ok(())
}

fn log_failure<W: Worker>(title: &str, failure: &Failure, more: &Value) {
    let meta = merged(failure.meta(), more);
    log::error(&format!("[{}] {title}: {failure}", W::NAME), meta);
}

/// Returns a record's position and its key, which is the event's id.
fn position<W: Worker>(record: &BorrowedMessage<'_>) -> Value {
    json!({
        W::Event::ID: String::from_utf8_lossy(record.key().unwrap_or_default()),
        "topic": record.topic(),
        "partition": record.partition(),
        "offset": record.offset(),
    })
}

fn merged(mut meta: Value, more: &Value) -> Value {
    if let (Some(meta), Some(more)) = (meta.as_object_mut(), more.as_object()) {
        meta.extend(more.clone());
    }
    meta
}
