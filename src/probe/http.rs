//! HTTP services (stub).
use super::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Docker, Event, Http, Seen};
use tokio::time::Instant;

/// Stub. `docker`, `event`: `None` if not known in time.
pub async fn look(
    _config: &Config,
    _docker: Option<&(Seen<Docker>, Discovered)>,
    _event: Option<&Seen<Event>>,
    _until: Instant,
) -> Seen<Http> {
    Seen::not_asked("stub")
}
