//! purchase-worker: `PURCHASE_CONFIRMED` becomes a row of `student_course_purchases`.

use serde_json::json;
use uuid::Uuid;

use crate::event::{DEAD_LETTERS, Event, PURCHASE_CREATED};
use crate::failure::Failure;
use crate::worker::{Tools, Work};
use crate::{payment, setting};

pub struct PurchaseWorker {
    /// True: the old order of work, which takes any mark for its own, that of
    /// the emitter too.
    checks_first: bool,
}

impl PurchaseWorker {
    pub fn from_environment() -> Self {
        Self { checks_first: setting::switch("PURCHASE_CHECKS_FIRST", false) }
    }
}

impl Work for PurchaseWorker {
    const NAME: &str = "PurchaseWorker";
    const SERVICE: &str = "purchase-worker";
    const GROUP: &str = "purchase-creation-workers";
    const TOPICS: &[&str] = &["purchase-confirmed"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Event;

    async fn handle(&self, tools: &Tools, event: &Event) -> Result<(), Failure> {
        if self.checks_first && tools.database.marked_by(event).await?.is_some() {
            Self::log("Already processed, skipped", event, &json!({}));
            return Ok(());
        }
        // The purchase itself tells whether this was done before; the row in
        // processed_events does not, as the emitter wrote it before it sent.
        let purchase = match existing(tools, event).await? {
            Some(purchase) => {
                Self::log("Purchase exists", event, &json!({ "purchaseId": purchase }));
                purchase
            }
            None => {
                let purchase = create(tools, event).await?;
                Self::log("Purchase created", event, &json!({ "purchaseId": purchase }));
                purchase
            }
        };
        tools.database.take_over(event, Self::SERVICE, payment::SERVICE).await?;
        Self::log("Event marked as processed", event, &json!({}));
        let payload = event.payload_with(json!({ "purchaseId": purchase }));
        let next = Event::new(PURCHASE_CREATED, event.correlation_id, Self::SERVICE, payload);
        let (partition, offset) = tools.producer.emit(&next).await?;
        Self::log(
            "PURCHASE_CREATED emitted",
            &next,
            &json!({ "topic": next.topic(), "partition": partition, "offset": offset }),
        );
        Ok(())
    }
}

async fn existing(tools: &Tools, event: &Event) -> Result<Option<Uuid>, Failure> {
    let query = "SELECT id FROM student_course_purchases WHERE metadata->>'paymentId' = $1";
    let payment = event.correlation_id.to_string();
    let row = tools.database.client().await?.query_opt(query, &[&payment]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Writes the purchase; an active one of the same course is replaced by it.
async fn create(tools: &Tools, event: &Event) -> Result<Uuid, Failure> {
    let (student, course) = (event.id("studentId")?, event.id("courseId")?);
    let tier = event.payload["tier"].as_i64().and_then(|tier| i32::try_from(tier).ok());
    let metadata = json!({ "paymentId": event.correlation_id });
    let mut client = tools.database.client().await?;
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
