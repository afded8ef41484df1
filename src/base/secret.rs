//! Secrets never leave: a type that prints `***`, and the redaction of text
//! that comes from elsewhere.

use regex::Regex;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::LazyLock;
use url::Url;

/// What stands in the place of a secret, everywhere.
pub const MASK: &str = "***";

/// A value that must not be shown. `Debug`, `Display` and `Serialize` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value read from a flag, an environment or a container.
    pub fn new(value: impl Into<String>) -> Self {
        Secret(value.into())
    }

    /// The value itself: only for handing it to the system that it opens.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Secret::new(value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// Secrets inside of free text, each as: what stays before, what is masked.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // scheme://user:password@host; the password may hold an @ itself.
        r#"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"']*:)[^\s/"']+(?P<end>@)"#,
        // Authorization headers, bearer tokens.
        r"(?i)(?P<keep>\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}(?P<end>)",
        // password=…, "apiKey": "…", AWS_SECRET_ACCESS_KEY=…
        r#"(?i)(?P<keep>[a-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[a-z0-9_.-]*\\?["']?\s*[:=]\s*\\?["']?)[^\s"'\\,;&}]+(?P<end>)"#,
        // JSON web tokens.
        r"(?P<keep>)\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?P<end>)",
    ]
    .into_iter()
    .map(|pattern| Regex::new(pattern).expect("a constant pattern"))
    .collect()
});

/// Free text (a log record, an error of a client) without its secrets.
pub fn redact(text: &str) -> String {
    let mut text = text.to_string();
    for pattern in SECRETS.iter() {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, format!("${{keep}}{MASK}${{end}}")).into_owned();
        }
    }
    text
}

/// An address as it may be shown: `postgres://app@db:5432/shop`, no password,
/// no parameter that could hold one.
pub fn shown_url(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) => {
            // Both fail only for addresses that cannot hold a password.
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string().trim_end_matches('/').to_string()
        }
        Err(_) => redact(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars_in_every_way() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn passwords_are_taken_out_of_addresses() {
        assert_eq!(
            shown_url("postgres://app:hunter2@db:5432/shop?password=x"),
            "postgres://app@db:5432/shop"
        );
        assert_eq!(shown_url("http://localhost:3010"), "http://localhost:3010");
    }

    #[test]
    fn text_is_redacted_and_stays_readable() {
        let cases = [
            ("connect postgres://app:hun@ter2@db/x failed", "connect postgres://app:***@db/x failed"),
            ("password=hunter2 next", "password=*** next"),
            (r#"{"apiKey":"hunter2","n":1}"#, r#"{"apiKey":"***","n":1}"#),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
            (r#"{\"password\":\"hunter2\"}"#, r#"{\"password\":\"***\"}"#),
            ("AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"),
            (
                "user 1fa90c93-ea40-4ba9-a7bf-4ed47e735b91 paid",
                "user 1fa90c93-ea40-4ba9-a7bf-4ed47e735b91 paid",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
    }
}
