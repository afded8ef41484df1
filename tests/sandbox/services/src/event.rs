//! Events of the purchase pipeline: a key, five headers, and a JSON value that repeats them.

use rdkafka::Message as _;
use rdkafka::message::BorrowedMessage;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock;
use crate::failure::Failure;
use crate::worker::PipelineEvent;

pub const PURCHASE_CONFIRMED: &str = "PURCHASE_CONFIRMED";
pub const PURCHASE_CREATED: &str = "PURCHASE_CREATED";
pub const TRAINER_ALLOCATED: &str = "TRAINER_ALLOCATED";
/// The topic for events that workers give up on.
pub const DEAD_LETTERS: &str = "dead-letter-queue";
pub const VERSION: &str = "1.0.0";

/// An event. Its correlation id is the id of the original payment.
#[derive(Debug, Clone)]
pub struct Event {
    pub event_type: String,
    pub event_id: String,
    pub correlation_id: Uuid,
    pub source: String,
    pub payload: Value,
}

impl Event {
    pub fn new(event_type: &str, correlation_id: Uuid, source: &str, payload: Value) -> Self {
        let prefix = event_type.to_lowercase().replace('_', "-");
        Self {
            event_type: event_type.to_owned(),
            // Deterministic, so that emitting an event twice is harmless.
            event_id: format!("{prefix}-{correlation_id}"),
            correlation_id,
            source: source.to_owned(),
            payload,
        }
    }

    /// Returns the event's topic, which is named after the event type.
    pub fn topic(&self) -> String {
        self.event_type.to_lowercase().replace('_', "-")
    }

    pub fn headers(&self) -> [(&'static str, String); 5] {
        [
            ("eventId", self.event_id.clone()),
            ("correlationId", self.correlation_id.to_string()),
            ("eventType", self.event_type.clone()),
            ("source", self.source.clone()),
            ("version", VERSION.to_owned()),
        ]
    }

    pub fn to_json(&self) -> String {
        json!({
            "type": self.event_type,
            "payload": self.payload,
            "_metadata": {
                "eventId": self.event_id,
                "correlationId": self.correlation_id,
                "timestamp": clock::now().to_string(),
                "source": self.source,
                "version": VERSION,
            },
        })
        .to_string()
    }

    pub fn parse(value: &[u8]) -> Result<Self, Failure> {
        let bad = |what: &dyn std::fmt::Display| Failure::error(&format!("cannot parse the event: {what}"));
        let value: Value = serde_json::from_slice(value).map_err(|error| bad(&error))?;
        let text = |path: &str| {
            let found = value.pointer(path).and_then(Value::as_str);
            found.map(str::to_owned).ok_or_else(|| bad(&format!("no {path}")))
        };
        Ok(Self {
            event_type: text("/type")?,
            event_id: text("/_metadata/eventId")?,
            correlation_id: text("/_metadata/correlationId")?
                .parse()
                .map_err(|error: uuid::Error| bad(&error))?,
            source: text("/_metadata/source")?,
            payload: value.get("payload").cloned().unwrap_or_default(),
        })
    }

    /// Returns an id from the payload.
    pub fn id(&self, field: &str) -> Result<Uuid, Failure> {
        self.payload[field]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Failure::error(&format!("{} has no {field} in its payload", self.event_type)))
    }

    /// Returns the payload with additional fields.
    pub fn payload_with(&self, fields: Value) -> Value {
        let mut payload = self.payload.clone();
        if let (Some(payload), Value::Object(fields)) = (payload.as_object_mut(), fields) {
            payload.extend(fields);
        }
        payload
    }
}

impl PipelineEvent for Event {
    const ID: &str = "correlationId";

    fn from_record(record: &BorrowedMessage<'_>) -> Result<Self, Failure> {
        Self::parse(record.payload().unwrap_or_default())
    }

    fn log_fields(&self) -> Value {
        json!({
            "correlationId": self.correlation_id,
            "eventId": self.event_id,
            "eventType": self.event_type,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_its_own_json() {
        let id = Uuid::new_v4();
        let sent = Event::new(PURCHASE_CREATED, id, "purchase-worker", json!({ "studentId": id }));
        let received = Event::parse(sent.to_json().as_bytes()).expect("its own JSON");
        assert_eq!(received.topic(), "purchase-created");
        assert_eq!(received.event_id, format!("purchase-created-{id}"));
        assert_eq!(received.id("studentId").expect("in the payload"), id);
    }

    #[test]
    fn rejects_invalid_json() {
        let failure = Event::parse(b"\xff\x00").expect_err("not JSON");
        assert!(failure.to_string().starts_with("cannot parse the event"), "{failure}");
    }
}
