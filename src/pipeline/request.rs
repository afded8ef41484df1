//! The harmless request: what is asked with, and what is expected of the answer.

use crate::error::{Mistake, way_out};
use crate::toml_input::Source;
use crate::toml_input::document::{Document, Entry, Row};
use serde_json::Value;
use std::ops::Range;

/// Checks the harmless request of a pipeline.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    let values = |table: &str| {
        let path = format!("call.harmless.{table}");
        let rows = document.rows(&path);
        let value = |key: &str| rows.iter().find_map(|row: &Row| row.text(key));
        let found = document.keys(&path).into_iter().filter_map(|key| Some((key.to_string(), value(key)?)));
        found.collect::<Vec<(String, Entry)>>()
    };
    for (pointer, value) in values("expect") {
        mistakes.extend(wrong_pointer(source, &pointer, key_of(source, &pointer, &value)));
        if let Some((what, help)) = wrong_json(&value.text) {
            mistakes.push(source.mistake_in(value.at, what).help(help));
        }
    }
    for Entry { text, at } in document.texts("call.harmless.show[]") {
        mistakes.extend(wrong_pointer(source, &text, at));
    }
    let Some(path) = document.texts("call.harmless.path").pop() else { return };
    let keys: Vec<&str> =
        path.text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    for (key, value) in values("without_event").iter().filter(|(key, _)| !keys.contains(&key.as_str())) {
        let mistake = source.mistake_in(key_of(source, key, value), format!("the path has no `{{{key}}}`"));
        mistakes.push(mistake.help(match keys.is_empty() {
            true => "take it out, or write it into `path`".to_string(),
            false => way_out(key, keys.iter().copied()),
        }));
    }
}

/// Where the key of a value stands.
fn key_of(source: &Source, key: &str, value: &Entry) -> Range<usize> {
    let before = source.text.get(..value.at.start).unwrap_or_default().trim_end();
    let before = before.strip_suffix('=').unwrap_or(before).trim_end();
    let written = [format!("\"{key}\""), format!("'{key}'"), key.to_string()];
    match written.iter().find(|written| before.ends_with(written.as_str())) {
        Some(written) => before.len() - written.len()..before.len(),
        None => value.at.clone(),
    }
}

/// An empty pointer is that of the whole answer.
fn wrong_pointer(source: &Source, pointer: &str, at: Range<usize>) -> Option<Mistake> {
    if pointer.is_empty() || pointer.starts_with('/') {
        return None;
    }
    let bare = pointer.trim_start_matches(['$', '#', '.', '/', ' ']).replace('.', "/");
    let mistake = source.mistake_in(at, "a JSON pointer that does not begin with /");
    Some(mistake.help(format!("expected a slash before each name: /{bare}")))
}

/// Values are compared as they are written without blanks.
fn wrong_json(text: &str) -> Option<(String, String)> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        let help = format!("a text in JSON has quotes of its own: '{}'", Value::from(text));
        return Some((format!("`{text}` is not JSON"), help));
    };
    let written = value.to_string();
    (written != text)
        .then(|| (format!("no answer is written as `{text}`"), format!("did you mean `{written}`?")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_value_is_expected_as_json_writes_it() {
        for good in ["true", "null", "\"x\"", "[1,2]", "{\"a\":1.5}", "0"] {
            assert_eq!(wrong_json(good), None, "{good}");
        }
        assert!(wrong_json("ok").unwrap().1.ends_with("'\"ok\"'"));
        assert!(wrong_json("[1, 2]").unwrap().1.contains("`[1,2]`"));
        assert!(wrong_json("").is_some());
    }

    #[test]
    fn a_key_is_found_before_its_value() {
        let text = "[call.harmless]\npath = \"/x\"\nexpect = { 'a' = \"1\", \"/b\" = \"x\", c = \"2\" }\n";
        let source = Source { name: "x".into(), text: text.into() };
        let mut found = Vec::new();
        check(&Document::of(&source).unwrap(), &mut found);
        let columns: Vec<usize> =
            found.iter().filter_map(|mistake| Some(mistake.excerpt.as_ref()?.column)).collect();
        assert_eq!(columns, [30, 12, 35]);
    }
}
