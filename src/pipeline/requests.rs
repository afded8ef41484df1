//! What can be wrong with a request that changes nothing.

use crate::error::{Mistake, way_out};
use crate::names::Names;
use crate::toml_input::Source;
use crate::toml_input::document::{Entry, Row};

/// Checks path, keys and what is expected of the answer.
pub fn check(request: &Row, mistakes: &mut Vec<Mistake>) {
    let path = request.text("path");
    if let Some(path) = path.as_ref().filter(|path| !path.text.starts_with('/')) {
        let mistake = request.mistake_in(path.at.clone(), "a path that does not begin with /");
        mistakes.push(mistake.help(format!("write \"/{}\"", path.text)));
    }
    let expected = request.table("expect");
    for (pointer, value) in expected.iter().flat_map(Row::entries) {
        is_pointer(request, &pointer, mistakes);
        let Some(value) = value else { continue };
        if serde_json::from_str::<serde_json::Value>(&value.text).is_err() {
            let mistake = request.mistake_in(value.at, format!("`{}` is not JSON", value.text));
            mistakes.push(
                mistake.help("expected compact JSON: true, 5, or a text with quotes of its own: '\"x\"'"),
            );
        }
    }
    for pointer in request.list("show") {
        is_pointer(request, &pointer, mistakes);
    }
    let known = path.map(|path| path.text).unwrap_or_default();
    let keys = request.table("without_event");
    for (key, _) in keys.iter().flat_map(Row::entries) {
        if !known.contains(&format!("{{{}}}", key.text)) {
            let mistake = request.mistake_in(key.at, format!("the path has no {{{}}}", key.text));
            mistakes.push(mistake.help("name a key in braces that the path has, or take it out"));
        }
    }
}

fn is_pointer(request: &Row, pointer: &Entry, mistakes: &mut Vec<Mistake>) {
    if !pointer.text.starts_with('/') {
        let mistake =
            request.mistake_in(pointer.at.clone(), format!("`{}` is no JSON pointer", pointer.text));
        mistakes.push(mistake.help(format!("expected a way that begins with /: \"/{}\"", pointer.text)));
    }
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
