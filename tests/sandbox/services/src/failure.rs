//! What went wrong, and whether trying again for longer can help.

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};

/// A failure, worded as a log record shows it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// The SQLSTATE, where PostgreSQL gave one.
    code: Option<String>,
    away: bool,
}

impl Failure {
    /// The other side answered, and not with what was asked for. Counts as an attempt.
    pub fn refused(error: &dyn fmt::Display) -> Self {
        Self { message: readable(&error.to_string()), code: None, away: false }
    }

    /// The other side cannot be reached: worth waiting for, however long.
    pub fn away(error: &dyn fmt::Display) -> Self {
        Self { away: true, ..Self::refused(error) }
    }

    pub fn is_away(&self) -> bool {
        self.away
    }

    /// What a log record adds to the message.
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
            return Self { away: lost, ..Self::refused(&chain(&error)) };
        };
        let code = reason.code().code();
        Self {
            message: reason.message().to_owned(),
            code: Some(code.to_owned()),
            // Shutting down, starting up, or no connection left.
            away: code.starts_with("57P") || code.starts_with("53"),
        }
    }
}

/// The error and everything that caused it, as one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Says refused connections and unknown names in the words of the reference
/// deployment's services, which is what its operators search their logs for.
fn readable(text: &str) -> String {
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
    use super::readable;

    #[test]
    fn connection_errors_are_worded_as_the_reference_deployment_does() {
        for (said, wanted) in [
            (
                "kafka:9092/bootstrap: Connect to ipv6#[::1]:9092 failed: Connection refused (after 0ms)",
                "connect ECONNREFUSED ::1:9092",
            ),
            ("Failed to resolve 'kafka:9092': Name or service not known", "getaddrinfo ENOTFOUND kafka"),
            ("duplicate key value", "duplicate key value"),
        ] {
            assert_eq!(readable(said), wanted);
        }
    }
}
