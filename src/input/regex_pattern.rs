//! Compiles regular expressions and explains their errors, with the position.

use crate::input::MistakeInString;
use regex::Regex;
use regex_syntax::ast::ErrorKind;
use regex_syntax::{Error as SyntaxError, ast, hir};
use std::ops::Range;

/// Records with no character in common. A pattern that matches all of them matches everything.
const DISSIMILAR_RECORDS: [&str; 4] = ["~", "Kq", " 0", "\u{416}"];

/// Compiles a pattern. The error is a deserializer message (see [`MistakeInString`]).
pub fn compile(text: &str) -> Result<Regex, String> {
    let whole = 0..text.len();
    if let Err(error) = regex_syntax::Parser::new().parse(text) {
        let (at, what, help) = explain(&error);
        return Err(
            MistakeInString { at, what: &format!("not a regular expression: {what}"), help }.message()
        );
    }
    Regex::new(text).map_err(|error| {
        let what = match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("the regular expression needs more than {} MiB", limit >> 20)
            }
            other => {
                format!("not a regular expression: {}", other.to_string().lines().last().unwrap_or_default())
            }
        };
        let help = "reduce the repetitions: x{1,1000} expands to 1000 copies of x, and \\w to hundreds of characters";
        MistakeInString { at: whole, what: &what, help }.message()
    })
}

/// Reports whether a pattern matches every record.
pub fn matches_everything(pattern: &Regex) -> bool {
    DISSIMILAR_RECORDS.iter().all(|record| pattern.is_match(record))
}

/// Returns the byte range in the pattern, the problem and the help text.
fn explain(error: &SyntaxError) -> (Range<usize>, String, &'static str) {
    match error {
        SyntaxError::Parse(error) => {
            let (what, help) = syntax_error(error.kind());
            (byte_range(error.span()), what.unwrap_or_else(|| error.kind().to_string()), help)
        }
        SyntaxError::Translate(error) => {
            let help = match error.kind() {
                hir::ErrorKind::UnicodePropertyNotFound => "for example, \\p{L} matches any letter",
                _ => DEFAULT_HELP,
            };
            (byte_range(error.span()), error.kind().to_string(), help)
        }
        other => (0..0, other.to_string(), DEFAULT_HELP),
    }
}

const DEFAULT_HELP: &str = "escape special characters with a backslash: \\( \\[ \\. \\*";

/// Returns the help text, and a clearer problem description where the regex crate's is vague.
fn syntax_error(kind: &ErrorKind) -> (Option<String>, &'static str) {
    match kind {
        ErrorKind::UnsupportedLookAround => (
            Some("look-around (?= ?! ?<= ?<!) is not supported".into()),
            "include that text in the match: look-around would break linear-time matching",
        ),
        ErrorKind::UnsupportedBackreference => (
            Some("back-references (\\1) are not supported".into()),
            "write out the repeated part: back-references would break linear-time matching",
        ),
        ErrorKind::GroupUnclosed => (None, "close it with ), or escape it: \\("),
        ErrorKind::GroupUnopened => (None, "open it with (, or escape it: \\)"),
        ErrorKind::ClassUnclosed => (None, "close it with ], or escape it: \\["),
        ErrorKind::RepetitionMissing => {
            (None, "put the repeated pattern before it, or escape it: \\* \\+ \\?")
        }
        ErrorKind::EscapeUnrecognized => (None, "remove the backslash, or escape it: \\\\"),
        _ => (None, DEFAULT_HELP),
    }
}

fn byte_range(span: &ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset.max(span.start.offset + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn rejects(pattern: &str, range: &str, words: &str) {
        let message = compile(pattern).unwrap_err();
        assert!(message.starts_with(&format!("within {range}\n")), "{message}");
        assert!(message.contains(words), "{message}");
    }

    #[test]
    fn explains_syntax_errors_with_their_range() {
        rejects("paid (?!again)", "5 8", "look-around");
        rejects("(?<=a)b", "0 4", "look-around");
        rejects(r"(a)\1", "3 5", "back-references");
        rejects("a(b", "1 2", "unclosed group");
        rejects("*a", "0 1", "repetition");
        rejects(r"\p{Nonsense}", "0 12", "Unicode property");
    }

    #[test]
    fn rejects_too_large_patterns() {
        rejects(r"(\w{1,1000}){1,1000}", "0 20", "more than 10 MiB");
    }

    #[test]
    fn detects_patterns_that_match_everything() {
        for pattern in ["", ".*", ".", "^", "x?", "(?s).+", "a|"] {
            assert!(matches_everything(&compile(pattern).unwrap()), "{pattern}");
        }
        for pattern in ["started", "^$", r"\d", r"\w", "[a-z]+"] {
            assert!(!matches_everything(&compile(pattern).unwrap()), "{pattern}");
        }
    }
}
