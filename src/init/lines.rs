//! Patterns of log lines: of a worker's start, and of lines that name an event.

use super::draft::Line;
use super::names::words;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// No more lines of one part are suggested.
const MOST: usize = 4;

/// What stands in the place of an id.
const ID: &str = "\u{1}";

/// What is said at a start, the clearest first.
static STARTS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        "started",
        "ready",
        "listening",
        "subscribed",
        "joined",
        "running",
        "connected",
        "waiting for",
        "starting",
    ]
    .map(|word| Regex::new(&format!(r"(?i)\b{word}\b")).expect("a constant pattern"))
    .into()
});

/// The pattern of the line that a part logs when it has started: up to the word
/// that says so.
pub fn started(log: &[String]) -> Option<String> {
    let first: Vec<String> = log.iter().take(10).map(|line| message(line)).collect();
    let of = |start: &Regex| {
        let (line, end) = first.iter().find_map(|line| Some((line, start.find(line)?.end())))?;
        Some(pattern(line.get(..end)?)).filter(|pattern| start.is_match(pattern))
    };
    STARTS.iter().find_map(of)
}

/// Lines of a part that name an id, each kind once, as patterns.
pub fn of_events(part: &str, stage: &str, log: &[String], ids: &BTreeSet<&str>) -> Vec<Line> {
    let telling: Vec<&&str> = ids.iter().filter(|id| id.len() >= 4).collect();
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (place, line) in log.iter().enumerate() {
        if let Some(id) = telling.iter().find(|id| line.contains(***id)) {
            let kind = pattern(&message(&line.replace(**id, ID)));
            let seen = kinds.entry(kind).or_insert((0, place));
            seen.0 += 1;
        }
    }
    let mut kinds: Vec<_> =
        kinds.into_iter().filter(|(kind, (count, _))| *count >= 2 && kind.len() >= 6).collect();
    kinds.sort_by_key(|(_, (_, first))| *first);
    let line = |(pattern, _): (String, _)| Line {
        name: name(&pattern),
        part: part.into(),
        stage: stage.into(),
        pattern,
    };
    kinds.into_iter().take(MOST).map(line).collect()
}

/// The message of a line: of a JSON line the field that has it, else all of it
/// without the time at its beginning.
fn message(line: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]*(Z|[+-]\d\d:?\d\d)?\]?\s*")
            .expect("a constant pattern")
    });
    let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let said = json.as_ref().and_then(|json| {
        ["msg", "message", "event", "text"].iter().find_map(|name| json.get(*name)?.as_str())
    });
    let text = said.map_or_else(|| TIME.replace(line, "").into_owned(), String::from);
    text.trim().to_string()
}

/// The constant beginning of a message as a regular expression: up to what varies
/// (an id, a number, a quoted text), at most some words.
fn pattern(message: &str) -> String {
    static VARIES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\x01|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\w+[=:]\S*\x01|\w+=|\d+|["'{=]"#)
            .expect("a constant pattern")
    });
    let pieces: Vec<&str> = VARIES.split(message).collect();
    let longest = pieces.iter().copied().max_by_key(|piece| piece.trim().len()).unwrap_or_default();
    let first = pieces.first().copied().unwrap_or_default();
    // The beginning says most, unless there is hardly any.
    let best = if first.trim().len() >= 8 { first } else { longest };
    let best = best.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '[');
    let best: Vec<&str> =
        best.trim().trim_end_matches([':', ',', '(', '[', '-']).split_whitespace().take(8).collect();
    regex::escape(&best.join(" ")).replace("\\-", "-")
}

/// A few words for a pattern.
fn name(pattern: &str) -> String {
    let words: Vec<String> = words(pattern).into_iter().filter(|word| word.len() > 2).collect();
    let last = words.iter().rev().take(2).rev().cloned().collect::<Vec<_>>().join(" ");
    if last.is_empty() { "line".into() } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_patterns_without_what_varies() {
        let log: Vec<String> = [
            "2026-01-07T16:55:09Z [Packer] Started, waiting for orders",
            "2026-01-07T16:55:10Z [Packer] Packed order ORD-1 in 12 ms",
            "2026-01-07T16:55:11Z [Packer] Packed order ORD-2 in 9 ms",
            r#"{"level":"info","msg":"label printed for ORD-1"}"#,
        ]
        .map(String::from)
        .into();
        assert_eq!(started(&log).unwrap(), r"\[Packer\] Started");
        let ids = ["ORD-1", "ORD-2"].into();
        let lines = of_events("packer", "pack", &log, &ids);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].pattern, r"\[Packer\] Packed order");
        assert_eq!(lines[0].name, "packed order");
        assert!(Regex::new(&lines[0].pattern).unwrap().is_match(&log[1]));
        let log = [
            "INFO  1 --- [packer] Event received order=ORD-1 offset=0",
            "INFO  1 --- [packer] Event received order=ORD-2 offset=1",
        ];
        let lines = of_events("packer", "pack", &log.map(String::from), &ids);
        assert_eq!(lines[0].pattern, r"\[packer\] Event received");
    }
}
