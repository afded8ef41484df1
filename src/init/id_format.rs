//! Detects the format of ids from samples.

use crate::base::uuid::is_uuid;

/// Returns the format as named in a pipeline file and, for `text`, a pattern that matches all
/// samples.
pub fn id_format(ids: &[&str]) -> (&'static str, Option<String>) {
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

/// Reports whether a string is a ULID, which has 26 characters from Crockford's alphabet and fits
/// into 128 bits.
fn is_ulid(text: &str) -> bool {
    let is_in_alphabet = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() && !"ILOU".contains(c);
    text.len() == 26
        && text.chars().all(is_in_alphabet)
        && text.starts_with(|c: char| ('0'..='7').contains(&c))
}

/// The kind of a run of characters. Every other character is a run of its own.
#[derive(PartialEq, Clone, Copy)]
enum Run {
    Digits,
    Letters,
    Other,
}

/// Splits an id into runs of letters, runs of digits, and single other characters.
fn split_into_runs(id: &str) -> Vec<(Run, String)> {
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

/// Returns a regular expression that matches all samples, or `None` if their structure differs or
/// there are fewer than three.
fn pattern(ids: &[&str]) -> Option<String> {
    let split: Vec<Vec<(Run, String)>> = ids.iter().map(|id| split_into_runs(id)).collect();
    let first = split.first().filter(|first| ids.len() >= 3 && first.len() <= 12)?;
    let has_same_runs =
        |other: &Vec<(Run, String)>| other.iter().map(|run| run.0).eq(first.iter().map(|run| run.0));
    if !split.iter().all(has_same_runs) {
        return None;
    }
    let pieces = (0..first.len()).map(|position| {
        let texts: Vec<&str> = split.iter().filter_map(|runs| Some(runs.get(position)?.1.as_str())).collect();
        run_pattern(first.get(position).map_or(Run::Other, |run| run.0), &texts)
    });
    let pieces: Option<String> = pieces.collect();
    Some(format!("^{}$", pieces?))
}

/// Returns the pattern for the runs at one position in the samples.
fn run_pattern(kind: Run, texts: &[&str]) -> Option<String> {
    let first = texts.first()?;
    let same = texts.iter().all(|text| text == first);
    if kind == Run::Other || (kind == Run::Letters && same) {
        // A dash needs no escape outside brackets.
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
    fn detects_format_from_samples() {
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
            let (format, pattern) = id_format(&ids);
            assert_eq!((format, pattern.as_deref()), expected);
        }
    }

    #[test]
    fn pattern_matches_its_samples() {
        let ids = ["ORD-7", "ORD-80", "ORD-9"];
        let pattern = regex::Regex::new(&pattern(&ids).unwrap()).unwrap();
        assert!(ids.iter().all(|id| pattern.is_match(id)) && !pattern.is_match("ORD-x"));
    }
}
