//! Log records in JSON: pino, winston, logstash, zap, slog, zerolog, Serilog, structlog, bunyan, tracing,
//! PostgreSQL and others.

use super::error_chain;
use super::header;
use super::level::Level;
use super::record::LogRecord;
use super::time::from_json as time_from_json;
use serde_json::{Map, Value};

const LEVELS: [&str; 13] = [
    "level_name",
    "levelname",
    "level",
    "severity",
    "lvl",
    "log.level",
    "@l",
    "Level",
    "LogLevel",
    "loglevel",
    "severity_text",
    "severityText",
    "error_severity",
];
const TIMES: [&str; 9] =
    ["time", "timestamp", "@timestamp", "@t", "ts", "datetime", "Timestamp", "date", "asctime"];
/// Keys of the message. A rendered one comes before its template.
const MESSAGES: [&str; 11] = [
    "message",
    "msg",
    "@m",
    "@mt",
    "RenderedMessage",
    "MessageTemplate",
    "event",
    "text",
    "Message",
    "body",
    "log",
];
/// Keys of objects that hold the fields of a record.
const NESTED: [&str; 5] = ["fields", "data", "log", "attributes", "metadata"];
/// Keys of an error: a text, or an object with a type, a message, a stack and a cause.
const ERRORS: [&str; 28] = [
    "err",
    "error",
    "exception",
    "Exception",
    "@x",
    "exc_info",
    "excinfo",
    "stack_trace",
    "stackTrace",
    "stacktrace",
    "stack",
    "trace",
    "traceback",
    "cause",
    "reason",
    "error.message",
    "error.stack_trace",
    "exception.message",
    "exception.stacktrace",
    "error_message",
    "errorMessage",
    "err_msg",
    "error_description",
    "failure",
    "thrown",
    "detail",
    "details",
    "upstream_transport_failure_reason",
];
const TYPES: [&str; 7] = ["type", "name", "class", "exceptionType", "exception_class", "kind", "Type"];
/// Keys of a code that says what went wrong.
const CODES: [&str; 9] = [
    "code",
    "errno",
    "sqlState",
    "sqlstate",
    "SqlState",
    "state_code",
    "error_code",
    "errorCode",
    "err_code",
];
const STATUSES: [&str; 6] =
    ["status", "statusCode", "status_code", "http_status", "httpStatus", "http.status_code"];

/// How deep causes of causes are read.
const MAX_CAUSES: usize = 10;

/// Reads a line that is one JSON object, or one with text before or after it.
pub(super) fn parse(line: &str) -> Option<LogRecord> {
    if !line.starts_with('{') {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(line).ok()?;
    let nested: Vec<&Map<String, Value>> =
        NESTED.iter().filter_map(|key| object.get(*key)?.as_object()).collect();
    let objects = || std::iter::once(&object).chain(nested.iter().copied());
    let message = objects().find_map(|object| first(object, &MESSAGES, |value| value.as_str()));
    let level = objects().find_map(|object| first(object, &LEVELS, Level::from_json));
    // Serilog leaves out the level of normal records.
    let level = level.or_else(|| object.contains_key("@mt").then_some(Level::Info));
    let mut record = LogRecord {
        time: first(&object, &TIMES, time_from_json),
        level,
        message: message.unwrap_or_default().trim().to_string(),
        errors: Vec::new(),
    };
    // A message may be a record of another logger.
    if let Some(inner) = message.filter(|message| message.starts_with('{')).and_then(parse) {
        record.message = inner.message;
        record.level = record.level.max(inner.level);
        record.errors = inner.errors;
    } else if level.is_none() {
        record.level = header::parse(&record.message).level;
    }
    let (head, rest) = record.message.split_once('\n').unwrap_or((&record.message, ""));
    let mut errors = vec![with_codes(head, objects())];
    error_chain::add(rest, &mut errors);
    for object in objects() {
        for value in ERRORS.iter().filter_map(|key| object.get(*key)) {
            add_error(value, MAX_CAUSES, &mut errors);
        }
    }
    errors.append(&mut record.errors);
    record.errors = errors;
    Some(record)
}

/// Returns the value of the first key that has one.
fn first<'a, T>(
    object: &'a Map<String, Value>,
    keys: &[&str],
    read: impl Fn(&'a Value) -> Option<T>,
) -> Option<T> {
    keys.iter().find_map(|key| read(object.get(*key)?))
}

/// Adds the codes beside a message: `no row (code 42P01)`, `refused (status code 503)`.
fn with_codes<'a>(message: &str, objects: impl Iterator<Item = &'a Map<String, Value>>) -> String {
    let mut text = message.trim().to_string();
    for object in objects {
        for value in CODES.iter().filter_map(|key| object.get(*key)) {
            let code = value.as_str().map(str::to_string).or_else(|| Some(value.as_i64()?.to_string()));
            if let Some(code) = code.filter(|code| !code.is_empty() && !text.contains(code.as_str())) {
                text.push_str(&format!(" (code {code})"));
            }
        }
        for value in STATUSES.iter().filter_map(|key| object.get(*key)) {
            let status = value.as_str().map(str::to_string).or_else(|| Some(value.as_u64()?.to_string()));
            if let Some(status) =
                status.filter(|status| status.starts_with(['4', '5']) && !text.contains(status.as_str()))
            {
                text.push_str(&format!(" (status code {status})"));
            }
        }
    }
    text
}

/// Adds an error and its causes.
fn add_error(value: &Value, depth: usize, errors: &mut Vec<String>) {
    match value {
        Value::String(text) => add_text(text, errors),
        Value::Array(causes) if depth > 0 => {
            causes.iter().take(MAX_CAUSES).for_each(|cause| add_error(cause, depth - 1, errors));
        }
        Value::Object(error) if depth > 0 => {
            let kind = first(error, &TYPES, Value::as_str);
            let message = first(error, &MESSAGES, Value::as_str).unwrap_or_default();
            let text = match kind.filter(|kind| !message.contains(kind)) {
                Some(kind) if !message.is_empty() => format!("{kind}: {message}"),
                Some(kind) => kind.to_string(),
                None => message.to_string(),
            };
            let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
            errors.push(with_codes(head, std::iter::once(error)));
            error_chain::add(rest, errors);
            for value in ["stack", "stack_trace", "backtrace", "trace"]
                .iter()
                .filter_map(|key| error.get(*key)?.as_str())
            {
                add_text(value, errors);
            }
            let causes = [
                "cause",
                "parent",
                "original",
                "previous",
                "inner",
                "innerException",
                "InnerException",
                "driverError",
                "errors",
                "response",
                "data",
                "reason",
            ];
            causes
                .iter()
                .filter_map(|key| error.get(*key))
                .for_each(|cause| add_error(cause, depth - 1, errors));
        }
        _ => {}
    }
}

/// Adds the text of an error, which may have causes on further lines.
fn add_text(text: &str, errors: &mut Vec<String>) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let mut chain = Vec::new();
    error_chain::add(text, &mut chain);
    // A stack begins with the error that it belongs to.
    chain.retain(|error| !errors.iter().any(|known| known.contains(error.as_str())));
    errors.append(&mut chain);
}
