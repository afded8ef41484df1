//! The service's clock, which can be set wrong.

use jiff::{SignedDuration, Timestamp};

use crate::setting;

/// What the service takes for now: `CLOCK_AHEAD_S` seconds (negative: behind) off.
pub fn now() -> Timestamp {
    let ahead = setting::optional("CLOCK_AHEAD_S").and_then(|ahead| ahead.parse().ok()).unwrap_or(0);
    let now = Timestamp::now();
    now.checked_add(SignedDuration::from_secs(ahead)).unwrap_or(now)
}
