//! Times in log records.

use crate::text::ascii_regex::ascii_regex;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// A date with a time: the year, month, day, hour, minute, second, fraction and zone.
static DATED: LazyLock<Regex> = LazyLock::new(|| {
    let clock = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9})\d*)?";
    let zone = r"\s?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?";
    let pattern = format!(r"^(?P<year>\d{{4}})[-/.](?P<month>\d\d)[-/.](?P<day>\d\d)[T ,:]\s?{clock}{zone}");
    ascii_regex(&pattern)
});

/// A date with the day first: `13/Nov/2026 14:34:00`, `08-Nov-2026 12:10:35 UTC`.
static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?P<day>\d\d)[-/ ](?P<month>[A-Z][a-z]{2})[-/ ](?P<year>\d{4})[ :](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?\s?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?";
    ascii_regex(pattern)
});

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads the time at the beginning of a text. Returns `None` if it has no date.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim_start_matches(['[', '(', '<', '"', ' ']);
    let found = DATED.captures(text).or_else(|| DAY_FIRST.captures(text))?;
    let number = |name: &str| found.name(name)?.as_str().parse::<i16>().ok();
    let month = number("month").or_else(|| {
        let name = found.name("month")?.as_str();
        MONTHS.iter().position(|month| *month == name).and_then(|month| i16::try_from(month + 1).ok())
    })?;
    let small = |number: i16| i8::try_from(number).ok();
    let fraction = found.name("fraction").map_or("", |fraction| fraction.as_str());
    let nanosecond = format!("{fraction:0<9}").parse().ok()?;
    let time = DateTime::new(
        number("year")?,
        small(month)?,
        small(number("day")?)?,
        small(number("hour")?)?,
        small(number("minute")?)?,
        small(number("second")?)?,
        nanosecond,
    );
    let offset = offset(found.name("zone").map_or("", |zone| zone.as_str()))?;
    offset.to_timestamp(time.ok()?).ok()
}

/// Reads a zone: `Z`, `+01:00`, `+0100`. No zone is UTC.
fn offset(zone: &str) -> Option<Offset> {
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let Ok(number) = digits.parse::<i32>() else { return Some(Offset::UTC) };
    let seconds = (number / 100 * 60 + number % 100) * 60;
    Offset::from_seconds(if zone.starts_with('-') { -seconds } else { seconds }).ok()
}

/// Reads a time in JSON: a text, or seconds or milliseconds since 1970.
pub(super) fn from_json(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return parse_time(text);
    }
    let number = value.as_f64()?;
    let milliseconds = if number > 1e14 {
        number / 1e6
    } else if number > 1e11 {
        number
    } else {
        number * 1e3
    };
    let is_recent = (1e12..1e13).contains(&milliseconds);
    is_recent.then(|| Timestamp::from_millisecond(milliseconds as i64).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_of_many_loggers() {
        for (text, expected) in [
            ("2026-11-10T11:05:00.481Z x", "2026-11-10T11:05:00.481Z"),
            ("[2026-11-10 11:05:00,481] x", "2026-11-10T11:05:00.481Z"),
            ("2026/11/10 11:05:00 x", "2026-11-10T11:05:00Z"),
            ("2026-11-10 12:05:00 +0100 x", "2026-11-10T11:05:00Z"),
            ("[10/Nov/2026 11:05:00] x", "2026-11-10T11:05:00Z"),
            ("[10-Nov-2026 11:05:00 UTC] x", "2026-11-10T11:05:00Z"),
        ] {
            assert_eq!(parse_time(text), expected.parse().ok(), "{text}");
        }
        for text in ["11:05:00 x", "x", "2026-13-10T11:05:00Z", "Nov 10 11:05:00"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(
            from_json(&serde_json::json!(1_794_733_641_077_i64)),
            "2026-11-15T09:07:21.077Z".parse().ok()
        );
        assert_eq!(from_json(&serde_json::json!(1_793_704_770.5)), "2026-11-03T11:19:30.5Z".parse().ok());
    }
}
