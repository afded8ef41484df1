//! PostgreSQL (stub).
use super::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Docker, Event, Postgres, Seen};
use tokio::sync::watch;
use tokio::time::Instant;

/// Stub. `docker`: `None` if the engine has not answered in time.
pub async fn look(
    _config: &Config,
    _docker: Option<&(Seen<Docker>, Discovered)>,
    _until: Instant,
    _tell_event: &watch::Sender<Option<Seen<Event>>>,
) -> Seen<Postgres> {
    Seen::not_asked("stub")
}
