//! Waiting, each time with an end.

use crate::evidence::{Why, WhyKind};
use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use tokio::time::{Duration, Instant};

/// By how much clocks may differ, although nobody knows: records and logs are
/// read from so long before the event on.
pub(crate) const CLOCKS: SignedDuration = SignedDuration::from_secs(60);

/// Now, in whole milliseconds: as exact as the report ever shows it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The outcome of `work`, or "no answer from WHO in N s" at the deadline. The
/// work is dropped then: it must not block in its destructor.
pub async fn in_time<T>(
    who: &str,
    until: Instant,
    work: impl Future<Output = Result<T, Why>>,
) -> Result<T, Why> {
    let start = Instant::now();
    match tokio::time::timeout_at(until, work).await {
        Ok(result) => result,
        Err(_) => Err(no_answer(who, start.elapsed())),
    }
}

/// "no answer from WHO in N s".
pub fn no_answer(who: &str, waited: Duration) -> Why {
    let waited = waited.as_secs_f64();
    Why::new(WhyKind::NoAnswer, format!("no answer from {who} in {waited:.1} s"))
}
