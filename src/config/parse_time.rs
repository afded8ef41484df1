//! Parses durations and points in time given as flags.

use crate::base::error::Mistake;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The longest duration that a flag accepts.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Parses a duration with its unit: `10s`, `24h`, `1500ms`. Rejects zero and durations of
/// more than a year.
pub fn parse_duration(flag: &str, text: &str) -> Result<Duration, Mistake> {
    let invalid = |what: &str| {
        Mistake::new(format!("{flag} {text}"), what)
            .help("expected a duration such as 10s, 5m or 24h, at most one year")
    };
    if text.parse::<f64>().is_ok() {
        return Err(invalid("not a valid duration: the unit is missing"));
    }
    let parsed = text.parse::<SignedDuration>().ok();
    let parsed = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    match parsed {
        None => Err(invalid("not a valid duration")),
        Some(parsed) if parsed.is_zero() => Err(invalid("not a valid duration: zero")),
        Some(parsed) if parsed > MAX_DURATION => Err(invalid("not a valid duration: too long")),
        Some(parsed) => Ok(parsed),
    }
}

/// Parses a point in time. A time without an offset is UTC.
pub fn parse_time(flag: &str, text: &str) -> Result<Timestamp, Mistake> {
    let zoned = text.parse::<Timestamp>().ok();
    let utc = || {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    zoned.or_else(utc).ok_or_else(|| {
        Mistake::new(format!("{flag} {text}"), "not a valid time")
            .help("expected a time such as 2026-01-07T16:55:09Z (UTC if the offset is missing)")
    })
}
