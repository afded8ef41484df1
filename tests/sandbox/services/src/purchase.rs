//! purchase-worker: handles `PURCHASE_CONFIRMED` and writes a row to
//! `student_course_purchases`.

use serde_json::json;
use uuid::Uuid;

use crate::event::{DEAD_LETTERS, Event, PURCHASE_CREATED};
use crate::failure::Failure;
use crate::worker::{Clients, Worker};
use crate::{payment, setting};

pub struct PurchaseWorker {
    /// If true, skips events with any mark, including the emitter's, like the old version.
    checks_first: bool,
}

impl PurchaseWorker {
    pub fn from_environment() -> Self {
        Self { checks_first: setting::switch("PURCHASE_CHECKS_FIRST", false) }
    }
}

impl Worker for PurchaseWorker {
    const NAME: &str = "PurchaseWorker";
    const SERVICE: &str = "purchase-worker";
    const GROUP: &str = "purchase-creation-workers";
    const TOPICS: &[&str] = &["purchase-confirmed"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Event;

    async fn handle(&self, clients: &Clients, event: &Event) -> Result<(), Failure> {
        if self.checks_first && clients.database.marked_by(event).await?.is_some() {
            Self::log("Already processed, skipped", event, &json!({}));
            return Ok(());
        }
        // An existing purchase shows that the event was handled before. The row in
        // processed_events does not, as the emitter writes it before sending the event.
        let purchase = match existing(clients, event).await? {
            Some(purchase) => {
                Self::log("Purchase exists", event, &json!({ "purchaseId": purchase }));
                purchase
            }
            None => {
                let purchase = create(clients, event).await?;
                Self::log("Purchase created", event, &json!({ "purchaseId": purchase }));
                purchase
            }
        };
        clients.database.take_over(event, Self::SERVICE, payment::SERVICE).await?;
        Self::log("Event marked as processed", event, &json!({}));
        let payload = event.payload_with(json!({ "purchaseId": purchase }));
        let next = Event::new(PURCHASE_CREATED, event.correlation_id, Self::SERVICE, payload);
        let (partition, offset) = clients.producer.emit(&next).await?;
        Self::log(
            "PURCHASE_CREATED emitted",
            &next,
            &json!({ "topic": next.topic(), "partition": partition, "offset": offset }),
        );
        Ok(())
    }
}

async fn existing(clients: &Clients, event: &Event) -> Result<Option<Uuid>, Failure> {
    let query = "SELECT id FROM student_course_purchases WHERE metadata->>'paymentId' = $1";
    let payment = event.correlation_id.to_string();
    let row = clients.database.client().await?.query_opt(query, &[&payment]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Writes the purchase, which replaces an active one for the same course.
async fn create(clients: &Clients, event: &Event) -> Result<Uuid, Failure> {
    let (student, course) = (event.id("studentId")?, event.id("courseId")?);
    let tier = event.payload["tier"].as_i64().and_then(|tier| i32::try_from(tier).ok());
    let metadata = json!({ "paymentId": event.correlation_id });
    let mut client = clients.database.client().await?;
    let transaction = client.transaction().await?;
    transaction
        .execute(
            "UPDATE student_course_purchases SET is_active = false
             WHERE student_id = $1 AND course_id = $2 AND is_active",
            &[&student, &course],
        )
        .await?;
    let row = transaction
        .query_one(
            "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, metadata)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (student_id, course_id) WHERE is_active
                 DO UPDATE SET metadata = excluded.metadata
             RETURNING id",
            &[&student, &course, &tier.unwrap_or(10), &metadata],
        )
        .await?;
    transaction.commit().await?;
    Ok(row.get(0))
}
