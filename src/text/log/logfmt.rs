//! Log records of `key=value` pairs: logfmt, logrus, slog, ZIO.

use super::error_chain;
use super::level::Level;
use super::record::LogRecord;
use super::time::parse_time;

/// Reads a line of pairs, at least one of which is a level or a message.
pub(super) fn parse(line: &str) -> Option<LogRecord> {
    if !is_logfmt(line) {
        return None;
    }
    let mut record = LogRecord::default();
    let (mut errors, mut codes) = (Vec::new(), String::new());
    for (key, value) in pairs(line) {
        match key {
            "level" | "lvl" | "severity" => record.level = Level::parse(&value),
            "msg" | "message" | "event" => record.message = value,
            "time" | "ts" | "timestamp" | "t" => record.time = parse_time(&value),
            "err" | "error" | "exception" | "reason" | "cause" | "stack" | "error.message" | "cause0" => {
                errors.push(value)
            }
            "code" | "sqlstate" => codes.push_str(&format!(" (code {value})")),
            "status" | "status_code" if value.starts_with(['4', '5']) => {
                codes.push_str(&format!(" (status code {value})"))
            }
            _ => {}
        }
    }
    record.errors.push(format!("{}{codes}", record.message));
    for error in errors {
        error_chain::add(&error, &mut record.errors);
    }
    Some(record)
}

/// Returns the level of a line of pairs.
pub(super) fn level(line: &str) -> Option<Level> {
    if !is_logfmt(line) {
        return None;
    }
    pairs(line)
        .find(|(key, _)| matches!(*key, "level" | "lvl" | "severity"))
        .and_then(|(_, value)| Level::parse(&value))
}

/// Reports whether a line begins with a pair and has a level.
fn is_logfmt(line: &str) -> bool {
    let key = line.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(byte)).count();
    key > 0
        && line.as_bytes().get(key) == Some(&b'=')
        && (line.contains("level=") || line.contains("lvl=") || line.contains("severity="))
}

/// Splits a line into its pairs. Words that are no pair are left out.
fn pairs(line: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let end = rest.find(['=', ' '])?;
            let key = &rest[..end];
            if rest.as_bytes()[end] == b' ' {
                rest = &rest[end..];
                continue;
            }
            let (value, length) = value(&rest[end + 1..]);
            rest = &rest[end + 1 + length..];
            return Some((key, value));
        }
    })
}

/// Returns the value at the beginning of a text, unquoted, and its length there.
fn value(text: &str) -> (String, usize) {
    let Some(quoted) = text.strip_prefix('"') else {
        let length = text.find(' ').unwrap_or(text.len());
        return (text[..length].to_string(), length);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, at + 2),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            _ => value.push(character),
        }
    }
    (value, text.len())
}
