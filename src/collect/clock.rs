//! The current time, and how far before an event its records and logs are read.

use jiff::{SignedDuration, Timestamp};

/// The assumed clock difference between hosts. Records and logs are read from this long
/// before the event.
pub(crate) const LOOK_BACK: SignedDuration = SignedDuration::from_secs(60);

/// Returns the current time in whole milliseconds, the precision of the report.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
