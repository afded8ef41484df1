//! The form of ids, from samples of them.

use crate::pipeline::is_uuid;

/// The form: as the file names it, and the pattern of a text.
pub fn form(ids: &[&str]) -> (&'static str, Option<String>) {
    let all = |is: fn(&str) -> bool| !ids.is_empty() && ids.iter().all(|id| is(id));
    if all(is_uuid) {
        ("uuid", None)
    } else if all(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0') && !id.is_empty())
    {
        ("number", None)
    } else if all(is_ulid) {
        ("ulid", None)
    } else {
        ("text", pattern(ids))
    }
}

/// 26 letters and digits of Crockford's alphabet.
fn is_ulid(text: &str) -> bool {
    let of_alphabet = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() && !"ILOU".contains(c);
    text.len() == 26 && text.chars().all(of_alphabet) && text.starts_with(|c: char| ('0'..='7').contains(&c))
}

/// A stretch of letters or digits, or one other character.
#[derive(PartialEq, Clone, Copy)]
enum Run {
    Digits,
    Letters,
    Other,
}

fn runs(id: &str) -> Vec<(Run, String)> {
    let mut runs: Vec<(Run, String)> = Vec::new();
    for letter in id.chars() {
        let kind = match letter {
            _ if letter.is_ascii_digit() => Run::Digits,
            _ if letter.is_ascii_alphabetic() => Run::Letters,
            _ => Run::Other,
        };
        match runs.last_mut() {
            Some((last, text)) if *last == kind && kind != Run::Other => text.push(letter),
            _ => runs.push((kind, letter.to_string())),
        }
    }
    runs
}

/// The regular expression that fits all, where all are made alike; of too few
/// nothing can be told.
fn pattern(ids: &[&str]) -> Option<String> {
    let split: Vec<Vec<(Run, String)>> = ids.iter().map(|id| runs(id)).collect();
    let first = split.first().filter(|first| ids.len() >= 3 && first.len() <= 12)?;
    let alike = |other: &Vec<(Run, String)>| other.iter().map(|run| run.0).eq(first.iter().map(|run| run.0));
    if !split.iter().all(alike) {
        return None;
    }
    let pieces = (0..first.len()).map(|place| {
        let texts: Vec<&str> = split.iter().filter_map(|runs| Some(runs.get(place)?.1.as_str())).collect();
        piece(first.get(place).map_or(Run::Other, |run| run.0), &texts)
    });
    let pieces: Option<String> = pieces.collect();
    Some(format!("^{}$", pieces?))
}

fn piece(kind: Run, texts: &[&str]) -> Option<String> {
    let first = texts.first()?;
    let same = texts.iter().all(|text| text == first);
    if kind == Run::Other || (kind == Run::Letters && same) {
        // A dash means something only between brackets.
        return same.then(|| regex::escape(first).replace("\\-", "-"));
    }
    let class = match kind {
        Run::Digits => "[0-9]",
        _ if texts.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_uppercase())) => "[A-Z]",
        _ if texts.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_lowercase())) => "[a-z]",
        _ => "[A-Za-z]",
    };
    let same_length = texts.iter().all(|text| text.len() == first.len());
    Some(match (same_length, first.len()) {
        (true, 1) => class.to_string(),
        (true, length) => format!("{class}{{{length}}}"),
        (false, _) => format!("{class}+"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_read_off_the_samples() {
        for (ids, expected) in [
            (vec!["1fa90c93-ea40-4ba9-a7bf-4ed47e735b91"], ("uuid", None)),
            (vec!["01ARZ3NDEKTSV4RRFFQ69G5FAV"], ("ulid", None)),
            (vec!["17", "4"], ("number", None)),
            (
                vec!["ORD-2026-0017", "ORD-2026-0018", "ORD-2026-0019"],
                ("text", Some("^ORD-[0-9]{4}-[0-9]{4}$")),
            ),
            (vec!["A-1", "B-22", "C-3"], ("text", Some("^[A-Z]-[0-9]+$"))),
            (vec!["A-1", "x"], ("text", None)),
            (vec![], ("text", None)),
        ] {
            let (format, pattern) = form(&ids);
            assert_eq!((format, pattern.as_deref()), expected);
        }
    }

    #[test]
    fn a_derived_pattern_fits_its_samples() {
        let ids = ["ORD-7", "ORD-80", "ORD-9"];
        let pattern = regex::Regex::new(&pattern(&ids).unwrap()).unwrap();
        assert!(ids.iter().all(|id| pattern.is_match(id)) && !pattern.is_match("ORD-x"));
    }
}
