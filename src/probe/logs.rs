//! Container logs (stub).
use crate::config::Config;
use crate::evidence::{Docker, Event, Log, Name, Seen};
use jiff::Timestamp;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Stub. `docker`, `event`: `None` if not known in time.
pub async fn look(
    _config: &Config,
    _docker: Option<&Seen<Docker>>,
    _event: Option<&Seen<Event>>,
    _taken: Timestamp,
    _until: Instant,
) -> BTreeMap<Name, Seen<Log>> {
    BTreeMap::new()
}
