//! Log records, in the format of the pipeline that a service belongs to. The
//! purchase pipeline's is that of the reference deployment: coloured, the level
//! and the message on one line, the metadata on the next; errors on stderr.

use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::clock;

/// How a record looks. All but the first are one line, on stdout.
#[derive(Clone, Copy)]
pub enum Style {
    /// `[time] level: message`, and metadata on a line of its own
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

/// To be called before anything is logged.
pub fn speak(style: Style) {
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

/// One write a record, so that records of two threads do not mix.
fn write(level: Level, message: &str, meta: &Value) {
    let style = STYLE.get().copied().unwrap_or(Style::Coloured);
    let record = match style {
        Style::Coloured => coloured(level, message, meta),
        Style::JsonLines => json_line(level, message, meta),
        Style::KeyValue => key_value(level, message, meta),
        Style::Columns => columns(level, message, meta),
    };
    let mut stream: Box<dyn Write> = match (style, level) {
        (Style::Coloured, Level::Error) => Box::new(std::io::stderr()),
        _ => Box::new(std::io::stdout()),
    };
    // Nobody is left to be told that the log is closed.
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
    let mut record = json!({ "level": level.name(), "msg": message, "time": milliseconds() });
    if let (Some(record), Some(meta)) = (record.as_object_mut(), meta.as_object()) {
        record.extend(meta.clone());
    }
    format!("{record}\n")
}

fn key_value(level: Level, message: &str, meta: &Value) -> String {
    let message = Value::from(message);
    format!("ts={} level={} msg={message}{}\n", milliseconds(), level.name(), pairs(meta))
}

fn columns(level: Level, message: &str, meta: &Value) -> String {
    let level = level.name().to_uppercase();
    format!("{}  {level:<5} 1 --- {message}{}\n", milliseconds(), pairs(meta))
}

fn milliseconds() -> String {
    clock::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// ` key=value …`; a text with a blank in it stands in quotation marks.
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
    fn each_style_says_the_message_and_what_belongs_to_it() {
        let meta = json!({ "order": "ORD-1", "why": "no answer" });
        let said = key_value(Level::Error, "not \"sent\"", &meta);
        assert!(
            said.ends_with("level=error msg=\"not \\\"sent\\\"\" order=ORD-1 why=\"no answer\"\n"),
            "{said}"
        );
        let said = columns(Level::Info, "sent", &meta);
        assert!(said.contains("Z  INFO  1 --- sent order=ORD-1 "), "{said}");
        let said: Value = serde_json::from_str(&json_line(Level::Warn, "sent", &meta)).expect("JSON");
        assert_eq!((&said["level"], &said["order"]), (&json!("warn"), &json!("ORD-1")));
        assert_eq!(
            coloured(Level::Info, "sent", &json!({})).split_once("] ").map(|parts| parts.1),
            Some("\u{1b}[32minfo\u{1b}[39m: sent\n")
        );
    }
}
