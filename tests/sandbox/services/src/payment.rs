//! payment-service: accepts a payment, records its event, then sends it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::database::Database;
use crate::event::{Event, PURCHASE_CONFIRMED};
use crate::failure::Failure;
use crate::http::{self, Answer, refusal};
use crate::kafka::Producer;
use crate::worker::PipelineEvent;
use crate::{log, setting};

pub const SERVICE: &str = "payment-service";
pub const PORT: u16 = 3007;

struct PaymentService {
    database: Database,
    producer: Producer,
    /// If false, records events but does not send them.
    emits: bool,
}

/// The request. Missing fields get random or default values.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Order {
    student_id: Option<Uuid>,
    course_id: Option<Uuid>,
    tier: Option<i32>,
}

pub async fn serve() -> Result<(), Failure> {
    let service = PaymentService {
        database: Database::from_environment(SERVICE)?,
        producer: Producer::from_environment(SERVICE, "PaymentService")?,
        emits: setting::switch("PAYMENT_EMITS", true),
    };
    let routes = Router::new().route("/purchases", post(purchase)).with_state(Arc::new(service));
    http::serve(SERVICE, PORT, routes).await
}

async fn purchase(State(service): State<Arc<PaymentService>>, body: Bytes) -> Answer {
    let order = if body.is_empty() { Ok(Order::default()) } else { serde_json::from_slice(&body) };
    let order: Order = match order {
        Ok(order) => order,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let event = order.into_event();
    if let Err(failure) = service.record(&event).await {
        log::error(&format!("Payment failed: {failure}"), failure.meta());
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string());
    }
    let data = json!({ "paymentId": event.correlation_id });
    match service.emit(&event).await {
        Ok(()) => (StatusCode::CREATED, Json(json!({ "success": true, "data": data }))),
        Err(failure) => {
            let message = format!("Failed to emit {PURCHASE_CONFIRMED}: {failure}");
            log::error(&message, event.log_fields());
            let body = json!({ "success": false, "error": failure.to_string(), "data": data });
            (StatusCode::BAD_GATEWAY, Json(body))
        }
    }
}

impl Order {
    /// Creates the event for the paid order.
    fn into_event(self) -> Event {
        let payment = Uuid::new_v4();
        let tier = self.tier.unwrap_or(10);
        let payload = json!({
            "studentId": self.student_id.unwrap_or_else(Uuid::new_v4),
            "courseId": self.course_id.unwrap_or_else(Uuid::new_v4),
            "paymentId": payment,
            "amountCents": tier * 2_500,
            "tier": tier,
        });
        Event::new(PURCHASE_CONFIRMED, payment, SERVICE, payload)
    }
}

impl PaymentService {
    /// Writes the payment and the event's row before the event is sent.
    async fn record(&self, event: &Event) -> Result<(), Failure> {
        let amount = event.payload["amountCents"].as_i64().and_then(|cents| cents.try_into().ok());
        let amount: i32 = amount.unwrap_or_default();
        let (student, course) = (event.id("studentId")?, event.id("courseId")?);
        self.database
            .client()
            .await?
            .execute(
                "INSERT INTO payments (id, student_id, status, amount_cents, metadata)
                 VALUES ($1, $2, 'succeeded', $3, $4)",
                &[&event.correlation_id, &student, &amount, &json!({ "courseId": course })],
            )
            .await?;
        let meta = json!({
            "correlationId": event.correlation_id, "studentId": student, "courseId": course,
            "amountCents": amount,
        });
        log::info("Payment succeeded", meta);
        self.database.mark(event, SERVICE).await
    }

    async fn emit(&self, event: &Event) -> Result<(), Failure> {
        if !self.emits {
            return Ok(());
        }
        log::info(&format!("Emitting {PURCHASE_CONFIRMED}"), event.log_fields());
        let (partition, offset) = self.producer.emit(event).await?;
        let meta = json!({
            "correlationId": event.correlation_id, "eventId": event.event_id,
            "topic": event.topic(), "partition": partition, "offset": offset,
        });
        log::info(&format!("{PURCHASE_CONFIRMED} emitted"), meta);
        Ok(())
    }
}
