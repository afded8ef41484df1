//! Queries on allocations and on `processed_events`, which all services of the purchase
//! pipeline share.

use uuid::Uuid;

use crate::database::Database;
use crate::event::{Event, VERSION};
use crate::failure::Failure;

impl Database {
    /// Returns the service that marked the event as processed, if any.
    pub async fn marked_by(&self, event: &Event) -> Result<Option<String>, Failure> {
        let row = self
            .client()
            .await?
            .query_opt(
                "SELECT source FROM processed_events WHERE correlation_id::text = $1::uuid::text AND event_type = $2",
                &[&event.correlation_id, &event.event_type],
            )
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Marks the event as processed by `source`, unless it is already marked.
    pub async fn mark(&self, event: &Event, source: &str) -> Result<(), Failure> {
        self.take_over(event, source, "").await
    }

    /// Like `mark`, but also replaces a mark by `owner` with one by `source`.
    pub async fn take_over(&self, event: &Event, source: &str, owner: &str) -> Result<(), Failure> {
        self.client()
            .await?
            .execute(
                "INSERT INTO processed_events
                     (event_id, event_type, correlation_id, payload, source, version)
                 VALUES ($1, $2, $3::uuid, $4, $5, $6)
                 ON CONFLICT (correlation_id, event_type) DO UPDATE
                     SET source = excluded.source, processed_at = now()
                     WHERE processed_events.source = $7",
                &[
                    &event.event_id,
                    &event.event_type,
                    &event.correlation_id,
                    &event.payload,
                    &source,
                    &VERSION,
                    &owner,
                ],
            )
            .await?;
        Ok(())
    }

    /// Returns the status of an allocation, or `None` if it does not exist.
    pub async fn allocation_status(&self, id: Uuid) -> Result<Option<String>, Failure> {
        let query = "SELECT status FROM trainer_allocations WHERE id = $1";
        let row = self.client().await?.query_opt(query, &[&id]).await?;
        Ok(row.map(|row| row.get(0)))
    }
}
