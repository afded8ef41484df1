//! Times and lengths of time as people write them.

use crate::base::error::Mistake;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// No flag means a longer time.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A length of time as people write it: `10s`, `24h`, `1500ms`, `90` (seconds).
pub fn duration(flag: &str, text: &str) -> Result<Duration, Mistake> {
    let wrong = |what: &str| {
        Mistake::new(format!("{flag} {text}"), what)
            .help("expected for example 10s, 5m or 24h, at most a year")
    };
    if text.parse::<f64>().is_ok() {
        return Err(wrong("not a length of time: it has no unit"));
    }
    let parsed = text.parse::<SignedDuration>().ok();
    let parsed = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    match parsed {
        None => Err(wrong("not a length of time")),
        Some(parsed) if parsed.is_zero() => Err(wrong("not a length of time: it is none")),
        Some(parsed) if parsed > LONGEST => Err(wrong("not a length of time: too long")),
        Some(parsed) => Ok(parsed),
    }
}

/// A point in time: with its offset from UTC, or without for UTC.
pub fn time(flag: &str, text: &str) -> Result<Timestamp, Mistake> {
    let zoned = text.parse::<Timestamp>().ok();
    let utc = || {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    zoned.or_else(utc).ok_or_else(|| {
        Mistake::new(format!("{flag} {text}"), "not a point in time")
            .help("expected for example 2026-01-07T16:55:09Z (without an offset: UTC)")
    })
}
