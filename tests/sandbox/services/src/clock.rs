//! The service's clock, which can be wrong on purpose.

use jiff::{SignedDuration, Timestamp};

use crate::setting;

/// Returns the current time plus `CLOCK_AHEAD_S` seconds, which may be negative.
pub fn now() -> Timestamp {
    let ahead = setting::optional("CLOCK_AHEAD_S").and_then(|ahead| ahead.parse().ok()).unwrap_or(0);
    let now = Timestamp::now();
    now.checked_add(SignedDuration::from_secs(ahead)).unwrap_or(now)
}
