//! The shop's events, with metadata in the headers and data in the value, and the table that
//! records which service has handled them.

use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::kafka::Producer;
use crate::worker::{Clients, PipelineEvent};

pub const DEAD_LETTERS: &str = "shop.dead-letters";

pub struct Message {
    pub order_no: String,
    pub message_id: String,
    pub kind: String,
    pub body: Value,
}

impl Message {
    pub async fn send(&self, producer: &Producer, topic: &str) -> Result<(i32, i64), Failure> {
        let headers = [
            ("message-id", self.message_id.clone()),
            ("kind", self.kind.clone()),
            ("content-type", "application/json".to_owned()),
        ];
        producer.send(topic, self.order_no.as_bytes(), self.body.to_string().as_bytes(), &headers).await
    }

    /// Reports whether `handler` has handled the event before.
    pub async fn is_handled(&self, clients: &Clients, handler: &str) -> Result<bool, Failure> {
        let query = "SELECT FROM logistics.handled WHERE message_id = $1 AND handler = $2";
        let row = clients.database.client().await?.query_opt(query, &[&self.message_id, &handler]).await?;
        Ok(row.is_some())
    }

    pub async fn mark(&self, clients: &Clients, handler: &str) -> Result<(), Failure> {
        let insert = "INSERT INTO logistics.handled (order_no, message_id, kind, handler)
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&self.order_no, &self.message_id, &self.kind, &handler];
        clients.database.client().await?.execute(insert, &values).await?;
        Ok(())
    }
}

impl PipelineEvent for Message {
    const ID: &str = "orderNo";

    fn from_record(record: &BorrowedMessage<'_>) -> Result<Self, Failure> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let header = |name: &str| {
            let mut headers = record.headers().into_iter().flat_map(Headers::iter);
            let value = headers.find(|header| header.key == name).and_then(|header| header.value);
            value
                .map(text)
                .ok_or_else(|| Failure::error(&format!("cannot parse the event: no header {name}")))
        };
        let body = serde_json::from_slice(record.payload().unwrap_or_default())
            .map_err(|error| Failure::error(&format!("cannot parse the event: {error}")))?;
        Ok(Self {
            order_no: text(record.key().unwrap_or_default()),
            message_id: header("message-id")?,
            kind: header("kind")?,
            body,
        })
    }

    fn log_fields(&self) -> Value {
        json!({ "orderNo": self.order_no, "messageId": self.message_id, "kind": self.kind })
    }
}
