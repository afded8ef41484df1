//! Finds texts that a pattern cannot match without, so that a fast search for them can rule the pattern
//! out.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::BTreeSet;
use std::str::Chars;

/// Shortest text that is worth a search.
const MIN_LENGTH: usize = 3;
/// A longer text is cut, because building a search for thousands of texts takes time. This many letters are in few
/// records by chance.
const MAX_LENGTH: usize = 16;

/// Returns texts, in lower case, at least one of which is in everything that the pattern matches, in
/// whatever case. Returns `None` if there are none, or they are too short.
pub fn required_literals(pattern: &str) -> Option<Vec<String>> {
    let parse = |pattern: &str| ParserBuilder::new().utf8(false).unicode(false).build().parse(pattern).ok();
    // The case does not matter here, and a letter is read faster than a class of both its cases. Without the
    // group around it, the pattern is invalid if the group ends earlier.
    let inner = pattern.strip_prefix("(?i:").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.or_else(|| pattern.strip_prefix("(?i)"));
    let quickly = inner.unwrap_or(pattern);
    let literals = match alternatives(quickly).or_else(|| Some(vec![long_run(quickly)?])) {
        Some(plain) => Some(plain),
        None => required(&inner.and_then(parse).or_else(|| parse(pattern))?),
    };
    let literals = literals.filter(|literals| shortest(literals) >= MIN_LENGTH)?;
    let cut = |literal: String| literal[..literal.floor_char_boundary(MAX_LENGTH)].to_string();
    Some(literals.into_iter().map(cut).collect())
}

/// Returns the texts, in lower case, of a pattern that is one text or a choice of texts between word borders, as
/// most are. Parsing thousands of patterns takes longer than all else at the start.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let inner = pattern.strip_prefix(r"\b").unwrap_or(pattern).strip_prefix("(?:")?;
    let inner = inner.strip_suffix(r"\b").unwrap_or(inner).strip_suffix(')')?;
    // These are special only within a class.
    let is_special = |c: char| regex_syntax::is_meta_character(c) && !"-&~#".contains(c);
    let is_plain = |c: char| c.is_ascii() && !c.is_ascii_control() && !is_special(c);
    let texts = inner.split('|');
    texts.map(|text| text.chars().all(is_plain).then(|| text.to_ascii_lowercase())).collect()
}

/// Shortest run of letters that is good enough not to parse the pattern for a better one.
const LONG_RUN: usize = 10;

/// Returns the longest run of letters, in lower case, that stand in a pattern outside of groups and classes, if it is
/// long. Returns `None` for a pattern that has a choice or anything unusual there.
fn long_run(pattern: &str) -> Option<String> {
    let inner = pattern.strip_prefix(r"\b").unwrap_or(pattern);
    let inner = match inner.strip_prefix("(?:") {
        Some(inner) => inner.strip_suffix(r"\b").unwrap_or(inner).strip_suffix(')')?,
        None => inner,
    };
    let (mut longest, mut run) = (String::new(), String::new());
    let mut rest = inner.chars();
    loop {
        let next = rest.next();
        match next {
            Some('\\') => match rest.next()? {
                c if c.is_ascii_punctuation() => {
                    run.push(c);
                    continue;
                }
                'b' | 'd' | 's' | 'w' | 'S' | 'W' | 'D' => {}
                _ => return None,
            },
            Some('(') if rest.as_str().starts_with("?:") || !rest.as_str().starts_with('?') => {
                skip_group(&mut rest)?;
            }
            Some('[') => skip_class(&mut rest)?,
            // The character before it need not be there.
            Some('?' | '*') => drop(run.pop()),
            Some('{') => {
                run.pop();
                rest.find(|c| *c == '}')?;
            }
            Some('.' | '^' | '$' | '+') | None => {}
            Some(c) if c.is_ascii() && !matches!(c, '|' | '(' | ')') => {
                run.push(c.to_ascii_lowercase());
                continue;
            }
            Some(_) => return None,
        }
        if run.len() > longest.len() {
            longest.clone_from(&run);
        }
        run.clear();
        if next.is_none() {
            return Some(longest).filter(|longest| longest.len() >= LONG_RUN);
        }
    }
}

