//! cache-worker: consumes two topics and only logs the events.

use serde_json::json;

use crate::event::{DEAD_LETTERS, Event, PURCHASE_CREATED};
use crate::failure::Failure;
use crate::setting;
use crate::worker::{Clients, Worker};

pub struct CacheWorker {
    /// If true, marks the events as processed, so that their real owner skips them.
    marks_events: bool,
}

impl CacheWorker {
    pub fn from_environment() -> Self {
        Self { marks_events: setting::switch("CACHE_MARKS_EVENTS", false) }
    }
}

impl Worker for CacheWorker {
    const NAME: &str = "CacheWorker";
    const SERVICE: &str = "cache-worker";
    const GROUP: &str = "cache-invalidation-workers";
    const TOPICS: &[&str] = &["purchase-created", "trainer-allocated"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Event;

    async fn handle(&self, clients: &Clients, event: &Event) -> Result<(), Failure> {
        Self::log("Cache invalidated", event, &json!({}));
        if self.marks_events && event.event_type == PURCHASE_CREATED {
            clients.database.mark(event, Self::SERVICE).await?;
            Self::log("Event marked as processed", event, &json!({}));
        }
        Ok(())
    }
}
