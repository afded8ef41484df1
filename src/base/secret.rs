//! Keeps secrets out of all output, with a type that prints `***` and redaction of external text.

use regex::Regex;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::LazyLock;
use url::Url;

/// Replaces every secret.
pub const MASK: &str = "***";

/// A secret value. `Debug`, `Display` and `Serialize` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value read from a flag, an environment variable or a container.
    pub fn new(value: impl Into<String>) -> Self {
        Secret(value.into())
    }

    /// Returns the plain value. Use it only to authenticate.
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

/// Patterns for secrets in free text. The groups `keep` and `end` are kept, and the text between
/// them is masked.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // scheme://user:password@host; the password may contain an @.
        r#"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"']*:)[^\s/"']+(?P<end>@)"#,
        // Authorization headers, bearer tokens.
        r"(?i)(?P<keep>\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}(?P<end>)",
        // password=…, "apiKey": "…", AWS_SECRET_ACCESS_KEY=…
        r#"(?i)(?P<keep>[a-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[a-z0-9_.-]*\\?["']?\s*[:=]\s*\\?["']?)[^\s"'\\,;&}]+(?P<end>)"#,
        // JSON Web Tokens.
        r"(?P<keep>)\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?P<end>)",
    ]
    .into_iter()
    .map(|pattern| Regex::new(pattern).expect("constant pattern is valid"))
    .collect()
});

/// Masks the secrets in free text, such as a log record or a client error.
pub fn redact(text: &str) -> String {
    let mut text = text.to_string();
    for pattern in SECRETS.iter() {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, format!("${{keep}}{MASK}${{end}}")).into_owned();
        }
    }
    text
}

/// Removes the password and all query parameters from a URL:
/// `postgres://app@db:5432/shop`.
pub fn redact_url(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) => {
            // Fails only for URLs that cannot have a password.
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
    fn a_secret_always_prints_as_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn removes_passwords_from_urls() {
        assert_eq!(
            redact_url("postgres://app:hunter2@db:5432/shop?password=x"),
            "postgres://app@db:5432/shop"
        );
        assert_eq!(redact_url("http://localhost:3010"), "http://localhost:3010");
    }

    #[test]
    fn redacts_secrets_and_keeps_the_rest() {
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
