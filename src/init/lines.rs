//! Patterns of log lines: of a worker's start, and of lines that name an event.

use crate::init::draft::Line;
use crate::init::names::{singular, words};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// No more lines of one part are suggested.
const MOST: usize = 4;

/// Words that lead to what something is about.
const LINKS: [&str; 6] = ["for", "from", "with", "into", "the", "and"];

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
    // How often, the first place, the first message.
    let mut kinds: BTreeMap<String, (usize, usize, String)> = BTreeMap::new();
    for (place, line) in log.iter().enumerate() {
        if let Some(id) = telling.iter().find(|id| line.contains(***id)) {
            let message = message(line).replace(**id, ID);
            kinds.entry(pattern(&message)).or_insert((0, place, message)).0 += 1;
        }
    }
    let mut chosen: Vec<_> =
        kinds.iter().filter(|(kind, (count, ..))| *count >= 2 && kind.len() >= 6).collect();
    chosen.retain(|(kind, _)| !fits_another(kind, &kinds) && !sounds_bad(kind));
    chosen.sort_by_key(|(_, (_, first, _))| *first);
    let mut lines: Vec<Line> = Vec::new();
    for (pattern, _) in chosen.into_iter().take(MOST) {
        let name = name(pattern, &lines);
        lines.push(Line { name, part: part.into(), stage: stage.into(), pattern: pattern.clone() });
    }
    lines
}

/// Whether a pattern is found in another kind of line as well: it tells nothing then.
fn fits_another(pattern: &str, kinds: &BTreeMap<String, (usize, usize, String)>) -> bool {
    let Ok(regex) = Regex::new(pattern) else { return true };
    kinds.iter().any(|(other, (.., message))| other != pattern && regex.is_match(message))
}

/// Whether no healthy event leaves such a line.
fn sounds_bad(pattern: &str) -> bool {
    let bad = ["fail", "failed", "failure", "error", "exception", "timeout", "retry", "retrying", "rejected"];
    words(pattern).iter().any(|word| bad.contains(&word.as_str()))
}

/// The words of all lines, each as of one.
pub fn said(log: &[String]) -> BTreeSet<String> {
    log.iter().flat_map(|line| words(&message(line))).map(|word| singular(&word)).collect()
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
/// (an id, a number, a quoted text), at most some words. A short beginning goes on
/// behind the id.
fn pattern(message: &str) -> String {
    let pieces = constant(message);
    let longest = pieces.iter().copied().max_by_key(|piece| piece.trim().len()).unwrap_or_default();
    let first = pieces.first().copied().unwrap_or_default();
    let second = pieces.get(1).copied().unwrap_or_default();
    let is_short = first.trim().len() < 8;
    let names_id =
        first.ends_with(' ') && message.get(first.len()..).is_some_and(|rest| rest.starts_with(ID));
    // The beginning says most, unless there is hardly any.
    if is_short && names_id && first.starts_with(char::is_alphanumeric) && second.trim().len() >= 3 {
        return format!("{} \\S+ {}", escaped(first), escaped(second));
    }
    escaped(if is_short { longest } else { first })
}

/// What stays of a message where everything is cut out that varies.
fn constant(message: &str) -> Vec<&str> {
    static VARIES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\x01|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\w+[=:]\S*\x01|\w+=|\bv\d+|\d+|["'{=]"#)
            .expect("a constant pattern")
    });
    let mut pieces = Vec::new();
    let mut begin = 0;
    // The number of a version is part of a name: `orders.v1`.
    let is_version = |text: &str| {
        text.len() > 1 && text.starts_with('v') && text[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    for found in VARIES.find_iter(message).filter(|found| !is_version(found.as_str())) {
        pieces.extend(message.get(begin..found.start()));
        begin = found.end();
    }
    pieces.extend(message.get(begin..));
    pieces
}

/// Some words as a regular expression.
fn escaped(piece: &str) -> String {
    let begun = piece.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '[');
    let words: Vec<&str> =
        begun.trim().trim_end_matches([':', ',', '(', '[', '-']).split_whitespace().take(8).collect();
    regex::escape(&words.join(" ")).replace("\\-", "-")
}

/// A few words for a pattern: the last two that say something, more where another line
/// is called so.
fn name(pattern: &str, others: &[Line]) -> String {
    let mut all: Vec<String> = words(pattern).into_iter().filter(|word| word.len() > 2).collect();
    // `label stored for order`: what it is of is known.
    let is_link = |word: &String| LINKS.contains(&word.as_str());
    if all.len() >= 4 && all.iter().rev().nth(1).is_some_and(is_link) {
        all.truncate(all.len() - 2);
    }
    all.retain(|word| !is_link(word));
    let last = |count: usize| {
        all.iter().skip(all.len().saturating_sub(count)).cloned().collect::<Vec<_>>().join(" ")
    };
    let base = if all.is_empty() { "line".to_string() } else { last(2) };
    let longer = (3..=all.len()).map(last);
    let numbered = (2..).map(|number| format!("{base} {number}"));
    let is_free = |name: &String| others.iter().all(|other| other.name != *name);
    std::iter::once(base.clone()).chain(longer).chain(numbered).find(is_free).unwrap_or(base)
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

    #[test]
    fn each_line_has_a_name_of_its_own_and_fits_no_other() {
        let kinds =
            ["Claim {} submitted", "Relayed claims.submitted for claim {}", "Letter stored for claim {}"];
        let kinds = kinds.into_iter().chain([
            "published claims.v1 of {}",
            "Got letter stored by {}",
            "sending failed: {}",
            "sent {}",
        ]);
        let said = kinds.flat_map(|kind| ["CL-1", "CL-2"].map(|id| kind.replace("{}", id)));
        let log: Vec<String> = said.map(|said| format!(r#"{{"level":"info","message":"{said}"}}"#)).collect();
        let lines = of_events("desk", "desk", &log, &["CL-1", "CL-2"].into());
        let found: Vec<(&str, &str)> =
            lines.iter().map(|line| (line.name.as_str(), line.pattern.as_str())).collect();
        assert_eq!(
            found,
            [
                ("claim submitted", r"Claim \S+ submitted"),
                ("claims submitted", r"Relayed claims\.submitted for claim"),
                ("letter stored", r"Letter stored for claim"),
                ("published claims", r"published claims\.v1 of"),
            ]
        );
        let twice = name("Letter stored", &[Line { name: "letter stored".into(), ..Line::default() }]);
        assert_eq!(twice, "letter stored 2");
    }
}
