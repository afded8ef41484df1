//! Errors, and whether to keep waiting for the other system.

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};

/// An error, worded as in log records.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// The SQLSTATE, if PostgreSQL sent one.
    code: Option<String>,
    unavailable: bool,
}

impl Failure {
    /// Creates a failure that counts as an attempt: the other system answered with an error.
    pub fn error(error: &dyn fmt::Display) -> Self {
        Self { message: reference_wording(&error.to_string()), code: None, unavailable: false }
    }

    /// Creates a failure that is retried without limit: the other system is unreachable.
    pub fn unavailable(error: &dyn fmt::Display) -> Self {
        Self { unavailable: true, ..Self::error(error) }
    }

    pub fn is_unavailable(&self) -> bool {
        self.unavailable
    }

    /// Returns the metadata for a log record.
    pub fn meta(&self) -> Value {
        match &self.code {
            Some(code) => json!({ "code": code }),
            None => json!({}),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(reason) = error.as_db_error() else {
            let lost = error.is_closed() || chain(&error).contains("communicating");
            return Self { unavailable: lost, ..Self::error(&chain(&error)) };
        };
        let code = reason.code().code();
        Self {
            message: reason.message().to_owned(),
            code: Some(code.to_owned()),
            // The server is shutting down, starting up, or out of connections.
            unavailable: code.starts_with("57P") || code.starts_with("53"),
        }
    }
}

/// Returns the error and its sources on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Rewords errors about refused connections and unknown host names in the style of the
/// reference deployment, whose operators search the logs for these words.
fn reference_wording(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(address) = between(&text, "Connect to ", " failed: Connection refused") {
        let address = address.trim_start_matches("ipv4#").trim_start_matches("ipv6#");
        return format!("connect ECONNREFUSED {}", address.replace(['[', ']'], ""));
    }
    if let Some(host) = between(&text, "Failed to resolve '", "'") {
        let host = host.split(':').next().unwrap_or_default();
        return format!("getaddrinfo ENOTFOUND {host}");
    }
    if text.contains("Connection refused (os error") {
        text = text.replace("Connection refused (os error 111)", "ECONNREFUSED");
    }
    text
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

#[cfg(test)]
mod tests {
    use super::reference_wording;

    #[test]
    fn words_connection_errors_like_the_reference_deployment() {
        for (original, expected) in [
            (
                "kafka:9092/bootstrap: Connect to ipv6#[::1]:9092 failed: Connection refused (after 0ms)",
                "connect ECONNREFUSED ::1:9092",
            ),
            ("Failed to resolve 'kafka:9092': Name or service not known", "getaddrinfo ENOTFOUND kafka"),
            ("duplicate key value", "duplicate key value"),
        ] {
            assert_eq!(reference_wording(original), expected);
        }
    }
}
