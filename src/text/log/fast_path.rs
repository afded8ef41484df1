//! The times and levels of the commonest formats, read without regular expressions: most records of a log
//! are about normal operation, and only their time and level matter.

use super::level::Level;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use memchr::memmem;

/// Levels in capitals, as plain text has them.
const CAPITALS: [&str; 28] = [
    "INFO",
    "DEBUG",
    "WARN",
    "ERROR",
    "TRACE",
    "TRC",
    "DBG",
    "VERBOSE",
    "INF",
    "NOTICE",
    "WARNING",
    "WRN",
    "ERR",
    "SEVERE",
    "CRITICAL",
    "CRIT",
    "FATAL",
    "FTL",
    "PANIC",
    "ALERT",
    "EMERG",
    "LOG",
    "DETAIL",
    "HINT",
    "STATEMENT",
    "FINE",
    "FINER",
    "CONFIG",
];
/// Levels in lower case, as plain text has them.
const LOWER: [&str; 14] = [
    "trace",
    "debug",
    "info",
    "information",
    "notice",
    "warn",
    "warning",
    "error",
    "err",
    "crit",
    "critical",
    "alert",
    "fatal",
    "panic",
];
/// Keys of JSON that hold a time, the likelier ones first.
const TIME_KEYS: [&[u8]; 4] = [b"\"time\":", b"\"timestamp\":", b"\"@timestamp\":", b"\"ts\":"];

/// A place in a text, read byte by byte.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// Skips one byte of a set; reports whether there was one.
    fn skip(&mut self, set: &[u8]) -> bool {
        let is_in = self.bytes.get(self.at).is_some_and(|byte| set.contains(byte));
        self.at += usize::from(is_in);
        is_in
    }

    /// Reads a number of exactly this many digits.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let read = self.bytes.get(self.at..self.at + digits)?;
        if !read.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.at += digits;
        Some(read.iter().fold(0, |value, digit| value * 10 + i16::from(digit - b'0')))
    }

    fn skip_text(&mut self, text: &[u8]) -> bool {
        let is_there = self.bytes[self.at..].starts_with(text);
        self.at += if is_there { text.len() } else { 0 };
        is_there
    }
}

/// A time at the beginning of a line: `[2026-01-07 16:55:09,120 +01:00]`.
pub(super) struct LeadingTime {
    /// The time; `None` if there are no seconds, or if it is no valid time.
    pub(super) time: Option<Timestamp>,
    /// The length of its text.
    pub(super) length: usize,
}

/// Reads a date with a time at the beginning of a line. Returns `None` for any other form.
pub(super) fn leading_time(line: &str) -> Option<LeadingTime> {
    let mut scan = Scan { bytes: line.as_bytes(), at: 0 };
    scan.skip(b"[(<");
    let year = scan.number(4)?;
    let month = scan.skip(b"-/.").then(|| scan.number(2))??;
    let day = scan.skip(b"-/.").then(|| scan.number(2))??;
    if !scan.skip(b"T ,:") {
        return None;
    }
    scan.skip(b" \t");
    let hour = scan.number(2)?;
    let minute = scan.skip(b":").then(|| scan.number(2))??;
    let second = match scan.skip(b":") {
        true => Some(scan.number(2)?),
        false => None,
    };
    let nanosecond = fraction(&mut scan);
    let offset = zone(&mut scan)?;
    scan.skip(b"])>");
    let small = |number: i16| i8::try_from(number).ok();
    let time = second.and_then(|second| {
        let date = (year, small(month)?, small(day)?);
        let clock = (small(hour)?, small(minute)?, small(second)?);
        let time = DateTime::new(date.0, date.1, date.2, clock.0, clock.1, clock.2, nanosecond).ok()?;
        Offset::from_seconds(offset).ok()?.to_timestamp(time).ok()
    });
    Some(LeadingTime { time, length: scan.at })
}

/// Reads the fraction of a second, in nanoseconds. More than nine digits are cut.
fn fraction(scan: &mut Scan) -> i32 {
    let start = scan.at;
    if !scan.skip(b".,") {
        return 0;
    }
    let (mut nanosecond, mut digits) = (0, 0);
    while let Some(digit) = scan.bytes.get(scan.at).filter(|byte| byte.is_ascii_digit()) {
        if digits < 9 {
            nanosecond = nanosecond * 10 + i32::from(digit - b'0');
            digits += 1;
        }
        scan.at += 1;
    }
    if digits == 0 {
        scan.at = start;
    }
    nanosecond * 10_i32.pow(9 - digits)
}

/// Reads a zone, in seconds east of Greenwich; none is UTC. Returns `None` for a form that is left to the
/// general reader.
fn zone(scan: &mut Scan) -> Option<i32> {
    let start = scan.at;
    scan.skip(b" ");
    if scan.skip_text(b"Z") || scan.skip_text(b"UTC") || scan.skip_text(b"GMT") {
        return Some(0);
    }
    if scan.bytes[scan.at..].starts_with(b"AM") || scan.bytes[scan.at..].starts_with(b"PM") {
        return None;
    }
    let is_negative = scan.bytes.get(scan.at) == Some(&b'-');
    if scan.skip(b"+-")
        && let Some(hours) = scan.number(2)
    {
        scan.skip(b":");
        if let Some(minutes) = scan.number(2) {
            let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
            return Some(if is_negative { -seconds } else { seconds });
        }
    }
    scan.at = start;
    Some(0)
}

