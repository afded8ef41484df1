//! Keeps secrets out of all output: a type that prints `***`, the masking of secrets in text from
//! outside, and the values that are known to be secret.

mod addresses;
mod clean_texts;
mod known;
mod scan;
mod tokens;

pub use addresses::{names_of_address, secrets_of_address};
pub use known::{add_environment, add_known, add_names};
pub use scan::is_secret_value;
pub use tokens::{MASK_PREFIX, count_tokens, renumber, token};

use serde::{Serialize, Serializer};
use std::fmt;
use url::Url;

/// Printed instead of a [`Secret`].
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

/// Replaces the secrets in a text, such as a log record or an error of a client, by tokens:
/// `password=<secret:1>`. The same value has the same token during the whole run.
pub fn redact(text: &str) -> String {
    if clean_texts::contains(text) {
        return text.to_string();
    }
    let redacted = redact_found(text);
    clean_texts::add(&redacted);
    redacted
}

fn redact_found(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut at = 0;
    for found in scan::secrets(text) {
        redacted.push_str(&text[at..found.range.start]);
        let token = tokens::token(&text[found.range.clone()]);
        redacted.push_str(&format!("{}{token}{}", found.quote, found.quote));
        at = found.range.end;
    }
    redacted.push_str(&text[at..]);
    redacted
}

/// Replaces the secrets in a text that leaves the program: those that [`redact`] finds, and the known
/// values of [`add_known`] wherever they occur.
pub fn withhold(text: &str) -> String {
    let redacted = redact(text);
    known::mask(&redacted).unwrap_or(redacted)
}

/// Returns an address without its password, query and fragment: `postgres://app@db:5432/shop`. The user
/// of a web address is left out, too, because it may be a token. An address that cannot be parsed is
/// withheld as a whole.
pub fn redact_url(address: &str) -> String {
    let Some(mut url) = Url::parse(address).ok().filter(|url| url.has_host() || url.scheme() == "unix")
    else {
        return if is_plain_place(address) { address.to_string() } else { tokens::token(address) };
    };
    let is_web = matches!(url.scheme(), "http" | "https" | "ws" | "wss" | "tcp");
    // Fails only for URLs that cannot have a login.
    let _ = url.set_password(None);
    if is_web {
        let _ = url.set_username("");
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = if is_web { redact_path(url.path()) } else { url.path().to_string() };
    let shown = url.as_str().strip_suffix(url.path()).map(|place| format!("{place}{path}"));
    // What looks like a path may be the end of a password.
    redact(shown.as_deref().unwrap_or(url.as_str())).trim_end_matches('/').to_string()
}

/// Reports whether an address is shown whole, because nothing in it may be a secret.
pub fn shows_all(address: &str) -> bool {
    // Parsing drops a default port and adds a slash, neither of which hides anything.
    let whole = Url::parse(address).map_or_else(|_| address.to_string(), |url| url.to_string());
    redact(address) == address && redact_url(address) == whole.trim_end_matches('/')
}

/// Replaces the parts of a path that look like tokens. Words and versions stay: requests need them.
fn redact_path(path: &str) -> String {
    let shown = |part: &str| match scan::looks_generated(part) {
        true => tokens::token(part),
        false => part.to_string(),
    };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

/// Returns an image reference without a login: `user:password@registry/image`.
pub fn redact_image(reference: &str) -> String {
    let registry = reference.split('/').next().unwrap_or_default();
    match registry.rsplit_once('@') {
        Some((login, _)) if registry.len() < reference.len() => {
            format!("{}{}", tokens::token(login), &reference[login.len()..])
        }
        _ => redact(reference),
    }
}

/// Reports whether a text is a host with a port, a path or a name, which hold no secret.
fn is_plain_place(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/,[]\\".contains(&byte))
        && redact(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_begin_with_an_exclamation_mark() {
        assert_eq!(redact("password: !vault Zq8s7d6f5g4h").matches("<secret:").count(), 1);
        assert!(!redact("password: !Zq8s7d6f5g4h").contains("Zq8s7d"));
        // Forty bytes after the mark are in the middle of a letter.
        redact(
            "Authorization: !\u{b3e}0\u{1f300}\u{1fa70}!\\\u{1d400}\u{ab5}!!\u{11a0b}\u{a1}\u{1a1e}\u{85e}``",
        );
        redact(&format!("password: !{}", "\u{85e}".repeat(40)));
    }

    #[test]
    fn a_secret_always_prints_as_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn removes_passwords_from_urls() {
        for (address, expected) in [
            ("postgres://app:hunter2@db:5432/shop?password=x", "postgres://app@db:5432/shop"),
            ("http://localhost:3010", "http://localhost:3010"),
            ("http://t0ken:@api:80/x?sig=1#y", "http://api/x"),
            ("http://api/v2beta1/s3/Abc123XyZ/x", "http://api/v2beta1/s3/<secret:1>/x"),
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("localhost:2375", "localhost:2375"),
            ("postgres://app:hun/ter2@db:5432/shop", "<secret:2>"),
            ("http://app:hun ter2", "<secret:3>"),
        ] {
            assert_eq!(redact_url(address), expected, "{address}");
        }
    }

    #[test]
    fn redacts_secrets_and_keeps_the_rest() {
        let cases = [
            ("connect postgres://app:hun@ter2@db/x failed", "connect postgres://app:<secret:1>@db/x failed"),
            ("password=hunter2 next", "password=<secret:2> next"),
            (r#"{"apiKey":"hunter2","n":1}"#, r#"{"apiKey":"<secret:2>","n":1}"#),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer <secret:3>"),
            (r#"{\"password\":\"hunter2\"}"#, r#"{\"password\":\"<secret:2>\"}"#),
            ("AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=<secret:2>"),
            (
                "user 1fa90c93-ea40-4ba9-a7bf-4ed47e735b91 paid",
                "user 1fa90c93-ea40-4ba9-a7bf-4ed47e735b91 paid",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
            assert_eq!(redact(expected), expected);
        }
    }

    #[test]
    fn known_values_are_masked_as_they_are_or_encoded() {
        add_known(["s3cret/pass word".to_string(), "app".to_string(), "shipments".to_string()]);
        add_names(["shipments".to_string()]);
        for (text, expected) in [
            ("x s3cret/pass word y", "x <secret:1> y"),
            ("x s3cret%2Fpass%20word y", "x <secret:1> y"),
            ("x s3cret%2fpass+word y", "x <secret:1> y"),
            // base64 of app:s3cret/pass word
            ("x YXBwOnMzY3JldC9wYXNzIHdvcmQ= y", "x <secret:2> y"),
            ("psql -U app shipments", "psql -U app shipments"),
        ] {
            assert_eq!(withhold(text), expected);
        }
    }

    #[test]
    fn an_address_tells_its_secrets() {
        let secrets = secrets_of_address("postgres://app:hun%40ter2@db/x?password=other123");
        assert_eq!(secrets, ["hun%40ter2", "hun@ter2", "other123"]);
    }

    #[test]
    fn image_reference_shows_no_login() {
        for (reference, expected) in [
            ("bob:hunter2@registry.example/shop/api:1", "<secret:1>@registry.example/shop/api:1"),
            ("shop/api@sha256:0123", "shop/api@sha256:0123"),
            ("registry:5000/api:1", "registry:5000/api:1"),
        ] {
            assert_eq!(redact_image(reference), expected);
        }
    }
}
