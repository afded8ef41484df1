//! Kafka (stub).
use super::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Docker, Kafka, Seen};
use tokio::time::Instant;

/// Stub. `docker`: `None` if the engine has not answered in time.
pub async fn look(
    _config: &Config,
    _docker: Option<&(Seen<Docker>, Discovered)>,
    _until: Instant,
) -> Seen<Kafka> {
    Seen::not_asked("stub")
}
