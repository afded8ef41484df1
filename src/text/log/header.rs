//! Log records in plain text: the time, level and logger that stand before the message.

use super::fast_path;
use super::level::Level;
use super::record::LogRecord;
use super::time::parse_time;
use crate::text::ascii_regex::ascii_regex;
use regex::Regex;
use std::sync::LazyLock;

/// How far from its beginning a line's level may be, in bytes.
const MAX_HEADER: usize = 160;

/// A time at the beginning of a line, with or without a date and brackets.
const TIME: &str = r"(?:[\[(<]?(?:\d{4}[-/.]\d\d[-/.]\d\d[T ,:]\s?\d\d:\d\d(?::\d\d)?|\d\d[-/ ][A-Z][a-z]{2}[-/ ]\d{4}[ :]\d\d:\d\d:\d\d|\d{1,2}:\d\d:\d\d|\d{1,2}:\d\d[AP]M)(?:[.,]\d+)?(?:\s?(?:Z|UTC|GMT|[AP]M|[+-]\d\d:?\d\d))?[\])>]?)";

static TIMED: LazyLock<Regex> = LazyLock::new(|| ascii_regex(&format!("^{TIME}")));

/// A level in capitals after a time, or a lower-case one in brackets or before a colon.
static LEVEL_AFTER_TIME: LazyLock<Regex> = LazyLock::new(|| {
    let capitals = "TRACE|TRC|DEBUG|DBG|VERBOSE|INFO|INF|NOTICE|WARN|WARNING|WRN|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|FTL|PANIC|ALERT|EMERG|LOG|DETAIL|HINT|STATEMENT|FINE|FINER|FINEST|CONFIG";
    let lower =
        "trace|debug|info|information|notice|warn|warning|error|err|crit|critical|alert|emerg|fatal|panic";
    ascii_regex(&format!(
        r"(?:^|[\s\[|(.<])(?P<a>{capitals})(?:[\s\]|:)/>,]|$)|[\[(<|]\s?(?P<b>{lower})\s*[\])>|]|^\s*(?P<c>{lower}|Trace|Debug|Info|Information|Warn|Warning|Error|Fatal|Critical):?\s"
    ))
});

/// A level at the beginning of a line without a time.
static LEVEL_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    let words = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL|ERR|INF|WRN|DBG|LOG";
    let lower = "trce|dbug|trace|debug|info|notice|warn|warning|error|fail|crit|critical|fatal";
    ascii_regex(&format!(
        r"^(?:\[[^\]]{{1,60}}\]\s+)?(?:[\[(<]?(?P<a>{words})[\])>]?(?:[\s:|\-]|$)|[\[(<](?P<b>{lower})[\])>]|(?P<c>{lower}):)"
    ))
});

/// The header of Kubernetes' components and other programs with glog: `E1111 23:06:22.779567 1 file.go:72]`.
static KLOG: LazyLock<Regex> =
    LazyLock::new(|| ascii_regex(r"^(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [^\s\]]+\]\s?"));
/// The header of librdkafka: `%3|1794442032.675|FAIL|client#producer-1|`.
static RDKAFKA: LazyLock<Regex> =
    LazyLock::new(|| ascii_regex(r"^%(?P<level>[0-7])\|[\d.]+\|\w+\|[^|]*\|\s?"));
/// Syslog, as RFC 5424 or RFC 3164 has it, up to the message.
static SYSLOG: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r"^(?:<(?P<priority>\d{1,3})>(?:1 (?P<time>\S+) \S+ \S+ \S+ \S+ (?:-|(?:\[[^\]]*\])+)\s?)?)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [\w./-]+(?:\[\d+\])?: )?",
    )
});
/// PHP's own errors.
static PHP: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r"^PHP (?P<level>Fatal error|Parse error|Recoverable fatal error|Warning|Notice|Deprecated):\s+",
    )
});

