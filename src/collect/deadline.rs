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

/// A healthy system may need this long to answer, so silence for a shorter time says nothing.
const MIN_WAIT: Duration = Duration::from_millis(500);

/// Returns the reason "no answer from PEER in N s", or "too little time" if the wait was too
/// short to tell whether the peer answers.
pub fn no_answer(peer: &str, waited: Duration) -> Reason {
    if waited < MIN_WAIT {
        let message = format!("too little time for {peer}: waited only {} ms", waited.as_millis());
        return Reason::new(ReasonKind::TooLittleTime, message);
    }
    let waited = waited.as_secs_f64();
    Reason::new(ReasonKind::NoAnswer, format!("no answer from {peer} in {waited:.1} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_silence_is_too_little_time() {
        let short = no_answer("db:5432", Duration::from_millis(9));
        assert_eq!(short.kind, ReasonKind::TooLittleTime);
        assert_eq!(short.message, "too little time for db:5432: waited only 9 ms");
        assert!(!short.is_unreachable());
        let long = no_answer("db:5432", Duration::from_millis(1500));
        assert_eq!(long, Reason::new(ReasonKind::NoAnswer, "no answer from db:5432 in 1.5 s"));
        assert!(long.is_unreachable());
    }
}
