//! session-worker: handles `TRAINER_ALLOCATED` and writes rows to `tutoring_sessions`.

use serde_json::json;

use crate::event::{DEAD_LETTERS, Event};
use crate::failure::Failure;
use crate::log;
use crate::worker::{Clients, Worker};

/// The number of sessions, one per week.
const SESSIONS: i32 = 3;

pub struct SessionWorker;

impl Worker for SessionWorker {
    const NAME: &str = "SessionWorker";
    const SERVICE: &str = "session-worker";
    const GROUP: &str = "session-scheduling-workers";
    const TOPICS: &[&str] = &["trainer-allocated"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Event;

    async fn handle(&self, clients: &Clients, event: &Event) -> Result<(), Failure> {
        let allocation = event.id("allocationId")?;
        if let Some(source) = clients.database.marked_by(event).await? {
            Self::log("Event already processed, skipping", event, &json!({ "markedBy": source }));
            return Ok(());
        }
        if clients.database.allocation_status(allocation).await?.is_none() {
            log::warn(
                "[SessionWorker] Allocation not found, nothing to schedule",
                json!({ "correlationId": event.correlation_id, "allocationId": allocation }),
            );
            return Ok(());
        }
        // Avoid duplicates if a previous attempt failed before marking the event.
        let query = "INSERT INTO tutoring_sessions
                (allocation_id, student_id, trainer_id, course_id, scheduled_date)
            SELECT a.id, a.student_id, a.trainer_id, a.course_id, now() + week * interval '7 days'
            FROM trainer_allocations a, generate_series(1, $2) week
            WHERE a.id = $1
            AND NOT EXISTS (SELECT FROM tutoring_sessions s WHERE s.allocation_id = a.id)";
        let client = clients.database.client().await?;
        let count = client.execute(query, &[&allocation, &SESSIONS]).await?;
        drop(client);
        let meta = json!({ "allocationId": allocation, "count": count });
        Self::log("Sessions scheduled", event, &meta);
        clients.database.mark(event, Self::SERVICE).await?;
        Self::log("Event marked as processed", event, &json!({}));
        Ok(())
    }
}
