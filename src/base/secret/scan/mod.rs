//! Finds the secrets in a text by its structure: quotes, keys, headers, addresses, options and the
//! shapes of tokens. Each part reads the text once.

mod authorization;
mod base64;
mod commands;
mod context;
mod encoded;
mod found;
mod groups;
mod keys;
mod lines;
mod markup;
mod pairs;
mod private_keys;
mod reader;
mod sentences;
mod statements;
mod tokens;
mod unquoted;
mod urls;
mod values;

use crate::base::uuid::is_uuid;
use found::Found;

/// How deep encoded texts in encoded texts are read.
const MAX_DEPTH: usize = 3;

/// Returns the secrets in a text, in order and without overlaps.
pub(super) fn secrets(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    scan(text, 0, &mut found);
    found.retain(|secret| {
        let value = &text[secret.range.clone()];
        !value.trim().is_empty() && !values::is_masked(value)
    });
    merged(found)
}

/// Reports whether the name of a key makes its value a secret.
pub fn is_secret_value(key: &str, value: &str) -> bool {
    keys::classify(key).is_some_and(|kind| values::is_secret(kind, value))
}

/// Reports whether a part of a path looks generated, as a token does: long and mixed, or of capitals and
/// digits.
pub(super) fn looks_generated(part: &str) -> bool {
    let has = |is: fn(&u8) -> bool| part.as_bytes().iter().any(is);
    let is_short_token = part.len() >= 6 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    (is_short_token || values::looks_random(part, 12)) && !is_uuid(part) || part.len() > 64
}

fn scan(text: &str, depth: usize, found: &mut Vec<Found>) {
    private_keys::find(text, found);
    tokens::find(text, found);
    urls::find(text, found);
    pairs::find(text, found);
    commands::find(text, found);
    encoded::find_base64(text, found);
    if depth < MAX_DEPTH {
        for view in encoded::views(text) {
            let mut inner = Vec::new();
            scan(&view.text, depth + 1, &mut inner);
            found.extend(inner.into_iter().map(|secret| Found::new(view.original(&secret.range))));
        }
    }
}

/// Sorts what was found, and joins what overlaps.
fn merged(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|secret| (secret.range.start, std::cmp::Reverse(secret.range.end)));
    let mut merged: Vec<Found> = Vec::new();
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.range.start < last.range.end => {
                last.range.end = last.range.end.max(secret.range.end);
            }
            _ => merged.push(secret),
        }
    }
    merged
}
