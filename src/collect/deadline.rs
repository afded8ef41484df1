//! Deadlines and timeouts for requests to outside systems.

use crate::evidence::{Reason, ReasonKind};
use std::future::Future;
use tokio::time::{Duration, Instant};

/// Returns the outcome of `work`, or "no answer from PEER in N s" at the deadline. At the
/// deadline, `work` is dropped, so its destructor must not block.
pub async fn with_deadline<T>(
    peer: &str,
    until: Instant,
    work: impl Future<Output = Result<T, Reason>>,
) -> Result<T, Reason> {
    let start = Instant::now();
    match tokio::time::timeout_at(until, work).await {
        Ok(result) => result,
        Err(_) => Err(no_answer(peer, start.elapsed())),
    }
}

/// Returns the reason "no answer from PEER in N s".
pub fn no_answer(peer: &str, waited: Duration) -> Reason {
    let waited = waited.as_secs_f64();
    Reason::new(ReasonKind::NoAnswer, format!("no answer from {peer} in {waited:.1} s"))
}
