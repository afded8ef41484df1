//! Decides by its name whether a key's value is a secret.

use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// What a secret key's value is, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A password, which a sentence may state, too: `password is "x"`.
    Password,
    /// A secret or a key.
    Secret,
    /// A token; short words and numbers are none.
    Token,
    /// A name that is often something else, such as `auth`, `pass` or `session`.
    Weak,
    /// A name that only mentions a secret, such as `token_cache`.
    Mention,
    /// An `Authorization` header: a scheme and its credentials.
    Authorization,
    /// A `Cookie` or `Set-Cookie` header.
    Cookie,
}

/// Longest name of a key, in bytes; of a longer one, the end decides.
const MAX_KEY: usize = 100;

/// Roots without which no name is secret.
pub(super) const ROOTS: [&str; 24] = [
    "pass", "pwd", "pw", "secret", "token", "key", "auth", "cred", "cookie", "sess", "sid", "sig", "hmac",
    "jwt", "pin", "cvv", "cvc", "otp", "csrf", "xsrf", "psk", "bearer", "pepper", "kennwort",
];

const PASSWORDS: [&str; 8] =
    ["password", "passwords", "passwd", "passwort", "passphrase", "passcode", "pwd", "kennwort"];

/// Words that are passwords if they stand alone, or at the end of one of these glued names.
const SHORT_PASSWORDS: [&str; 10] = [
    "pass",
    "pw",
    "dbpass",
    "userpass",
    "storepass",
    "keypass",
    "requirepass",
    "masterauth",
    "smtppass",
    "authpass",
];

/// Endings of words that are secrets by themselves.
const SECRETS: [&str; 15] = [
    "secret",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "privkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "authkey",
    "accountkey",
    "sharedkey",
    "cryptkey",
    "hmac",
    "psk",
];

/// Words that turn `key` into a secret.
const KEY_KINDS: [&str; 45] = [
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "signature",
    "encryption",
    "encrypt",
    "decryption",
    "decrypt",
    "master",
    "account",
    "storage",
    "shared",
    "auth",
    "authentication",
    "authorization",
    "service",
    "ssh",
    "hmac",
    "deploy",
    "write",
    "session",
    "crypt",
    "crypto",
    "subscription",
    "consumer",
    "sas",
    "client",
    "server",
    "cipher",
    "aes",
    "rsa",
    "des",
    "jwt",
    "app",
    "application",
    "admin",
    "license",
    "host",
    "webhook",
    "functions",
    "integration",
    "tls",
    "ssl",
];

const WEAK: [&str; 26] = [
    "auth",
    "session",
    "sid",
    "sessid",
    "sessionid",
    "jsessionid",
    "phpsessid",
    "signature",
    "sig",
    "pin",
    "cvv",
    "cvc",
    "credential",
    "credentials",
    "creds",
    "otp",
    "totp",
    "csrf",
    "xsrf",
    "pepper",
    "bearer",
    "authz",
    "authentication",
    "rediscliauth",
    "sas",
    "pat",
];

/// Words before `token` that make it a position in a list.
const NO_TOKENS: [&str; 12] = [
    "partition",
    "page",
    "paging",
    "continuation",
    "cancellation",
    "cancel",
    "fencing",
    "pagination",
    "cursor",
    "sync",
    "resume",
    "unexpected",
];

/// Words after the secret's name that change nothing.
const QUALIFIERS: [&str; 53] = [
    "prod",
    "production",
    "dev",
    "test",
    "staging",
    "live",
    "old",
    "new",
    "current",
    "previous",
    "primary",
    "secondary",
    "admin",
    "root",
    "user",
    "value",
    "val",
    "plain",
    "plaintext",
    "text",
    "raw",
    "base",
    "hash",
    "hashed",
    "enc",
    "encrypted",
    "confirmation",
    "confirm",
    "confirmed",
    "repeat",
    "again",
    "base64",
    "b64",
    "string",
    "str",
    "data",
    "json",
    "pem",
    "string2",
    "default",
    "master",
    "replica",
    "main",
    "db",
    "database",
    "app",
    "api",
    "v1",
    "v2",
    "v3",
    "digest",
    "rw",
    "ro",
];

/// Words after the secret's name that make it something else.
const ABOUT: [&str; 63] = [
    "header",
    "name",
    "names",
    "arn",
    "url",
    "uri",
    "file",
    "files",
    "path",
    "dir",
    "at",
    "time",
    "date",
    "type",
    "id",
    "ids",
    "count",
    "counts",
    "length",
    "len",
    "size",
    "ttl",
    "expiry",
    "expires",
    "expiration",
    "age",
    "rotation",
    "policy",
    "provider",
    "version",
    "endpoint",
    "host",
    "port",
    "status",
    "state",
    "enabled",
    "required",
    "valid",
    "reset",
    "resets",
    "store",
    "scope",
    "scopes",
    "issuer",
    "audience",
    "algorithm",
    "alg",
    "mechanism",
    "method",
    "prefix",
    "format",
    "limit",
    "budget",
    "usage",
    "bucket",
    "ref",
    "manager",
    "service",
    "worker",
    "topic",
    "group",
    "table",
    "hint",
];

/// Finds a root in a name. Most names have none.
static ANY_ROOT: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let builder = AhoCorasick::builder().ascii_case_insensitive(true).build(ROOTS);
    builder.expect("a few constant words")
});