/// What stands between a level and the message: processes, threads, loggers, places in the code.
static LOGGERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"^[\s\]|:)>/]*",
        r"^\w+-\d+\]\s*|^MainProcess\]\s*",
        r"^\d+ --- (?:\[[^\]]*\]\s*)*[^\s:]+\s+: ",
        r"^(?:\[[^\]]{1,60}\]\s+){1,3}(?:\([^)]{1,60}\)\s+|- )",
        r"^\[[^\]]{1,60}\] \([^)]{1,60}\) ",
        r"^-- [^:\s]*: |^-- : ",
        r"^[\w.]+(?:/[\w.]+)?\.\w+:\d+\s+",
        r"^[A-Za-z_][\w.$]*(?:::?[\w.$<>]+)*(?::\d+)? - ",
        r"^\w+(?:::\w+)+(?:: |\] )",
        r"^[A-Z][\w]*(?:\.[\w$]+)+\|",
        r"^- ",
    ]
    .into_iter()
    .map(ascii_regex)
    .collect()
});

/// Reads a line in plain text.
pub(super) fn parse(line: &str) -> LogRecord {
    let (mut record, rest) = read(line);
    if let Some(Rest { text, has_level }) = rest {
        record.message = without_loggers(text, has_level).to_string();
    }
    record
}

/// Returns the level of a line in plain text.
pub(super) fn level_of(line: &str) -> Option<Level> {
    read(line).0.level
}

/// What follows the time and level of a line: loggers and the message.
struct Rest<'a> {
    text: &'a str,
    has_level: bool,
}

/// Reads the time and level of a line, and the message of formats that have no loggers before it.
fn read(line: &str) -> (LogRecord, Option<Rest<'_>>) {
    let line = line.trim_start();
    let mut record = LogRecord::default();
    let mut rest = syslog(line, &mut record);
    if let Some(found) = KLOG.captures(rest) {
        record.level = Some(match &found["level"] {
            "I" => Level::Info,
            "W" => Level::Warn,
            _ => Level::Error,
        });
        record.message = rest[found[0].len()..].to_string();
        return (record, None);
    }
    if let Some(found) = RDKAFKA.captures(rest) {
        record.level = found["level"].parse().ok().and_then(severity);
        record.message = rest[found[0].len()..].to_string();
        return (record, None);
    }
    let timed = time_length(rest).filter(|_| !rest.is_empty());
    let nest = rest
        .strip_prefix("[Nest] ")
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || " -".contains(c)));
    if let Some(after) = nest {
        rest = after;
    }
    record.time = record.time.or_else(|| parse_time(rest));
    let (head, is_timed) = match timed {
        Some(length) => (&rest[length..], true),
        None => (
            rest,
            nest.is_some()
                || rest.starts_with(|c: char| c.is_ascii_uppercase()) && rest.get(1..3) == Some(", "),
        ),
    };
    if let Some(found) = PHP.captures(head.trim_start()) {
        record.level = record.level.max(Some(php_level(&found["level"])));
        record.message = head.trim_start().to_string();
        return (record, None);
    }
    let (level, rest) = level(head, is_timed);
    record.level = level.or(record.level);
    // PostgreSQL's servers write two spaces. Their level is a part of what one searches for.
    if is_timed && rest.starts_with(":  ") {
        let word = head[..head.len() - rest.len()].rsplit(' ').next().unwrap_or_default();
        record.message = format!("{word}{}", rest.trim_end());
        return (record, None);
    }
    (record, Some(Rest { text: rest, has_level: level.is_some() }))
}

/// Returns the length of the time at the beginning of a line, if there is one.
fn time_length(line: &str) -> Option<usize> {
    let fast = fast_path::leading_time(line).map(|found| found.length);
    fast.or_else(|| TIMED.find(line).map(|found| found.end()))
}

