//! What all workers do: consume, try, try again, give up to the dead letter
//! queue, and only then commit.

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
/// Between attempts to reach what is away.
const AWAY_PAUSE: Duration = Duration::from_secs(1);

static STOPPING: Notify = Notify::const_new();

/// Makes the worker of this process end once it is done with its record: between
/// a mark and what is emitted after it, an end loses the event.
pub fn stop() {
    STOPPING.notify_one();
}

/// Returns when this process is told to end.
pub async fn stopping() {
    STOPPING.notified().await;
}

/// What a worker works with.
pub struct Tools {
    pub database: Database,
    pub producer: Producer,
}

/// The events of a pipeline, as far as the loop has to know them.
pub trait Travels: Sized {
    /// What log records call the id, which is the key of the event's record.
    const ID: &str;

    fn read(record: &BorrowedMessage<'_>) -> Result<Self, Failure>;

    /// What every log record about an event says of it.
    fn about(&self) -> Value;
}

/// One kind of worker.
pub trait Work {
    /// As its log records name it.
    const NAME: &str;
    /// As compose and the marks name it.
    const SERVICE: &str;
    const GROUP: &str;
    const TOPICS: &[&str];
    /// Where it sends what it gives up. Without one it tries for ever.
    const DEAD_LETTERS: Option<&str>;
    type Event: Travels;

    /// Does the work that an event asks for. Must bear being called again.
    async fn handle(&self, tools: &Tools, event: &Self::Event) -> Result<(), Failure>;

    /// Logs under the worker's name, and says which event it is about.
    fn log(message: &str, event: &Self::Event, more: &Value) {
        log::info(&format!("[{}] {message}", Self::NAME), merged(event.about(), more));
    }
}

/// Runs a worker for ever.
pub async fn run<W: Work>(work: W) -> Result<(), Failure> {
    let tools = Tools {
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
    consumer.subscribe(&topics).map_err(|error| Failure::refused(&error))?;
    tools.database.greet().await;
    loop {
        let record = tokio::select! {
            record = consumer.recv() => record,
            () = stopping() => return Ok(()),
        };
        match record {
            Ok(record) => {
                process(&work, &tools, &record).await;
                // Lost commits are harmless: the work bears being done again.
                if let Err(error) = consumer.commit_message(&record, CommitMode::Async) {
                    log_failure::<W>("Commit failed", &Failure::away(&error), &json!({}));
                }
            }
            Err(error) => {
                log_failure::<W>("Consumer error", &Failure::away(&error), &json!({}));
                tokio::time::sleep(AWAY_PAUSE).await;
            }
        }
    }
}

/// Returns when the record is done with: handled, or a dead letter.
async fn process<W: Work>(work: &W, tools: &Tools, record: &BorrowedMessage<'_>) {
    let dead_letters = W::DEAD_LETTERS.filter(|_| setting::switch("DEAD_LETTERS", true));
    let mut attempt = 0;
    loop {
        let Err(failure) = handle(work, tools, record).await else {
            return;
        };
        if failure.is_away() {
            log_failure::<W>("Waiting", &failure, &position::<W>(record));
            tokio::time::sleep(AWAY_PAUSE).await;
            continue;
        }
        attempt += 1;
        let title = format!("Attempt {attempt} of {ATTEMPTS} failed");
        log_failure::<W>(&title, &failure, &position::<W>(record));
        if let Some(topic) = dead_letters.filter(|_| attempt >= ATTEMPTS) {
            match bury::<W>(tools, record, topic, &failure).await {
                Ok(()) => return,
                Err(failure) => log_failure::<W>("Dead letter", &failure, &position::<W>(record)),
            }
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt.min(ATTEMPTS) - 1)).await;
    }
}

async fn handle<W: Work>(work: &W, tools: &Tools, record: &BorrowedMessage<'_>) -> Result<(), Failure> {
    let event = W::Event::read(record)?;
    W::log("Event received", &event, &position::<W>(record));
    work.handle(tools, &event).await
}

/// Sends the record as it is to the topic of dead letters, with the reason in headers.
async fn bury<W: Work>(
    tools: &Tools,
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
    tools.producer.send(topic, key, value, &headers).await?;
    let title = format!("Sent to {topic} after {ATTEMPTS} attempts");
    log_failure::<W>(&title, failure, &position::<W>(record));
    Ok(())
}

fn log_failure<W: Work>(title: &str, failure: &Failure, more: &Value) {
    let meta = merged(failure.meta(), more);
    log::error(&format!("[{}] {title}: {failure}", W::NAME), meta);
}

/// Where a record is, and its key, which is the event's id.
fn position<W: Work>(record: &BorrowedMessage<'_>) -> Value {
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