/// Reads the time of a record in one of the commonest formats. Returns `None` if it is not sure.
pub(super) fn time(line: &str) -> Option<Timestamp> {
    if !line.starts_with('{') {
        return leading_time(line)?.time;
    }
    let value = TIME_KEYS.iter().find_map(|key| top_level_value(line, key))?;
    match value.strip_prefix('"') {
        Some(text) => leading_time(text)?.time,
        None => {
            let digits = value.bytes().take_while(u8::is_ascii_digit).count();
            let is_whole = !value[digits..].starts_with(['.', 'e']);
            let milliseconds = value[..digits].parse().ok().filter(|_| digits == 13 && is_whole)?;
            Timestamp::from_millisecond(milliseconds).ok()
        }
    }
}

/// Returns the text from a key's value on, if the key is one of the outermost object.
fn top_level_value<'a>(line: &'a str, key: &[u8]) -> Option<&'a str> {
    let at = memmem::find(line.as_bytes(), key)?;
    let before = &line.as_bytes()[..at];
    // A brace within a text could only hide a key.
    let is_nested = memchr::memchr_iter(b'{', before).count() != 1;
    (!is_nested).then(|| line[at + key.len()..].trim_start())
}

/// Reads the level of a record in one of the commonest formats. Returns `None` if it is not sure.
pub(super) fn level(line: &str) -> Option<Option<Level>> {
    match line.starts_with('{') {
        true => json_level(line),
        false => level_after_time(&line[leading_time(line)?.length..]),
    }
}

fn json_level(line: &str) -> Option<Option<Level>> {
    // Quotes within texts may hide a record of another logger.
    let bytes = line.as_bytes();
    if memmem::find(bytes, b"\"{").is_some()
        || memmem::find(bytes, b"\"level").is_some_and(|at| bytes.get(at + 6) != Some(&b'"'))
    {
        return None;
    }
    let value = top_level_value(line, b"\"level\":")?;
    match value.strip_prefix('"') {
        Some(word) => Level::parse(word.split('"').next()?).map(Some),
        None => {
            let digits = value.bytes().take_while(u8::is_ascii_digit).count();
            Level::from_json(&serde_json::Value::from(value[..digits].parse::<u64>().ok()?)).map(Some)
        }
    }
}

/// Reads the level where it is the first word after the time.
fn level_after_time(head: &str) -> Option<Option<Level>> {
    let rest = head.trim_start_matches(' ');
    let bare = rest.strip_prefix(['[', '|', '(', '<']).unwrap_or(rest);
    let is_enclosed = bare.len() < rest.len();
    let bare = if is_enclosed { bare.strip_prefix(' ').unwrap_or(bare) } else { bare };
    let length = bare.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, after) = bare.split_at(length);
    let is_level = match after.bytes().next() {
        _ if CAPITALS.contains(&word) => {
            after.is_empty() || after.starts_with([' ', '\t', ']', '|', ':', ')', '/', '>', ','])
        }
        _ if !LOWER.contains(&word) => false,
        _ if is_enclosed => after.trim_start_matches(' ').starts_with([']', ')', '|', '>']),
        Some(b':') => after[1..].starts_with([' ', '\t']),
        Some(b' ') => true,
        _ => false,
    };
    is_level.then(|| Level::parse(word).map(Some))?
}

#[cfg(test)]
mod tests {
    use super::super::time::parse_time;
    use super::*;

    #[test]
    fn reads_times_like_the_general_reader() {
        for text in [
            "2026-11-10T11:05:00.481Z x",
            "[2026-11-10 11:05:00,481] x",
            "2026/11/10 11:05:00 x",
            "2026-11-10 12:05:00 +0100 x",
            "2026-11-10 12:05:00.1234567891-01:30",
            "2026-11-10 12:05:00. x",
            "2026-11-10 12:05:00 +1 x",
            "2026-13-10T11:05:00Z",
            "2026-11-10 24:05:00",
        ] {
            assert_eq!(leading_time(text).and_then(|found| found.time), parse_time(text), "{text}");
        }
        for text in ["", "2026", "2026-11-10", "2026-11-10 11:05:00 PM x", "11:05:00 x", "x"] {
            assert!(leading_time(text).is_none(), "{text}");
        }
    }

    #[test]
    fn keys_of_inner_objects_do_not_count() {
        assert_eq!(level(r#"{"data":{"level":"info"},"severity":"ERROR"}"#), None);
        assert_eq!(level(r#"{"level":"info","message":"{\"level\":\"error\"}"}"#), None);
        assert_eq!(level(r#"{"level": 50,"time":1794733641077,"msg":"x"}"#), Some(Some(Level::Error)));
        assert_eq!(level(r#"{"level":200,"level_name":"INFO"}"#), None);
        assert_eq!(time(r#"{"level":30,"time":1794733641077}"#), "2026-11-15T09:07:21.077Z".parse().ok());
        assert_eq!(time(r#"{"order":{"time":"2026-11-15T09:07:21Z"}}"#), None);
    }
}
