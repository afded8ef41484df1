//! Checks the path, keys and expected response values of harmless HTTP requests.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::row_references::Names;
use crate::input::toml_document::{Entry, Row};
use crate::pipeline::validate::invalid_values::check_path;
use crate::text::suggestion::suggestion;
use serde_json::Value;

/// Checks the path, keys and expected response values of a request.
pub fn check(request: &Row, source: &Source, mistakes: &mut Vec<Mistake>) {
    let path = request.text("path");
    mistakes.extend(path.as_ref().and_then(|path| check_path(path, source)));
    for (pointer, value) in request.table("expect").iter().flat_map(Row::entries) {
        mistakes.extend(check_pointer(&pointer, source));
        let Some(value) = value else { continue };
        if let Some((what, help)) = check_json(&value.text) {
            mistakes.push(source.mistake_in(value.at, what).help(help));
        }
    }
    for pointer in request.list("show") {
        mistakes.extend(check_pointer(&pointer, source));
    }
    let Some(path) = path else { return };
    let keys: Vec<&str> =
        path.text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    for (key, _) in request.table("without_event").iter().flat_map(Row::entries) {
        if keys.contains(&key.text.as_str()) {
            continue;
        }
        let mistake = source.mistake_in(key.at, format!("the path does not contain `{{{}}}`", key.text));
        mistakes.push(mistake.help(match keys.is_empty() {
            true => "remove it, or add it to `path`".to_string(),
            false => suggestion(&key.text, keys.iter().copied()),
        }));
    }
}

/// Checks a JSON pointer. An empty pointer refers to the whole body.
fn check_pointer(pointer: &Entry, source: &Source) -> Option<Mistake> {
    if pointer.text.is_empty() || pointer.text.starts_with('/') {
        return None;
    }
    let bare = pointer.text.trim_start_matches(['$', '#', '.', '/', ' ']).replace('.', "/");
    let mistake = source.mistake_in(pointer.at.clone(), "a JSON pointer must start with /");
    Some(mistake.help(format!("expected a slash before each name: /{bare}")))
}

/// Requires compact JSON, because values are compared as text.
fn check_json(text: &str) -> Option<(String, String)> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        let help = format!("JSON strings need double quotes: '{}'", Value::from(text));
        return Some((format!("`{text}` is not JSON"), help));
    };
    let compact = value.to_string();
    (compact != text).then(|| (format!("`{text}` is not compact JSON"), format!("did you mean `{compact}`?")))
}

/// Checks that the placeholders in a path are event keys.
pub fn check_keys(path: &Entry, source: &Source, known: &Names, mistakes: &mut Vec<Mistake>) {
    for (start, rest) in path.text.match_indices('{').map(|(at, _)| (at, &path.text[at + 1..])) {
        let key = rest.split_once('}').map(|(key, _)| key);
        let Some(key) = key.filter(|key| !known.has(key)) else { continue };
        let within = start..start + key.len() + 2;
        let mistake = source.mistake_within(&path.at, &within, format!("unknown key `{key}`"));
        mistakes.push(mistake.help(suggestion(key, known.list.iter().map(String::as_str))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::toml_document::Document;

    #[test]
    fn requires_compact_json() {
        for valid in ["true", "null", "\"x\"", "[1,2]", "{\"a\":1.5}", "0"] {
            assert_eq!(check_json(valid), None, "{valid}");
        }
        assert!(check_json("ok").unwrap().1.ends_with("'\"ok\"'"));
        assert!(check_json("[1, 2]").unwrap().1.contains("`[1,2]`"));
        assert!(check_json("").is_some());
    }

    #[test]
    fn reports_mistakes_at_the_pointer_or_value() {
        let text = "[call.harmless]\npath = \"/x\"\nexpect = { 'a' = \"1\", \"/b\" = \"x\", c = \"2\" }\n";
        let source = Source { name: "x".into(), text: text.into() };
        let mut found = Vec::new();
        check(&Document::parse(&source).unwrap().rows("call.harmless")[0], &source, &mut found);
        let mut columns: Vec<usize> =
            found.iter().filter_map(|mistake| Some(mistake.excerpt.as_ref()?.column)).collect();
        columns.sort_unstable();
        assert_eq!(columns, [12, 30, 35]);
    }
}
