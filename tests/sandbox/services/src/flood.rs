//! flood: fills a topic with many records of unrelated events.

use clap::Args;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use uuid::Uuid;

use crate::event::{Event, PURCHASE_CREATED};
use crate::failure::Failure;
use crate::kafka;

/// The number of records sent before waiting for their delivery.
const BATCH: u64 = 20_000;

#[derive(Args)]
pub struct Arguments {
    /// The topic
    topic: String,
    /// The number of records
    count: u64,
    /// One of none, gzip, snappy, lz4, zstd
    #[arg(long, default_value = "none")]
    compression: String,
    /// The id of the first record; random by default
    #[arg(long)]
    id: Option<Uuid>,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let producer: FutureProducer = kafka::client_config("flood")?
        .set("compression.type", &arguments.compression)
        .set("queue.buffering.max.messages", "100000")
        .set("linger.ms", "20")
        .create()
        .map_err(|error| Failure::error(&error))?;
    let mut left = arguments.count;
    let mut first = arguments.id;
    while left > 0 {
        let batch = left.min(BATCH);
        let mut deliveries = Vec::new();
        for _ in 0..batch {
            let id = first.take().unwrap_or_else(Uuid::new_v4);
            let event = Event::new(PURCHASE_CREATED, id, "flood", json!({ "studentId": id }));
            let (key, value) = (id.to_string(), event.to_json());
            let record = FutureRecord::to(&arguments.topic).key(&key).payload(&value);
            let delivery = producer.send_result(record).map_err(|(error, _)| Failure::error(&error))?;
            deliveries.push(delivery);
        }
        for delivery in deliveries {
            let delivered = delivery.await.map_err(|error| Failure::error(&error))?;
            delivered.map_err(|(error, _)| Failure::error(&error))?;
        }
        left -= batch;
    }
    eprintln!("flood: {} records on {}", arguments.count, arguments.topic);
    Ok(())
}
