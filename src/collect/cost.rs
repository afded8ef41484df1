//! What a run asks of each system, and the log of its requests (`--debug`).

use crate::base::counters::Counters;
use crate::base::secret::redact;
use crate::base::visible_text::visible;
use crate::evidence::{Name, System};
use crate::text::plural;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// What has been counted since the last [`take`].
static COUNTED: Mutex<BTreeMap<Name, Counters>> = Mutex::new(BTreeMap::new());

/// When the log of requests began; not set if there is none.
static LOGGED_SINCE: OnceLock<Instant> = OnceLock::new();

/// Writes each request to stderr from now on.
pub fn log_requests() {
    let _ = LOGGED_SINCE.set(Instant::now());
}

/// A request that has been sent.
pub(crate) struct Sent {
    system: System,
    at: Instant,
}

impl Sent {
    /// Counts a request to a system.
    pub(crate) fn now(system: System) -> Sent {
        Sent { system, at: Instant::now() }
    }

    /// Counts the request with what was received: bytes, and rows, records or lines. `what` names it in the log.
    pub(crate) fn answered(self, (bytes, rows): (u64, u64), what: impl FnOnce() -> String) {
        let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = counted.entry(self.system.name().to_string()).or_default();
        counters.requests += 1;
        counters.bytes += bytes;
        counters.rows += rows;
        drop(counted);
        if let Some(since) = LOGGED_SINCE.get() {
            self.log(*since, (bytes, rows), &what());
        }
    }

    /// Writes one line: when the request was sent, to which system, what it was, how long it took and what came.
    fn log(&self, since: Instant, (bytes, rows): (u64, u64), what: &str) {
        let sent = self.at.saturating_duration_since(since).as_secs_f64();
        let took = self.at.elapsed().as_secs_f64() * 1000.0;
        let rows = if rows == 0 { String::new() } else { format!(", {}", plural::count(rows, "row")) };
        let line = format!(
            "debug: {sent:7.3} s  {:<10}  {took:7.1} ms  {}{rows}  {what}",
            self.system.name(),
            plural::size(bytes)
        );
        // Without a reader, there is nothing to tell.
        let _ = writeln!(std::io::stderr(), "{}", visible(&redact(&line)));
    }
}

/// Returns what has been counted, by the systems' names, and starts again from zero.
pub(crate) fn take() -> BTreeMap<Name, Counters> {
    std::mem::take(&mut *COUNTED.lock().unwrap_or_else(PoisonError::into_inner))
}
