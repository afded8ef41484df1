//! Extracts the message from a log record, without time, level and other fields.

use crate::text::ascii_regex::ascii_regex;
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// JSON fields that usually hold the message, and those that hold the error.
const MESSAGE_FIELDS: [&str; 4] = ["msg", "message", "text", "event"];
const ERROR_FIELDS: [&str; 5] = ["err", "error", "exception", "reason", "cause"];

/// The time, level, process and thread that most loggers write before the message.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\s?[+-]\d\d:?\d\d)?";
    // Case matters: many languages print errors as `Error: …`, which belongs to the message.
    let level = "(?:trace|debug|info|notice|warn|warning|error|err|fatal|critical|severe\
                 |TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|SEVERE)";
    let pattern = format!(
        r"^(?:\[[\d T:.,Z+/-]+\]|{time}|\[?\b{level}\b\]?:?(?:\s|$)|\d+\s+---|\[\s*{level}\s*\]|[-|]\s)\s*"
    );
    ascii_regex(&pattern)
});

/// Words that indicate trouble, in the formats of many languages and loggers.
static TROUBLE_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i:\berr!|\b(?:error|fatal|warn|warning|critical|panic|panicked|exception|traceback)\b)";
    let outcomes = r"(?i:\b(?:failed|failure|denied|refused|unauthori[sz]ed)\b)";
    let names = r#"[a-z](?:Error|Exception|Failed)\b|"level":(?:40|50|60)\b|\b(?:ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE)\b"#;
    ascii_regex(&format!("{words}|{outcomes}|{names}"))
});

/// Parts of all words that indicate trouble, in lower case. JSON's numbers of levels have none.
pub const TROUBLE_STEMS: [&str; 18] = [
    "error",
    "err!",
    "fatal",
    "warn",
    "critical",
    "panic",
    "exception",
    "traceback",
    "failed",
    "failure",
    "denied",
    "refused",
    "unauthori",
    "econn",
    "enotfound",
    "eai_again",
    "etimedout",
    "epipe",
];

/// Reports whether a log record indicates trouble. The collector and the diagnosis share this
/// definition.
pub fn is_trouble(text: &str) -> bool {
    TROUBLE_WORDS.is_match(text)
}

/// `msg="…"` among `key=value` pairs.
static LOGFMT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|\s)(?:msg|message)=(?:"((?:[^"\\]|\\.)*)"|(\S+))"#).expect("constant pattern is valid")
});

/// Returns the message of a log line in JSON, logfmt or plain text.
pub fn extract(line: &str) -> String {
    let line = line.trim();
    let message = from_json(line).or_else(|| from_logfmt(line));
    message.unwrap_or_else(|| strip_header(line).to_string()).trim().to_string()
}

fn from_json(line: &str) -> Option<String> {
    let record: Value = line.starts_with('{').then(|| serde_json::from_str(line).ok())??;
    let message = MESSAGE_FIELDS.iter().find_map(|name| record.get(*name)?.as_str())?;
    let error = ERROR_FIELDS.iter().find_map(|name| error_text(record.get(*name)?));
    // Many loggers repeat the error in the message.
    Some(match error.filter(|error| !message.contains(*error)) {
        Some(error) => format!("{message}: {error}"),
        None => message.to_string(),
    })
}

/// Returns the text of an error field: a string, or an object with a message field.
fn error_text(value: &Value) -> Option<&str> {
    let inner = || MESSAGE_FIELDS.iter().find_map(|name| value.get(*name)?.as_str());
    value.as_str().or_else(inner).filter(|text| !text.trim().is_empty())
}

fn from_logfmt(line: &str) -> Option<String> {
    let found = LOGFMT.captures(line)?;
    let quoted = found.get(1).map(|quoted| quoted.as_str().replace("\\\"", "\""));
    quoted.or_else(|| Some(found.get(2)?.as_str().to_string()))
}

/// Strips the time and level before the message.
pub fn strip_header(line: &str) -> &str {
    let mut rest = line;
    while let Some(header) = HEADER.find(rest).filter(|found| !found.is_empty() && found.end() < rest.len()) {
        rest = &rest[header.end()..];
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_of_trouble_has_a_stem() {
        for record in ["TypeError: x", "npm ERR! x", "x refused", "Unauthorised", "ECONNRESET", "EPIPE"] {
            assert!(is_trouble(record), "{record}");
            let record = record.to_ascii_lowercase();
            assert!(TROUBLE_STEMS.iter().any(|stem| record.contains(stem)), "{record}");
        }
    }

    #[test]
    fn extracts_the_message_from_common_log_formats() {
        for (line, expected) in [
            ("[2026-01-07 16:55:09] error: [Worker] no row", "[Worker] no row"),
            (
                "2026-11-26T15:02:57.731Z ERROR 1 --- [identity] Kafka connection error: refused",
                "[identity] Kafka connection error: refused",
            ),
            ("2026-01-07 16:55:09,123 [ERROR] no row", "no row"),
            ("2026/01/07 16:55:09 failed", "failed"),
            ("WARN  no row", "no row"),
            ("error", "error"),
            ("Error: connect ECONNREFUSED", "Error: connect ECONNREFUSED"),
            ("information is power", "information is power"),
            (r#"{"level":"error","msg":"[Worker] no row","offset":1}"#, "[Worker] no row"),
            (r#"{"message":"failed","err":{"message":"no row"}}"#, "failed: no row"),
            (r#"{"message":"failed: no row","error":"no row"}"#, "failed: no row"),
            (r#"{"level":50}"#, r#"{"level":50}"#),
            (r#"ts=2026 level=error msg="job \"7\" failed" id=7"#, r#"job "7" failed"#),
            ("level=error msg=failed id=7", "failed"),
            ("", ""),
        ] {
            assert_eq!(extract(line), expected, "{line}");
        }
    }
}
