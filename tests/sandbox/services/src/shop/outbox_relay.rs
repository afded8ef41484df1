//! outbox-relay: sends the outbox rows in order. It consumes no topic, so it has no consumer
//! group.

use serde_json::json;

use super::message::Message;
use crate::database::Database;
use crate::failure::Failure;
use crate::kafka::Producer;
use crate::worker::PipelineEvent as _;
use crate::{log, poll};

const SERVICE: &str = "outbox-relay";
const NAME: &str = "OutboxRelay";
const TOPIC: &str = "orders.placed";

pub async fn run() -> Result<(), Failure> {
    let database = Database::from_environment(SERVICE)?;
    let producer = Producer::from_environment(SERVICE, NAME)?;
    poll::run(NAME, async || send_next(&database, &producer).await).await
}

/// Sends the oldest unsent row. Returns whether there was one.
async fn send_next(database: &Database, producer: &Producer) -> Result<bool, Failure> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    // Lock the row until it is sent, so that two relays do not send the same row.
    let select = "SELECT id, order_no, type, payload FROM sales.outbox
        WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE";
    let Some(row) = transaction.query_opt(select, &[]).await? else { return Ok(false) };
    let id: i64 = row.get(0);
    let message = Message {
        order_no: row.get(1),
        message_id: format!("outbox-{id}"),
        kind: row.get(2),
        body: row.get(3),
    };
    let (partition, offset) = message.send(producer, TOPIC).await?;
    transaction.execute("UPDATE sales.outbox SET sent_at = now() WHERE id = $1", &[&id]).await?;
    transaction.commit().await?;
    let mut meta = message.log_fields();
    meta["record"] = json!(format!("{TOPIC}-{partition}@{offset}"));
    log::info("[OutboxRelay] Sent", meta);
    Ok(true)
}
