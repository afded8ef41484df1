//! Removes the secrets from evidence, once, after everything was collected: in each text, and under the
//! keys that name one. The same value gets the same token everywhere.

use crate::base::secret::{self, add_names, count_tokens, is_secret_value, renumber, withhold};
use crate::evidence::run_evidence::Evidence;
use crate::text::log::shortened;

/// Keys whose values are names, which stay readable even if a secret has the same value.
const NAME_KEYS: [&str; 16] = [
    "name",
    "container",
    "service",
    "project",
    "database",
    "topic",
    "group",
    "table",
    "user",
    "host",
    "id",
    "pipeline",
    "client",
    "member",
    "group_id",
    "correlation_id",
];

/// Keys whose values are the pipeline's own regular expressions.
const PATTERN_KEYS: [&str; 1] = ["looked-for"];

/// The most bytes of a log record, about.
const MAX_RECORD: usize = 2_000;

/// Returns the evidence without secrets. Tokens are numbered in the order in which they appear in the
/// document, so that the same observations give the same document.
pub fn seal(evidence: &Evidence) -> Result<Evidence, serde_json::Error> {
    let document = serde_json::to_string(evidence)?;
    let mut names = Vec::new();
    each_string(&document, |text, place| {
        let is_name = place.is_key || place.key.is_some_and(|key| NAME_KEYS.contains(&key));
        if is_name {
            names.push(text.to_string());
        }
        None
    });
    add_names(names);
    let masked = each_string(&document, |text, place| masked(text, &place));
    let masked = renumber(&masked);
    let mut sealed: Evidence = serde_json::from_str(&masked)?;
    sealed.masked_values = count_tokens(&masked);
    for record in sealed.logs.values_mut().filter_map(|log| log.known_mut()).flat_map(|log| &mut log.records)
    {
        truncate(&mut record.text);
    }
    Ok(sealed)
}

/// Shortens a text, but cuts no token.
fn truncate(text: &mut String) {
    *text = shortened(std::mem::take(text), MAX_RECORD);
}

/// Returns the text without its secrets, or `None` if it has none.
fn masked(text: &str, place: &Place<'_>) -> Option<String> {
    let key = place.key.unwrap_or_default();
    if place.is_key || PATTERN_KEYS.contains(&key) {
        return None;
    }
    let masked = withhold(text);
    if masked == text && is_secret_value(key, text.trim_matches('"')) {
        // `password` → `hunter2`: only the key tells that it is secret.
        return Some(secret::token(text));
    }
    (masked != text).then_some(masked)
}

/// Where a string stands in a document.
struct Place<'a> {
    /// Whether it is the key of an object's member.
    is_key: bool,
    /// The key that it is the value of, or in the list of.
    key: Option<&'a str>,
}

/// Calls `change` with each string of a JSON document, and returns the document with what it returned
/// in place of the string.
fn each_string(document: &str, mut change: impl FnMut(&str, Place<'_>) -> Option<String>) -> String {
    let mut changed = String::with_capacity(document.len());
    let mut keys: Vec<Option<String>> = Vec::new();
    let mut rest = document;
    while let Some(at) = rest.find(['"', '{', '}', '[', ']']) {
        changed.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.as_bytes()[0] {
            b'"' => string_length(rest),
            _ => 1,
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match token.as_bytes()[0] {
            b'{' => keys.push(None),
            // A list's elements have the key of the list.
            b'[' => keys.push(keys.last().cloned().flatten()),
            b'}' | b']' => _ = keys.pop(),
            _ => {
                let is_key = after.starts_with(':');
                let text: String = serde_json::from_str(token).unwrap_or_default();
                let place = Place { is_key, key: keys.last().and_then(Option::as_deref) };
                let new = change(&text, place).map(|new| serde_json::Value::String(new).to_string());
                changed.push_str(new.as_deref().unwrap_or(token));
                if let Some(last) = keys.last_mut().filter(|_| is_key) {
                    *last = Some(text);
                }
                continue;
            }
        }
        changed.push_str(token);
    }
    changed.push_str(rest);
    changed
}

/// Returns the length of the JSON string at the beginning of a text, its quotes included.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_changed_with_their_keys() {
        let document = r#"{"a":"x","b":["y\"","z"],"c":{"password":"p"},"n":1}"#;
        let mut places = Vec::new();
        let changed = each_string(document, |text, place| {
            let key = place.key.unwrap_or("-").to_string();
            places.push(format!("{key}={text}{}", if place.is_key { ":" } else { "" }));
            (!place.is_key).then(|| text.to_uppercase())
        });
        assert_eq!(changed, r#"{"a":"X","b":["Y\"","Z"],"c":{"password":"P"},"n":1}"#);
        assert_eq!(places[1], "a=x");
        assert_eq!(places[3..5], ["b=y\"", "b=z"]);
        assert!(places.contains(&"password=p".to_string()), "{places:?}");
    }

    #[test]
    fn a_cut_leaves_no_half_token() {
        let mut text =
            format!("{}<secret:1> tail {}", "x".repeat(MAX_RECORD / 2 - 4), "y".repeat(MAX_RECORD));
        truncate(&mut text);
        assert!(text.starts_with("xxx") && !text.contains("<sec"), "{text}");
        assert!(text.len() < MAX_RECORD && text.ends_with("yyy"), "{text}");
    }
}
