//! Regular expressions: what is wrong with one, in plain words and with its place.

use crate::input::Within;
use regex::Regex;
use regex_syntax::ast::ErrorKind;
use regex_syntax::{Error as SyntaxError, ast, hir};
use std::ops::Range;

/// Records that have no letter in common: what finds all of them finds anything.
const UNLIKE: [&str; 4] = ["~", "Kq", " 0", "\u{416}"];

/// The expression, or a deserializer's message with the place in it.
pub fn compile(text: &str) -> Result<Regex, String> {
    let whole = 0..text.len();
    if let Err(error) = regex_syntax::Parser::new().parse(text) {
        let (at, what, help) = explained(&error);
        return Err(Within { at, what: &format!("not a regular expression: {what}"), help }.message());
    }
    Regex::new(text).map_err(|error| {
        let what = match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("a regular expression that takes more than {} MiB", limit >> 20)
            }
            other => {
                format!("not a regular expression: {}", other.to_string().lines().last().unwrap_or_default())
            }
        };
        let help = "repeat less: x{1,1000} is a thousand times x, and \\w is hundreds of letters";
        Within { at: whole, what: &what, help }.message()
    })
}

/// Whether it finds every record, whatever that says.
pub fn finds_anything(pattern: &Regex) -> bool {
    UNLIKE.iter().all(|record| pattern.is_match(record))
}

/// Where in the pattern, what is wrong and the way out.
fn explained(error: &SyntaxError) -> (Range<usize>, String, &'static str) {
    match error {
        SyntaxError::Parse(error) => {
            let (what, help) = syntax(error.kind());
            (bytes(error.span()), what.unwrap_or_else(|| error.kind().to_string()), help)
        }
        SyntaxError::Translate(error) => {
            let help = match error.kind() {
                hir::ErrorKind::UnicodePropertyNotFound => "for example \\p{L} is any letter",
                _ => OTHERWISE,
            };
            (bytes(error.span()), error.kind().to_string(), help)
        }
        other => (0..0, other.to_string(), OTHERWISE),
    }
}

const OTHERWISE: &str = "a backslash takes a sign literally: \\( \\[ \\. \\*";

/// Our own words, where the crate's do not say what to do.
fn syntax(kind: &ErrorKind) -> (Option<String>, &'static str) {
    match kind {
        ErrorKind::UnsupportedLookAround => (
            Some("look-around (?= ?! ?<= ?<!) is not supported".into()),
            "match what stands there as well: patterns are linear in time, and look at no place twice",
        ),
        ErrorKind::UnsupportedBackreference => (
            Some("back-references (\\1) are not supported".into()),
            "write out what is repeated: patterns are linear in time",
        ),
        ErrorKind::GroupUnclosed => (None, "close it with ), or take the sign literally: \\("),
        ErrorKind::GroupUnopened => (None, "open it with (, or take the sign literally: \\)"),
        ErrorKind::ClassUnclosed => (None, "close it with ], or take the sign literally: \\["),
        ErrorKind::RepetitionMissing => {
            (None, "say what is repeated, or take the sign literally: \\* \\+ \\?")
        }
        ErrorKind::EscapeUnrecognized => (None, "take the backslash away, or take it literally: \\\\"),
        _ => (None, OTHERWISE),
    }
}

fn bytes(span: &ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset.max(span.start.offset + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn wrong(pattern: &str, place: &str, words: &str) {
        let message = compile(pattern).unwrap_err();
        assert!(message.starts_with(&format!("within {place}\n")), "{message}");
        assert!(message.contains(words), "{message}");
    }

    #[test]
    fn what_is_not_supported_is_said_with_its_place() {
        wrong("paid (?!again)", "5 8", "look-around");
        wrong("(?<=a)b", "0 4", "look-around");
        wrong(r"(a)\1", "3 5", "back-references");
        wrong("a(b", "1 2", "unclosed group");
        wrong("*a", "0 1", "repetition");
        wrong(r"\p{Nonsense}", "0 12", "Unicode property");
    }

    #[test]
    fn what_is_too_large_is_said() {
        wrong(r"(\w{1,1000}){1,1000}", "0 20", "more than 10 MiB");
    }

    #[test]
    fn only_what_finds_every_record_finds_anything() {
        for pattern in ["", ".*", ".", "^", "x?", "(?s).+", "a|"] {
            assert!(finds_anything(&compile(pattern).unwrap()), "{pattern}");
        }
        for pattern in ["started", "^$", r"\d", r"\w", "[a-z]+"] {
            assert!(!finds_anything(&compile(pattern).unwrap()), "{pattern}");
        }
    }
}
