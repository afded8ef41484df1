//! What a log record says, without the time, level and fields that stand around it.

use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// What a record in JSON calls its message, and the trouble that it tells of.
const SAID: [&str; 4] = ["msg", "message", "text", "event"];
const TROUBLE: [&str; 5] = ["err", "error", "exception", "reason", "cause"];

/// Time, level, process and thread as most loggers write them before a message.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\s?[+-]\d\d:?\d\d)?";
    // `Error: …` begins what many languages print of an error.
    let level = "(?:trace|debug|info|notice|warn|warning|error|err|fatal|critical|severe\
                 |TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|SEVERE)";
    let pattern = format!(
        r"^(?:\[[\d T:.,Z+/-]+\]|{time}|\[?\b{level}\b\]?:?(?:\s|$)|\d+\s+---|\[\s*{level}\s*\]|[-|]\s)\s*"
    );
    Regex::new(&pattern).expect("a constant pattern")
});

/// What tells of trouble, in whatever language it is logged.
static TROUBLE_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i:\b(?:error|err!|fatal|warn|warning|critical|panic|panicked|exception|traceback)\b)";
    let outcomes = r"(?i:\b(?:failed|failure|denied|refused|unauthori[sz]ed)\b)";
    let names = r#"[a-z](?:Error|Exception|Failed)\b|"level":(?:40|50|60)\b|\b(?:ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE)\b"#;
    Regex::new(&format!("{words}|{outcomes}|{names}")).expect("a constant pattern")
});

/// Whether a record tells of trouble: the one definition, for what is kept of a log and
/// for what is concluded from it.
pub fn is_trouble(text: &str) -> bool {
    TROUBLE_WORDS.is_match(text)
}

/// `msg="…"` among `key=value`.
static LOGFMT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|\s)(?:msg|message)=(?:"((?:[^"\\]|\\.)*)"|(\S+))"#).expect("a constant pattern")
});

/// The message of a record's line.
pub fn of(line: &str) -> String {
    let line = line.trim();
    let said = of_json(line).or_else(|| of_logfmt(line));
    said.unwrap_or_else(|| without_head(line).to_string()).trim().to_string()
}

fn of_json(line: &str) -> Option<String> {
    let record: Value = line.starts_with('{').then(|| serde_json::from_str(line).ok())??;
    let said = SAID.iter().find_map(|name| record.get(*name)?.as_str())?;
    let trouble = TROUBLE.iter().find_map(|name| text_of(record.get(*name)?));
    // Many say it in the message, too.
    Some(match trouble.filter(|trouble| !said.contains(*trouble)) {
        Some(trouble) => format!("{said}: {trouble}"),
        None => said.to_string(),
    })
}

/// An error is a text, or an object with one.
fn text_of(value: &Value) -> Option<&str> {
    let inner = || SAID.iter().find_map(|name| value.get(*name)?.as_str());
    value.as_str().or_else(inner).filter(|text| !text.trim().is_empty())
}

fn of_logfmt(line: &str) -> Option<String> {
    let found = LOGFMT.captures(line)?;
    let quoted = found.get(1).map(|quoted| quoted.as_str().replace("\\\"", "\""));
    quoted.or_else(|| Some(found.get(2)?.as_str().to_string()))
}

/// A record without time and level before its message.
pub fn without_head(line: &str) -> &str {
    let mut rest = line;
    while let Some(head) = HEAD.find(rest).filter(|head| !head.is_empty() && head.end() < rest.len()) {
        rest = &rest[head.end()..];
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stands_by_itself() {
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
            assert_eq!(of(line), expected, "{line}");
        }
    }
}