/// Returns what the value of `key` is, or `None` if the name does not make it a secret.
pub(super) fn classify(key: &str) -> Option<Kind> {
    let key = &key[key.ceil_char_boundary(key.len().saturating_sub(MAX_KEY))..];
    if key.len() < 2 || !ANY_ROOT.is_match(key) {
        return None;
    }
    let words = words(key);
    let all: Vec<&str> = words.iter().map(String::as_str).collect();
    let last = (0..all.len()).rev().find_map(|at| Some((at, noun(&all[..=at])?)))?;
    let (at, kind) = last;
    let rest = &all[at + 1..];
    let is_qualifier =
        |word: &&str| QUALIFIERS.contains(word) || word.bytes().all(|byte| byte.is_ascii_digit());
    match () {
        () if rest.iter().all(is_qualifier) => Some(kind),
        () if rest == ["id"] && matches!(all[at], "session" | "secret") => Some(Kind::Weak),
        () if rest.last().is_some_and(|word| ABOUT.contains(word)) => None,
        () => Some(Kind::Mention),
    }
}

/// Returns what the last of the words is, given those before it.
fn noun(words: &[&str]) -> Option<Kind> {
    let (word, before) = words.split_last()?;
    let previous = before.last().copied().unwrap_or_default();
    match *word {
        "authorization" if !["www"].contains(&previous) => Some(Kind::Authorization),
        "cookie" | "cookies" => Some(Kind::Cookie),
        "word" | "phrase" | "code" if previous == "pass" => Some(Kind::Password),
        word if PASSWORDS.iter().any(|noun| word.ends_with(noun)) => Some(Kind::Password),
        "pass" | "pw" if before.is_empty() => Some(Kind::Token),
        word if SHORT_PASSWORDS.contains(&word) => Some(Kind::Password),
        word if SECRETS.iter().any(|noun| word.ends_with(noun)) => Some(Kind::Secret),
        "key" if KEY_KINDS.contains(&previous) => Some(Kind::Secret),
        "token" if NO_TOKENS.contains(&previous) => None,
        "jwt" => Some(Kind::Token),
        word if word.ends_with("token") => Some(Kind::Token),
        word if WEAK.contains(&word) => Some(Kind::Weak),
        _ => None,
    }
}

/// Splits a name at punctuation and at changes of case, in lower case: `dbAPIKey_2` → `db`,
/// `api`, `key`, `2`.
fn words(key: &str) -> Vec<String> {
    let bytes = key.as_bytes();
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    for (at, byte) in bytes.iter().copied().enumerate() {
        if !byte.is_ascii_alphanumeric() {
            begins = true;
            continue;
        }
        let previous = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let next_is_lower = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let begins_word = byte.is_ascii_uppercase()
            && (previous.is_ascii_lowercase() || previous.is_ascii_uppercase() && next_is_lower)
            || byte.is_ascii_digit() != previous.is_ascii_digit() && previous.is_ascii_digit();
        if begins || begins_word {
            words.push(String::new());
        }
        begins = false;
        if let Some(word) = words.last_mut() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    // A number at the end of a word is a number: `password2`.
    for word in &mut words {
        let bare = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if !bare.is_empty() && (PASSWORDS.contains(&bare) || SECRETS.contains(&bare) || bare == "token") {
            word.truncate(bare.len());
        }
    }
    words
}

/// Names of keys whose value is the name of another value: `{"name": "DB_PASSWORD", "value": "x"}`.
pub(super) fn is_name_key(key: &str) -> bool {
    ["name", "key", "header", "field", "param", "property", "variable", "k"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}

/// Names of the key with the value that [`is_name_key`] names.
pub(super) fn is_value_key(key: &str) -> bool {
    ["value", "val", "v", "content", "stringvalue"].iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// Query parameters of URLs that are secret, besides those that [`classify`] knows.
const PARAMETERS: [&str; 12] = [
    "code",
    "key",
    "ticket",
    "assertion",
    "samlresponse",
    "samlrequest",
    "sign",
    "x-amz-credential",
    "x-goog-credential",
    "appid",
    "hdnts",
    "hdnea",
];

/// Reports whether a query parameter is secret because of its place in a URL.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_may_be_in_any_script() {
        assert_eq!(classify(&format!("{}_password", "日".repeat(100))), Some(Kind::Password));
    }

    #[test]
    fn the_last_words_of_a_name_decide() {
        for (key, expected) in [
            ("PGPASSWORD", Some(Kind::Password)),
            ("dbPassword", Some(Kind::Password)),
            ("DB_PASSWORD_PROD", Some(Kind::Password)),
            ("password2", Some(Kind::Password)),
            ("AWS_SECRET_ACCESS_KEY", Some(Kind::Secret)),
            ("SECRET_KEY_BASE", Some(Kind::Secret)),
            ("dbAPIKey", Some(Kind::Secret)),
            ("x-auth-token", Some(Kind::Token)),
            ("sessionId", Some(Kind::Weak)),
            ("REDIS_PASS", Some(Kind::Password)),
            ("Proxy-Authorization", Some(Kind::Authorization)),
            ("Set-Cookie", Some(Kind::Cookie)),
            ("SharedAccessKeyName", None),
            ("tokens", None),
            ("max_tokens", None),
            ("token_type", None),
            ("access_key_rotation", None),
            ("partition_token", None),
            ("partition_key", None),
            ("secretary", None),
            ("author", None),
            ("compass", None),
            ("password-reset", None),
            ("api_keys_count", None),
        ] {
            assert_eq!(classify(key), expected, "{key}");
        }
    }
}
