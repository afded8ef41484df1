//! Derives patterns for log lines: for a worker's start, and for lines that contain an event's id.

use crate::init::draft::Line;
use crate::init::naming::{singular, words};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The maximum number of lines suggested per component.
const MAX_LINES: usize = 4;

/// Words that only connect other words.
const LINK_WORDS: [&str; 6] = ["for", "from", "with", "into", "the", "and"];

/// The placeholder for an id in a message.
const ID_PLACEHOLDER: &str = "\u{1}";

/// Words that indicate a start, the clearest first.
static START_WORDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        "started",
        "ready",
        "listening",
        "subscribed",
        "joined",
        "running",
        "starting",
        "waiting for",
        "connected",
    ]
    .map(|word| Regex::new(&format!(r"(?i)\b{word}\b")).expect("a constant pattern"))
    .into()
});

/// Returns patterns for the line that reports a component's start, by component. They end with a start word: the
/// one that most components log once, because those of one pipeline tend to report it alike.
pub fn start_patterns<'a>(logs: &[(&'a str, &[String])]) -> BTreeMap<&'a str, String> {
    let found: Vec<(&str, Vec<Option<String>>)> =
        logs.iter().map(|(component, log)| (*component, pattern_per_start_word(log))).collect();
    let users = |word: usize| found.iter().filter(|(_, patterns)| patterns[word].is_some()).count();
    let mut words: Vec<usize> = (0..START_WORDS.len()).collect();
    // On a tie, the clearest word stays first.
    words.sort_by_key(|word| std::cmp::Reverse(users(*word)));
    let chosen = found.iter().filter_map(|(component, patterns)| {
        Some((*component, words.iter().find_map(|word| patterns[*word].clone())?))
    });
    chosen.collect()
}

/// Returns, for each start word, a pattern for the line among the first ones that ends with it and occurs once.
fn pattern_per_start_word(log: &[String]) -> Vec<Option<String>> {
    let messages: Vec<String> = log.iter().map(|line| message_of(line)).collect();
    let is_single = |line: &&String| messages.iter().filter(|other| other == line).count() == 1;
    let first: Vec<&String> = messages.iter().take(10).filter(is_single).collect();
    let find = |start: &Regex| {
        let (line, end) = first.iter().find_map(|line| Some((line, start.find(line)?.end())))?;
        Some(pattern(line.get(..end)?)).filter(|pattern| start.is_match(pattern))
    };
    START_WORDS.iter().map(find).collect()
}

/// Returns patterns for the lines in which a component logs an event's id, one per kind of line.
pub fn event_lines(component: &str, stage: &str, log: &[String], ids: &BTreeSet<&str>) -> Vec<Line> {
    let distinctive: Vec<&&str> = ids.iter().filter(|id| id.len() >= 4).collect();
    // The count, the first position and the first message of each pattern.
    let mut kinds: BTreeMap<String, (usize, usize, String)> = BTreeMap::new();
    for (position, line) in log.iter().enumerate() {
        if let Some(id) = distinctive.iter().find(|id| line.contains(***id)) {
            let message = message_of(line).replace(**id, ID_PLACEHOLDER);
            kinds.entry(pattern(&message)).or_insert((0, position, message)).0 += 1;
        }
    }
    let mut chosen: Vec<_> =
        kinds.iter().filter(|(kind, (count, ..))| *count >= 2 && kind.len() >= 6).collect();
    chosen.retain(|(kind, _)| !matches_another(kind, &kinds) && !suggests_failure(kind));
    chosen.sort_by_key(|(_, (_, first, _))| *first);
    let mut lines: Vec<Line> = Vec::new();
    for (pattern, _) in chosen.into_iter().take(MAX_LINES) {
        let name = line_name(pattern, &lines);
        lines.push(Line { name, component: component.into(), stage: stage.into(), pattern: pattern.clone() });
    }
    lines
}

/// Reports whether a pattern also matches another kind of line, which means that it is not specific.
fn matches_another(pattern: &str, kinds: &BTreeMap<String, (usize, usize, String)>) -> bool {
    let Ok(regex) = Regex::new(pattern) else { return true };
    kinds.iter().any(|(other, (.., message))| other != pattern && regex.is_match(message))
}

/// Reports whether a pattern contains a word that is not logged for healthy events.
fn suggests_failure(pattern: &str) -> bool {
    let bad = ["fail", "failed", "failure", "error", "exception", "timeout", "retry", "retrying", "rejected"];
    words(pattern).iter().any(|word| bad.contains(&word.as_str()))
}

/// Returns the words in all lines, in the singular.
pub fn log_words(log: &[String]) -> BTreeSet<String> {
    log.iter().flat_map(|line| words(&message_of(line))).map(|word| singular(&word)).collect()
}

/// Returns the message of a line: its message field if the line is JSON, else the line without
/// a leading timestamp.
fn message_of(line: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]*(Z|[+-]\d\d:?\d\d)?\]?\s*")
            .expect("a constant pattern")
    });
    let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let field = json.as_ref().and_then(|json| {
        ["msg", "message", "event", "text"].iter().find_map(|name| json.get(*name)?.as_str())
    });
    let text = field.map_or_else(|| TIME.replace(line, "").into_owned(), String::from);
    text.trim().to_string()
}

