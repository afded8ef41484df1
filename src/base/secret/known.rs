//! Values that are known to be secret, such as the password in an address that was given. They are
//! masked wherever they occur, as they are or encoded.

use super::addresses::{names_of_address, secrets_in};
use super::scan::is_secret_value;
use super::tokens::{MASK_PREFIX, token};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
#[cfg(not(test))]
use std::sync::{LazyLock, Mutex, PoisonError};

/// Shortest value that is masked everywhere, in bytes. Shorter ones are often words.
const MIN_LENGTH: usize = 8;

/// Passwords that are words of every report. They are masked only where they stand as a password.
const WORDS: [&str; 12] = [
    "postgres",
    "postgresql",
    "password",
    "passwords",
    "database",
    "rabbitmq",
    "redpanda",
    "zookeeper",
    "localhost",
    "username",
    "production",
    "development",
];

/// Most values that are known.
const MAX_VALUES: usize = 10_000;

/// The known values, and the names that are none of them.
#[derive(Default)]
struct Known {
    values: BTreeSet<String>,
    names: BTreeSet<String>,
    searcher: Option<Arc<Searcher>>,
}

/// Finds every form of the known values.
struct Searcher {
    forms: AhoCorasick,
    /// Number of the value that each form belongs to, and whether it is base64.
    values: Vec<(usize, bool)>,
    plain: Vec<String>,
}

#[cfg(not(test))]
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

