//! Events about a signup, as JSON documents in the style of CloudEvents with the signup as
//! the subject, and the table that records which service has handled them.

use rdkafka::Message as _;
use rdkafka::message::BorrowedMessage;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;

use super::ulid;
use crate::clock;
use crate::failure::Failure;
use crate::kafka::Producer;
use crate::worker::PipelineEvent;

pub const SIGNUP_REQUESTED: &str = "signup-requested";
pub const IDENTITY_CHECKED: &str = "identity-checked";
pub const CREDIT_CHECKED: &str = "credit-checked";

pub struct Notice {
    pub id: String,
    /// The event type, which is also the topic.
    pub kind: String,
    pub signup: String,
    pub source: String,
    pub data: Value,
}

impl Notice {
    pub fn new(kind: &str, signup: &str, source: &str, data: Value) -> Self {
        Self {
            id: ulid::new(),
            kind: kind.to_owned(),
            signup: signup.to_owned(),
            source: source.to_owned(),
            data,
        }
    }

    pub async fn send(&self, producer: &Producer) -> Result<(i32, i64), Failure> {
        let value = json!({
            "specversion": "1.0", "id": self.id, "type": self.kind, "source": self.source,
            "subject": self.signup, "time": clock::now().to_string(), "data": self.data,
        });
        let headers = [("content-type", "application/cloudevents+json".to_owned())];
        let value = value.to_string();
        producer.send(&self.kind, self.signup.as_bytes(), value.as_bytes(), &headers).await
    }

    /// Reports whether `handler` has handled the event before.
    pub async fn is_handled(&self, client: &impl GenericClient, handler: &str) -> Result<bool, Failure> {
        let query = "SELECT FROM handled_events WHERE event_id = $1 AND handler = $2";
        Ok(client.query_opt(query, &[&self.id, &handler]).await?.is_some())
    }

    pub async fn mark(&self, client: &impl GenericClient, handler: &str) -> Result<(), Failure> {
        let insert = "INSERT INTO handled_events (signup_id, event_id, event_type, handler)
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        client.execute(insert, &[&self.signup, &self.id, &self.kind, &handler]).await?;
        Ok(())
    }
}

impl PipelineEvent for Notice {
    const ID: &str = "signup";

    fn from_record(record: &BorrowedMessage<'_>) -> Result<Self, Failure> {
        let bad = |what: &dyn std::fmt::Display| Failure::error(&format!("cannot parse the event: {what}"));
        let value: Value =
            serde_json::from_slice(record.payload().unwrap_or_default()).map_err(|error| bad(&error))?;
        let text = |field: &str| {
            let found = value[field].as_str();
            found.map(str::to_owned).ok_or_else(|| bad(&format!("no {field}")))
        };
        Ok(Self {
            id: text("id")?,
            kind: text("type")?,
            signup: text("subject")?,
            source: text("source")?,
            data: value["data"].clone(),
        })
    }

    fn log_fields(&self) -> Value {
        json!({ "signup": self.signup, "event": self.id, "type": self.kind })
    }
}
