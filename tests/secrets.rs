//! The masking of secrets in text. `tests/secrets/shapes.json` lists texts with secrets, each with its
//! kind; `@a@` and the like stand for parts of a secret. `tests/secrets/harmless.json` lists texts that
//! are kept as they are.

mod support;

use pipeline_doctor::base::secret::redact;
use pipeline_doctor::evidence::{recording, sealing};
use serde_json::Value;
use std::time::{Duration, Instant};
use support::{recordings, root};

/// What the parts of a secret may look like.
const PARTS: [[&str; 3]; 4] = [
    ["CNRYa1b2c3", "CNRYd4e5f6", "CNRYg7h8i9"],
    ["CNRY0001", "CNRY0002", "CNRY0003"],
    ["CANARYAAAA", "CANARYBBBB", "CANARYCCCC"],
    ["Zq7kP2mX9vLw", "Hb3nT8yR4sJd", "Wc5gF6uE1aQz"],
];

fn read<T: serde::de::DeserializeOwned>(file: &str) -> T {
    let text = std::fs::read_to_string(root().join("tests/secrets").join(file)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Calls `check` with each shape, its secrets, and what masking made of it.
fn each_shape(mut check: impl FnMut(&str, &str, &[&str; 3], &str)) {
    let shapes: Vec<(String, String)> = read("shapes.json");
    assert!(shapes.len() >= 500);
    for parts in PARTS {
        for (kind, shape) in &shapes {
            let text = shape.replace("@a@", parts[0]).replace("@b@", parts[1]).replace("@c@", parts[2]);
            check(kind, &text, &parts, &redact(&text));
        }
    }
}

#[test]
fn no_secret_is_readable() {
    let mut readable = Vec::new();
    each_shape(|kind, _, parts, masked| {
        if parts.iter().any(|part| masked.contains(part)) {
            readable.push(format!("{kind}: {masked}"));
        }
    });
    assert!(readable.is_empty(), "{} readable\n{}", readable.len(), readable.join("\n"));
}

#[test]
fn every_shape_has_a_token_and_keeps_it() {
    each_shape(|kind, text, _, masked| {
        assert!(masked.contains("<secret:"), "{kind}: {text}");
        assert_eq!(redact(masked), masked, "{kind}");
    });
}

#[test]
fn masked_json_stays_json_and_masked_addresses_stay_addresses() {
    each_shape(|kind, text, _, masked| {
        if text.starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_ok() {
            let parsed = serde_json::from_str::<Value>(masked);
            assert!(parsed.is_ok(), "{kind}: {masked}: {parsed:?}");
        }
        if kind.starts_with("URL") && text.split(' ').count() == 1 && url::Url::parse(text).is_ok() {
            assert!(url::Url::parse(masked).is_ok(), "{kind}: {masked}");
        }
    });
}

#[test]
fn harmless_lines_are_kept() {
    let lines: Vec<String> = read("harmless.json");
    assert!(lines.len() >= 400);
    let masked = lines.iter().map(|line| (line, redact(line)));
    let changed: Vec<String> =
        masked.filter(|(line, masked)| *line != masked).map(|(_, masked)| masked).collect();
    assert!(changed.is_empty(), "{} masked\n{}", changed.len(), changed.join("\n"));
}

/// What was recorded from real systems holds no secret, except the masked ones.
#[test]
fn recordings_are_kept() {
    for name in recordings("tests/scenarios", "") {
        let text = std::fs::read_to_string(support::scenario(&name)).unwrap();
        let mut evidence = recording::read(&text).unwrap();
        let sealed = sealing::seal(&evidence).unwrap();
        evidence.masked_values = sealed.masked_values;
        let (before, after) = (recording::write(&evidence).unwrap(), recording::write(&sealed).unwrap());
        let changed = before.lines().zip(after.lines()).find(|(before, after)| before != after);
        assert!(changed.is_none(), "{name}: {changed:#?}");
    }
}

/// No text makes the scanner fail, whatever was cut off, repeated or put into it.
#[test]
fn any_text_can_be_masked() {
    let shapes: Vec<(String, String)> = read("shapes.json");
    let lines: Vec<String> = read("harmless.json");
    let texts: Vec<&str> =
        shapes.iter().map(|(_, text)| text.as_str()).chain(lines.iter().map(String::as_str)).collect();
    let inserted = [
        "\"",
        "'",
        "\\",
        "{",
        "}",
        "[",
        "(",
        ")",
        ":",
        "=",
        "@",
        "/",
        "%",
        "é",
        "日",
        "\n",
        "<",
        ">",
        "&",
        "password",
        "token",
        "://",
        " -p ",
        "Authorization: ",
        "secret:",
        "<secret:1>",
        "--",
        "\u{202e}",
        "|",
        " ",
        "%22",
        "&quot;",
        "\\u0022",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
    ];
    // A generator of numbers that needs no crate (Knuth's MMIX).
    let mut state = 7_u64;
    let mut number = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let mut text: Vec<char> = texts[number(texts.len())].chars().collect();
        for _ in 0..=number(5) {
            let at = number(text.len() + 1);
            match number(4) {
                0 => drop(text.drain(at..(at + 3).min(text.len()))),
                1 => text.splice(at.., texts[number(texts.len())].chars()).for_each(drop),
                _ => text.splice(at..at, inserted[number(inserted.len())].chars()).for_each(drop),
            }
        }
        let text: String = text.into_iter().collect();
        let masked = redact(&text);
        assert!(masked.len() <= 20 * text.len() + 40, "{text}");
    }
}

/// Hostile text takes time in proportion to its length.
#[test]
fn masking_takes_linear_time() {
    let pieces = [
        "password=a ",
        "password=\"",
        "password: |\n ",
        "{\"password\":{",
        "<password>",
        "://a:b",
        "a@b@",
        "&key=",
        "\\\"",
        "'",
        "Authorization: Bearer ",
        "Cookie: a=b; ",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "%22",
        "--password ",
        "secret:{",
        "password is ",
        "(",
        "password ",
        "a:b@c ",
        "?a=b&",
        "https://hooks.slack.com/services/",
        "token=[",
        "a=\\\\\\\"",
        "IDENTIFIED BY ",
        "name=password ",
        "AKIAAAAAAAAAAAAA",
        "user:pass@tcp(",
    ];
    for piece in pieces {
        let text = piece.repeat(50_000 / piece.len());
        let start = Instant::now();
        let _ = redact(&text);
        assert!(start.elapsed() < Duration::from_secs(10), "{piece:?}: {:?}", start.elapsed());
    }
}