#[cfg(not(test))]
fn with<T>(action: impl FnOnce(&mut Known) -> T) -> T {
    action(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
thread_local!(static KNOWN: std::cell::RefCell<Known> = std::cell::RefCell::default());

#[cfg(test)]
fn with<T>(action: impl FnOnce(&mut Known) -> T) -> T {
    KNOWN.with_borrow_mut(action)
}

/// Adds values that are secret wherever they occur. Values of fewer than 8 characters are ignored.
pub fn add_known(values: impl IntoIterator<Item = String>) {
    let values: Vec<String> = values
        .into_iter()
        .map(|value| value.trim().to_string())
        .filter(|value| value.len() >= MIN_LENGTH && !value.starts_with(MASK_PREFIX))
        .filter(|value| !WORDS.contains(&value.to_lowercase().as_str()))
        .collect();
    with(|known| {
        let before = known.values.len();
        let room = MAX_VALUES - before;
        known.values.extend(values.into_iter().take(room));
        if known.values.len() > before {
            known.searcher = None;
        }
    });
}

/// Adds names that stay readable even if a secret has the same value, such as those of topics.
pub fn add_names(names: impl IntoIterator<Item = String>) {
    let parts = |name: String| {
        // `shipments` in `order_shipments` stays readable, too.
        let parts: Vec<String> = name.split(['-', '_', '.', '/']).map(str::to_lowercase).collect();
        parts.into_iter().chain([name.to_lowercase()]).filter(|name| name.len() >= MIN_LENGTH)
    };
    let names: Vec<String> = names.into_iter().flat_map(parts).collect();
    with(|known| {
        let before = known.names.len();
        known.names.extend(names);
        if known.names.len() > before {
            known.searcher = None;
        }
    });
}

/// Words in the names of variables that hold names.
const NAME_VARIABLES: [&str; 11] =
    ["USER", "USERNAME", "LOGIN", "DB", "DATABASE", "NAME", "HOST", "TOPIC", "GROUP", "SERVICE", "PROJECT"];

/// Adds the secrets in the variables of an environment: values of variables that are named like secrets,
/// and those in addresses. Users, databases and the like are names.
pub fn add_environment<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let (mut secrets, mut names) = (Vec::new(), Vec::new());
    for (name, value) in variables {
        let mut words = name.split(['_', '.', '-']);
        if is_secret_value(name, value) && !value.contains("://") {
            secrets.push(value.to_string());
        } else if words.any(|word| NAME_VARIABLES.contains(&word.to_uppercase().as_str())) {
            names.push(value.to_string());
        }
        secrets.extend(secrets_in(value));
        if value.contains("://") {
            names.extend(names_of_address(value));
        }
    }
    add_known(secrets);
    add_names(names);
}

/// Returns the text without the known values, or `None` if it holds none.
pub(super) fn mask(text: &str) -> Option<String> {
    if text.len() < MIN_LENGTH {
        return None;
    }
    let searcher = with(|known| {
        if known.searcher.is_none() && !known.values.is_empty() {
            known.searcher = Searcher::new(known).map(Arc::new);
        }
        known.searcher.clone()
    })?;
    let mut masked = String::new();
    let mut at = 0;
    for found in searcher.forms.find_iter(text) {
        let (value, is_base64) = searcher.values[found.pattern().as_usize()];
        let (start, end) = match is_base64 {
            true => around_base64(text, found.start(), found.end()),
            false => (found.start(), found.end()),
        };
        if start < at {
            continue;
        }
        masked.push_str(&text[at..start]);
        // Base64 holds other text, too: a user, usually.
        let plain = &searcher.plain[value];
        masked.push_str(&token(if is_base64 { &text[start..end] } else { plain }));
        at = end;
    }
    if at == 0 {
        return None;
    }
    masked.push_str(&text[at..]);
    Some(masked)
}

/// Extends a match to the whole run of base64.
fn around_base64(text: &str, start: usize, end: usize) -> (usize, usize) {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/_-=".contains(byte);
    let bytes = text.as_bytes();
    let before = bytes[..start].iter().rev().take_while(|byte| is_base64(byte)).count();
    let after = bytes[end..].iter().take_while(|byte| is_base64(byte)).count();
    (start - before, end + after)
}

impl Searcher {
    fn new(known: &Known) -> Option<Searcher> {
        let names = &known.names;
        let plain: Vec<String> =
            known.values.iter().filter(|value| !names.contains(&value.to_lowercase())).cloned().collect();
        let mut forms: BTreeMap<String, (usize, bool)> = BTreeMap::new();
        for (number, value) in plain.iter().enumerate() {
            for form in plain_forms(value) {
                forms.entry(form).or_insert((number, false));
            }
            for form in base64_forms(value.as_bytes()) {
                forms.entry(form).or_insert((number, true));
            }
        }
        let (forms, values): (Vec<String>, Vec<(usize, bool)>) = forms.into_iter().unzip();
        let forms = AhoCorasick::builder()
            // A DFA takes the square of a long secret's length to build.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(&forms)
            .ok()?;
        (!values.is_empty()).then_some(Searcher { forms, values, plain })
    }
}

/// Returns a value as it is written in text, URLs, JSON and markup.
fn plain_forms(value: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let json = |text: &str| serde_json::to_string(text).unwrap_or_default().trim_matches('"').to_string();
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let partly: String =
        value.replace('%', "%25").replace('@', "%40").replace('/', "%2F").replace(':', "%3A");
    let all = [
        value.to_string(),
        json(value),
        json(&json(value)),
        html,
        lower_case_escapes(&form),
        lower_case_escapes(&percent),
        lower_case_escapes(&partly),
        percent.replace('%', "%25"),
        form,
        percent,
        partly,
    ];
    all.into_iter().filter(|form| form.len() >= MIN_LENGTH).collect()
}

/// Writes the digits of percent escapes in lower case.
fn lower_case_escapes(text: &str) -> String {
    let mut escape = 0;
    let lower = |c: char| {
        escape = if c == '%' { 2_usize } else { escape };
        let is_digit = escape > 0 && c != '%';
        escape -= usize::from(is_digit);
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

/// Returns the base64 of a value in both alphabets at each of the three offsets that it may have in a
/// longer text. Characters that depend on the text around it are left out.
fn base64_forms(value: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for offset in 0..3_usize {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(value.iter().copied()).collect();
            let encoded = engine.encode(&padded);
            let first = [0, 2, 3][offset];
            let whole = padded.len() * 8 / 6;
            forms.extend(encoded.get(first..whole).filter(|form| form.len() >= MIN_LENGTH).map(String::from));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some programs take a key file's content from their environment.
    #[test]
    fn a_very_long_secret_is_masked_at_once() {
        let secret = "Zq8s7d6f5g".repeat(20_000);
        add_known([secret.clone()]);
        let masked = mask(&format!("key {secret} end")).unwrap();
        assert!(masked.starts_with("key <secret:") && masked.ends_with("> end"), "{}", masked.len());
    }
}
