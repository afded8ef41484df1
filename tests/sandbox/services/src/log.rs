//! Log records in the format of the service's pipeline. The purchase pipeline logs like the
//! reference deployment: in colour, with level and message on one line and metadata on
//! the next, and with errors on stderr.

use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::clock;

/// The format of log records. All formats except the first use a single line on stdout.
#[derive(Clone, Copy)]
pub enum Style {
    /// `[time] level: message`, with metadata on a second line.
    Coloured,
    /// `{"level":…,"msg":…,"time":…}`
    JsonLines,
    /// `ts=… level=… msg="…" key=value`
    KeyValue,
    /// `time  LEVEL 1 --- message key=value`
    Columns,
}

#[derive(Clone, Copy)]
enum Level {
    Info,
    Warn,
    Error,
}

static STYLE: OnceLock<Style> = OnceLock::new();

/// Sets the format. Must be called before the first record is written.
pub fn set_style(style: Style) {
    STYLE.get_or_init(|| style);
}

pub fn info(message: &str, meta: Value) {
    write(Level::Info, message, &meta);
}

pub fn warn(message: &str, meta: Value) {
    write(Level::Warn, message, &meta);
}

pub fn error(message: &str, meta: Value) {
    write(Level::Error, message, &meta);
}

/// Writes the record in one call, so that records from different threads do not mix.
fn write(level: Level, message: &str, meta: &Value) {
    let style = STYLE.get().copied().unwrap_or(Style::Coloured);
    let record = match style {
        Style::Coloured => coloured(level, message, meta),
        Style::JsonLines => json_line(level, message, meta),
        Style::KeyValue => key_value_line(level, message, meta),
        Style::Columns => column_line(level, message, meta),
    };
    let mut stream: Box<dyn Write> = match (style, level) {
        (Style::Coloured, Level::Error) => Box::new(std::io::stderr()),
        _ => Box::new(std::io::stdout()),
    };
    // If the log is closed, the error cannot be reported anywhere.
    let _ = stream.write_all(record.as_bytes()).and_then(|()| stream.flush());
}

fn coloured(level: Level, message: &str, meta: &Value) -> String {
    let now = clock::now().strftime("%Y-%m-%d %H:%M:%S");
    let level = match level {
        Level::Info => "\u{1b}[32minfo\u{1b}[39m",
        Level::Warn => "\u{1b}[33mwarn\u{1b}[39m",
        Level::Error => "\u{1b}[31merror\u{1b}[39m",
    };
    let mut record = format!("[{now}] {level}: {message}\n");
    if meta.as_object().is_some_and(|fields| !fields.is_empty()) {
        record.push_str(&format!("  Meta: {meta}\n"));
    }
    record
}

fn json_line(level: Level, message: &str, meta: &Value) -> String {
    let mut record = json!({ "level": level.name(), "msg": message, "time": timestamp() });
    if let (Some(record), Some(meta)) = (record.as_object_mut(), meta.as_object()) {
        record.extend(meta.clone());
    }
    format!("{record}\n")
}

fn key_value_line(level: Level, message: &str, meta: &Value) -> String {
    let message = Value::from(message);
    format!("ts={} level={} msg={message}{}\n", timestamp(), level.name(), pairs(meta))
}

fn column_line(level: Level, message: &str, meta: &Value) -> String {
    let level = level.name().to_uppercase();
    format!("{}  {level:<5} 1 --- {message}{}\n", timestamp(), pairs(meta))
}

fn timestamp() -> String {
    clock::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Formats the fields as ` key=value …`. Values with whitespace are quoted.
fn pairs(meta: &Value) -> String {
    let fields = meta.as_object().into_iter().flatten();
    let pairs = fields.map(|(key, value)| match value.as_str() {
        Some(text) if !text.contains(char::is_whitespace) => format!(" {key}={text}"),
        _ => format!(" {key}={value}"),
    });
    pairs.collect()
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_style_contains_message_and_metadata() {
        let meta = json!({ "order": "ORD-1", "why": "no answer" });
        let line = key_value_line(Level::Error, "not \"sent\"", &meta);
        assert!(
            line.ends_with("level=error msg=\"not \\\"sent\\\"\" order=ORD-1 why=\"no answer\"\n"),
            "{line}"
        );
        let line = column_line(Level::Info, "sent", &meta);
        assert!(line.contains("Z  INFO  1 --- sent order=ORD-1 "), "{line}");
        let record: Value = serde_json::from_str(&json_line(Level::Warn, "sent", &meta)).expect("JSON");
        assert_eq!((&record["level"], &record["order"]), (&json!("warn"), &json!("ORD-1")));
        assert_eq!(
            coloured(Level::Info, "sent", &json!({})).split_once("] ").map(|parts| parts.1),
            Some("\u{1b}[32minfo\u{1b}[39m: sent\n")
        );
    }
}