/// Returns a regular expression for the constant start of a message, up to the first variable
/// part (an id, a number, quoted text), at most eight words long. If the start is short, the
/// expression also matches the text after the id.
fn pattern(message: &str) -> String {
    let pieces = constant_pieces(message);
    let longest = pieces.iter().copied().max_by_key(|piece| piece.trim().len()).unwrap_or_default();
    let first = pieces.first().copied().unwrap_or_default();
    let second = pieces.get(1).copied().unwrap_or_default();
    let is_short = first.trim().len() < 8;
    let names_id = first.ends_with(' ')
        && message.get(first.len()..).is_some_and(|rest| rest.starts_with(ID_PLACEHOLDER));
    // The start is the most specific piece, unless it is short.
    if is_short && names_id && first.starts_with(char::is_alphanumeric) && second.trim().len() >= 3 {
        return format!("{} \\S+ {}", escape_piece(first), escape_piece(second));
    }
    escape_piece(if is_short { longest } else { first })
}

/// Splits a message at its variable parts and returns the constant pieces.
fn constant_pieces(message: &str) -> Vec<&str> {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\x01|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\w+[=:]\S*\x01|\w+=|\bv\d+|\d+|["'{=]"#)
            .expect("a constant pattern")
    });
    let mut pieces = Vec::new();
    let mut begin = 0;
    // A version number is part of a name: `orders.v1`.
    let is_version = |text: &str| {
        text.len() > 1 && text.starts_with('v') && text[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    for found in VARIABLE.find_iter(message).filter(|found| !is_version(found.as_str())) {
        pieces.extend(message.get(begin..found.start()));
        begin = found.end();
    }
    pieces.extend(message.get(begin..));
    pieces
}

/// Escapes the first eight words of a piece for a regular expression.
fn escape_piece(piece: &str) -> String {
    let trimmed = piece.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '[');
    let words: Vec<&str> =
        trimmed.trim().trim_end_matches([':', ',', '(', '[', '-']).split_whitespace().take(8).collect();
    regex::escape(&words.join(" ")).replace("\\-", "-")
}

/// Names a pattern by its last two meaningful words, or by more of them if another line already has
/// that name.
fn line_name(pattern: &str, others: &[Line]) -> String {
    let mut all: Vec<String> = words(pattern).into_iter().filter(|word| word.len() > 2).collect();
    // In `label stored for order`, the end only names the kind of event.
    let is_link = |word: &String| LINK_WORDS.contains(&word.as_str());
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
    fn patterns_omit_variable_parts() {
        let log: Vec<String> = [
            "2026-01-07T16:55:09Z [Packer] Started, waiting for orders",
            "2026-01-07T16:55:10Z [Packer] Packed order ORD-1 in 12 ms",
            "2026-01-07T16:55:11Z [Packer] Packed order ORD-2 in 9 ms",
            r#"{"level":"info","msg":"label printed for ORD-1"}"#,
        ]
        .map(String::from)
        .into();
        assert_eq!(start_patterns(&[("packer", &log)])["packer"], r"\[Packer\] Started");
        let ids = ["ORD-1", "ORD-2"].into();
        let lines = event_lines("packer", "pack", &log, &ids);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].pattern, r"\[Packer\] Packed order");
        assert_eq!(lines[0].name, "packed order");
        assert!(Regex::new(&lines[0].pattern).unwrap().is_match(&log[1]));
        let log = [
            "INFO  1 --- [packer] Event received order=ORD-1 offset=0",
            "INFO  1 --- [packer] Event received order=ORD-2 offset=1",
        ];
        let lines = event_lines("packer", "pack", &log.map(String::from), &ids);
        assert_eq!(lines[0].pattern, r"\[packer\] Event received");
    }

    #[test]
    fn workers_of_one_pipeline_report_their_start_alike() {
        let log = |lines: &[&str]| lines.iter().map(|line| (*line).to_string()).collect::<Vec<_>>();
        let packer = log(&["Starting packer", "Producer connected", "Consumer connected"]);
        let mailer = log(&["Starting mailer", "Mail server connected", "Mail server connected"]);
        let poller = log(&["Ready", "Starting poller"]);
        let patterns = start_patterns(&[("packer", &packer), ("mailer", &mailer), ("poller", &poller)]);
        let patterns: Vec<(&str, &str)> =
            patterns.iter().map(|(component, pattern)| (*component, pattern.as_str())).collect();
        assert_eq!(patterns, [("mailer", "Starting"), ("packer", "Starting"), ("poller", "Starting")]);
    }

    #[test]
    fn lines_have_unique_names_and_match_no_other_line() {
        let kinds =
            ["Claim {} submitted", "Relayed claims.submitted for claim {}", "Letter stored for claim {}"];
        let kinds = kinds.into_iter().chain([
            "published claims.v1 of {}",
            "Got letter stored by {}",
            "sending failed: {}",
            "sent {}",
        ]);
        let messages = kinds.flat_map(|kind| ["CL-1", "CL-2"].map(|id| kind.replace("{}", id)));
        let log: Vec<String> =
            messages.map(|message| format!(r#"{{"level":"info","message":"{message}"}}"#)).collect();
        let lines = event_lines("desk", "desk", &log, &["CL-1", "CL-2"].into());
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
        let twice = line_name("Letter stored", &[Line { name: "letter stored".into(), ..Line::default() }]);
        assert_eq!(twice, "letter stored 2");
    }
}
