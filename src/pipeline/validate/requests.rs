//! Requests that change nothing: what is asked with, and what is expected of the answer.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Entry, Row};
use crate::input::names::Names;
use crate::pipeline::validate::values::wrong_path;
use crate::text::suggestion::way_out;
use serde_json::Value;

/// Checks path, keys and what is expected of the answer.
pub fn check(request: &Row, source: &Source, mistakes: &mut Vec<Mistake>) {
    let path = request.text("path");
    mistakes.extend(path.as_ref().and_then(|path| wrong_path(path, source)));
    for (pointer, value) in request.table("expect").iter().flat_map(Row::entries) {
        mistakes.extend(wrong_pointer(&pointer, source));
        let Some(value) = value else { continue };
        if let Some((what, help)) = wrong_json(&value.text) {
            mistakes.push(source.mistake_in(value.at, what).help(help));
        }
    }
    for pointer in request.list("show") {
        mistakes.extend(wrong_pointer(&pointer, source));
    }
    let Some(path) = path else { return };
    let keys: Vec<&str> =
        path.text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    for (key, _) in request.table("without_event").iter().flat_map(Row::entries) {
        if keys.contains(&key.text.as_str()) {
            continue;
        }
        let mistake = source.mistake_in(key.at, format!("the path has no `{{{}}}`", key.text));
        mistakes.push(mistake.help(match keys.is_empty() {
            true => "take it out, or write it into `path`".to_string(),
            false => way_out(&key.text, keys.iter().copied()),
        }));
    }
}

/// An empty pointer is that of the whole answer.
fn wrong_pointer(pointer: &Entry, source: &Source) -> Option<Mistake> {
    if pointer.text.is_empty() || pointer.text.starts_with('/') {
        return None;
    }
    let bare = pointer.text.trim_start_matches(['$', '#', '.', '/', ' ']).replace('.', "/");
    let mistake = source.mistake_in(pointer.at.clone(), "a JSON pointer that does not begin with /");
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

/// A path is made of the event's keys.
pub fn keys(path: &Entry, source: &Source, known: &Names, mistakes: &mut Vec<Mistake>) {
    for (start, rest) in path.text.match_indices('{').map(|(at, _)| (at, &path.text[at + 1..])) {
        let key = rest.split_once('}').map(|(key, _)| key);
        let Some(key) = key.filter(|key| !known.has(key)) else { continue };
        let within = start..start + key.len() + 2;
        let mistake = source.mistake_within(&path.at, &within, format!("unknown key `{key}`"));
        mistakes.push(mistake.help(way_out(key, known.list.iter().map(String::as_str))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::document::Document;

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
    fn each_mistake_stands_at_its_pointer_or_value() {
        let text = "[call.harmless]\npath = \"/x\"\nexpect = { 'a' = \"1\", \"/b\" = \"x\", c = \"2\" }\n";
        let source = Source { name: "x".into(), text: text.into() };
        let mut found = Vec::new();
        check(&Document::of(&source).unwrap().rows("call.harmless")[0], &source, &mut found);
        let mut columns: Vec<usize> =
            found.iter().filter_map(|mistake| Some(mistake.excerpt.as_ref()?.column)).collect();
        columns.sort_unstable();
        assert_eq!(columns, [12, 30, 35]);
    }
}