/// Skips the rest of a group, with the groups in it.
fn skip_group(rest: &mut Chars) -> Option<()> {
    let mut depth = 1;
    while depth > 0 {
        match rest.next()? {
            '\\' => drop(rest.next()),
            '[' => skip_class(rest)?,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    Some(())
}

/// Skips the rest of a class. Returns `None` if it has another in it.
fn skip_class(rest: &mut Chars) -> Option<()> {
    let mut is_first = true;
    loop {
        match rest.next()? {
            '\\' => drop(rest.next()),
            '^' if is_first => continue,
            ']' if !is_first => return Some(()),
            '[' => return None,
            _ => {}
        }
        is_first = false;
    }
}

fn shortest(literals: &[String]) -> usize {
    literals.iter().map(String::len).min().unwrap_or_default()
}

fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => text(hir).map(|text| vec![text]),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Concat(parts) => best_of(parts),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<String>>> = parts.iter().map(required).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Most texts that one run of adjacent parts may stand for.
const MAX_TEXTS: usize = 9;

/// Returns the longest requirement among parts that follow each other. Adjacent literals are joined.
fn best_of(parts: &[Hir]) -> Option<Vec<String>> {
    let mut candidates: Vec<Vec<String>> = Vec::new();
    let mut run = vec![String::new()];
    for part in parts {
        if matches!(part.kind(), HirKind::Look(_)) {
            continue;
        }
        match texts(part).filter(|texts| texts.len() * run.len() <= MAX_TEXTS) {
            Some(texts) => {
                let joined =
                    run.iter().flat_map(|head| texts.iter().map(move |text| format!("{head}{text}")));
                run = joined.collect();
            }
            None => {
                candidates.push(std::mem::replace(&mut run, vec![String::new()]));
                candidates.extend(required(part));
            }
        }
    }
    candidates.push(run);
    candidates.into_iter().max_by_key(|literals| shortest(literals))
}

/// Returns all texts that a literal, a small class, or an optional one of these stands for.
fn texts(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min == 0 && repetition.max == Some(1) => {
            let texts = texts(&repetition.sub)?;
            Some(std::iter::once(String::new()).chain(texts).collect())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let letters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let letters: BTreeSet<u8> =
                letters.map(|letter| letter.to_ascii_lowercase()).take(2 * MAX_TEXTS).collect();
            let is_small = letters.len() <= 3 && letters.iter().all(u8::is_ascii);
            is_small.then(|| letters.into_iter().map(|letter| char::from(letter).to_string()).collect())
        }
        _ => text(hir).map(|text| vec![text]),
    }
}

/// Returns the text of a literal in lower case, or of a class of one letter in both cases.
fn text(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(text.to_ascii_lowercase())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut letters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let first = letters.next()?.to_ascii_lowercase();
            let is_one = first.is_ascii() && letters.all(|letter| letter.to_ascii_lowercase() == first);
            is_one.then(|| char::from(first).to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_long_runs_without_parsing() {
        for (pattern, expected) in [
            (r"\b(?:could not connect to (?:server|host)s?)\b", Some("could not connect to ")),
            (r"no such hosts? (?:\(\d+\) )?was found: [^]a(]+ in the end", Some("no such host")),
            (r"(a|[)])connection +refused\.{2}", Some("connection ")),
            // The parser has to tell.
            (r"not enough replicas|too many of them", None),
            (r"\b(?:connection refused)|(?:connection reset)\b", None),
            (r"(?i)connection refused", None),
            (r"connection\x20refused", None),
            (r"short one?", None),
        ] {
            assert_eq!(long_run(pattern).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn finds_what_every_match_contains() {
        for (pattern, expected) in [
            ("connection refused", Some(vec!["connection refus"])),
            ("(?i:Connection) to [^ ]+ refused", Some(vec!["connection to "])),
            (r"\b(?:ECONNREFUSED|EPIPE)\b", Some(vec!["econnrefused", "epipe"])),
            (
                "(?i)not_?enough_?replicas",
                Some(vec!["notenoughreplica", "notenough_replic", "not_enoughreplic", "not_enough_repli"]),
            ),
            ("a[_-]?bc", Some(vec!["abc", "a-bc", "a_bc"])),
            ("(?:abc|[0-9]+)", None),
            ("(?:abc)?", None),
            ("ab", None),
            ("(?:abc)+d?", Some(vec!["abc"])),
            ("(?i:abc)|(?i:DEF)", Some(vec!["abc", "def"])),
            ("(?i:abc (?:d|e) f)", Some(vec!["abc "])),
        ] {
            let expected = expected.map(|all| all.into_iter().map(String::from).collect());
            assert_eq!(required_literals(pattern), expected, "{pattern}");
        }
    }
}
