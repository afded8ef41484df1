//! The values of `Authorization` and `Cookie` headers.

use super::base64::is_user_and_password;
use super::statements::is_statement;
use super::values::{is_masked, is_words, looks_random};
use std::ops::Range;

/// Schemes that are followed by one word.
const ONE_WORD: [&str; 12] = [
    "bearer",
    "basic",
    "token",
    "apikey",
    "negotiate",
    "ntlm",
    "splunk",
    "bot",
    "ssws",
    "geniekey",
    "key",
    "sharedkey",
];

/// Attributes of a cookie, which are no secrets.
const COOKIE_ATTRIBUTES: [&str; 7] =
    ["path", "domain", "expires", "max-age", "samesite", "priority", "version"];

/// Returns the word that begins at or after `at`, up to `limit`.
fn word(text: &str, at: usize, limit: usize) -> Range<usize> {
    let bytes = &text.as_bytes()[..limit];
    let start = (at..limit).find(|at| !bytes[*at].is_ascii_whitespace()).unwrap_or(limit);
    let end = (start..limit).find(|at| bytes[*at].is_ascii_whitespace()).unwrap_or(limit);
    start..end
}

/// Returns the credentials in the value of an `Authorization` header. `field` is where the header's
/// field may end, and `line` where it ends in any case.
pub(super) fn credentials(text: &str, start: usize, field: usize, line: usize) -> Option<Range<usize>> {
    let scheme = word(text, start, field);
    let name = &text[scheme.clone()];
    let second = word(text, scheme.end, field);
    let lower = name.to_ascii_lowercase();
    if is_masked(name) || name.is_empty() {
        return None;
    }
    if second.is_empty() {
        let is_none = is_statement(name) || is_words(name) && name.len() < 16;
        return (!is_none && !ONE_WORD.contains(&lower.as_str())).then_some(scheme);
    }
    let credentials = &text[second.clone()];
    if is_masked(credentials) {
        return None;
    }
    if ONE_WORD.contains(&lower.as_str()) {
        let is_none = is_statement(credentials);
        let parameters = credentials.contains("=\"");
        return (!is_none).then_some(if parameters { second.start..line } else { second });
    }
    let has_parameters = credentials.trim_end_matches('=').contains('=')
        || credentials.ends_with(',')
        || credentials.ends_with('=');
    if has_parameters || ["digest", "oauth", "hawk", "signature"].contains(&lower.as_str()) {
        let is_scheme = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let start = if is_scheme { second.start } else { scheme.start };
        return (!is_masked(&text[start..line])).then_some(start..line);
    }
    match () {
        () if is_statement(name) => None,
        () if looks_random(name, 12) => Some(scheme),
        () if is_words(credentials) => None,
        () => Some(second),
    }
}

/// Returns the values of cookies, from `start` to `limit`. A value ends at a space unless it is `quoted`.
pub(super) fn cookies(text: &str, start: usize, limit: usize, quoted: bool) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut values = Vec::new();
    let mut at = start;
    while at < limit {
        let first = word(text, at, limit);
        let part_end = (first.start..limit).find(|at| bytes[*at] == b';').unwrap_or(limit);
        let end = if quoted { part_end } else { part_end.min(first.end) };
        let part = &text[first.start..end];
        match part.split_once('=') {
            Some((name, _)) if COOKIE_ATTRIBUTES.contains(&name.to_ascii_lowercase().as_str()) => {}
            Some((name, value)) if !is_masked(value) => values.push(first.start + name.len() + 1..end),
            None if at == start && !is_statement(part) && !is_words(part) => values.push(first.start..end),
            _ => {}
        }
        if end < part_end || part_end == limit {
            break;
        }
        at = part_end + 1;
    }
    values.retain(|value| !value.is_empty());
    values
}

/// Returns the credentials after a scheme's name that stands in a sentence: `Bearer x`.
pub(super) fn after_scheme(text: &str, scheme: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.as_bytes().get(at..)?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let length = rest[spaces..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(byte))
        .count();
    let value = text.get(at + spaces..at + spaces + length)?.trim_end_matches('.');
    let is_parameter = value.ends_with('=') && text[at + spaces + length..].starts_with('"');
    let is_secret = match scheme {
        _ if is_parameter => false,
        "basic" => is_user_and_password(value),
        _ => value.len() >= 6 && !is_words(value) && !is_statement(value),
    };
    (spaces > 0 && is_secret).then(|| at + spaces..at + spaces + value.len())
}