/// Finds the level of a line, and returns what follows it.
fn level(head: &str, is_timed: bool) -> (Option<Level>, &str) {
    let window = &head[..head.floor_char_boundary(MAX_HEADER)];
    let found = match is_timed {
        true => LEVEL_AFTER_TIME.captures(window),
        false => LEVEL_FIRST.captures(window),
    };
    let Some(found) = found else { return (None, head) };
    let word = ["a", "b", "c"].iter().find_map(|name| found.name(name));
    match word.and_then(|word| Some((Level::parse(word.as_str())?, word.end()))) {
        Some((level, end)) => (Some(level), &head[end..]),
        None => (None, head),
    }
}

/// Skips the loggers and places before a message.
fn without_loggers(rest: &str, has_level: bool) -> &str {
    let mut rest = rest;
    if !has_level {
        return rest.trim_start_matches(|c: char| c.is_whitespace() || "]|:-".contains(c));
    }
    for logger in LOGGERS.iter() {
        if let Some(found) = logger.find(rest).filter(|found| found.end() < rest.len()) {
            rest = &rest[found.end()..];
        }
    }
    rest.trim()
}

/// Skips the header of syslog.
fn syslog<'a>(line: &'a str, record: &mut LogRecord) -> &'a str {
    if !line.starts_with('<') && !line.starts_with(|c: char| c.is_ascii_uppercase()) {
        return line;
    }
    let Some(found) = SYSLOG.captures(line).filter(|found| !found[0].is_empty()) else { return line };
    record.level =
        found.name("priority").and_then(|priority| severity(priority.as_str().parse::<u8>().ok()? & 7));
    record.time = found.name("time").and_then(|time| parse_time(time.as_str()));
    &line[found[0].len()..]
}

/// Returns the level of a severity of syslog.
fn severity(number: u8) -> Option<Level> {
    Level::from_json(&serde_json::Value::from(number))
}

fn php_level(word: &str) -> Level {
    match word {
        "Warning" => Level::Warn,
        "Notice" | "Deprecated" => Level::Info,
        _ => Level::Error,
    }
}

/// Reports whether a line begins with a time or is JSON, so that lines without one continue it.
fn has_time(line: &str) -> bool {
    line.starts_with('{')
        || time_length(line).is_some()
        || KLOG.is_match(line)
        || RDKAFKA.is_match(line)
        || line.starts_with("time=")
        || line.starts_with("ts=")
        || line.starts_with("timestamp=")
        || line.starts_with("level=")
        || line.get(1..4) == Some(", [")
        || line.starts_with("[Nest]")
}

/// Ends of processes, whose further lines have no header.
static ENDED: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r"^(?:panic: |fatal error: |thread '[^']*' (?:\(\d+\) )?panicked at|Exception in thread |terminate called |Fatal Python error|FATAL ERROR: |node:internal/)",
    )
});

/// Reports whether lines without a header belong to the record that begins with this line.
pub fn takes_lines(line: &str) -> bool {
    has_time(line)
        || ENDED.is_match(line)
        || LEVEL_FIRST.is_match(line) && parse(line).level >= Some(Level::Warn)
}

/// Errors that runtimes print without a logger, at the beginning of a line.
static UNLOGGED: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r"^(?:panic: |fatal error: |fatal: |thread '[^']*' (?:\(\d+\) )?panicked at|Exception in thread |Unhandled exception|Uncaught |terminate called |Segmentation fault|FATAL ERROR: |\[FATAL|PHP (?:Fatal|Parse) error|memory allocation of |node:internal/|exec |standard_init_linux|error: |Error: |\*\*\* |Fatal Python error|Aborted|Killed)",
    )
});

/// Reports whether a line begins a record, whatever the one before it is.
pub fn begins_record(line: &str) -> bool {
    if line.starts_with([' ', '\t']) {
        return false;
    }
    has_time(line) || LEVEL_FIRST.is_match(line) || UNLOGGED.is_match(line)
}

/// Reports whether a line begins an error that belongs to no record about normal operation: those of
/// Python and Elixir, which print the error at the end of a process without a logger.
pub fn begins_error(line: &str) -> bool {
    line.starts_with("Traceback (most recent call last)") || line.starts_with("** (")
}
