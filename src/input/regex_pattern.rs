//! Compiles regular expressions within limits and explains their errors, with the position.
//!
//! Patterns come from files of other people. Matching takes linear time, but `\w{200}` takes
//! megabytes, so each pattern and all of them together are limited.

use crate::input::MistakeInString;
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::ErrorKind;
use regex_syntax::{Error as SyntaxError, ast, hir};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Records with no characters in common. A pattern that matches all of them matches everything.
pub const DISSIMILAR_RECORDS: [&str; 4] = ["~", "Kq", " 0", "\u{416}"];

/// The most characters of a pattern.
const MAX_LENGTH: usize = 10_000;
/// The most memory of the compiled patterns together, in bytes.
const MAX_TOTAL: usize = 24 << 20;
/// The sizes, in bytes, by which a pattern counts. The last one is the most that a pattern may need.
const SIZES: [usize; 4] = [16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// The most memory that the search for one pattern keeps to be fast, in bytes.
const SEARCH_MEMORY: usize = 512 << 10;

/// The patterns compiled so far, and the memory that they need at most.
#[derive(Default)]
struct Compiled {
    patterns: HashMap<String, Regex>,
    total: usize,
}

static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

/// Compiles a pattern, each text only once. The error is a deserializer message (see
/// [`MistakeInString`]).
pub fn compile(text: &str) -> Result<Regex, String> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pattern) = compiled.patterns.get(text) {
        return Ok(pattern.clone());
    }
    let (pattern, size) = compile_within_limits(text)?;
    if compiled.total + size > MAX_TOTAL {
        let what = format!("all regular expressions together need more than {} MiB", MAX_TOTAL >> 20);
        return Err(MistakeInString { at: 0..text.len(), what: &what, help: TOO_LARGE }.message());
    }
    compiled.total += size;
    compiled.patterns.insert(text.to_string(), pattern.clone());
    Ok(pattern)
}

const TOO_LARGE: &str = "reduce the repetitions: x{1,1000} expands to 1000 copies of x, and \\w to hundreds of characters; \
     [0-9A-Za-z_] is smaller than \\w";

/// Checks the length and syntax of a pattern. The error is a deserializer message (see
/// [`MistakeInString`]).
pub fn check_syntax(text: &str) -> Result<(), String> {
    if text.chars().count() > MAX_LENGTH {
        let what = format!("the regular expression is longer than {MAX_LENGTH} characters");
        return Err(MistakeInString { at: 0..0, what: &what, help: "split it into several rows" }.message());
    }
    if let Err(error) = regex_syntax::Parser::new().parse(text) {
        let (at, what, help) = explain(&error);
        return Err(
            MistakeInString { at, what: &format!("not a regular expression: {what}"), help }.message()
        );
    }
    Ok(())
}

/// Returns the message for a pattern that needs too much memory.
pub fn too_large(text: &str, limit: usize) -> String {
    let what = format!("the regular expression needs more than {} MiB", limit >> 20);
    MistakeInString { at: 0..text.len(), what: &what, help: TOO_LARGE }.message()
}

/// Compiles a pattern, and returns the memory that it needs at most.
fn compile_within_limits(text: &str) -> Result<(Regex, usize), String> {
    check_syntax(text)?;
    let build = |size: usize| RegexBuilder::new(text).size_limit(size).dfa_size_limit(SEARCH_MEMORY).build();
    let fits = |size: &usize| build(*size).ok().map(|pattern| (pattern, *size));
    let [smaller @ .., largest] = SIZES;
    if let Some(compiled) = smaller.iter().find_map(fits) {
        return Ok(compiled);
    }
    build(largest).map(|pattern| (pattern, largest)).map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => too_large(text, limit),
        other => {
            let what = other.to_string();
            let what = format!("not a regular expression: {}", what.lines().last().unwrap_or_default());
            MistakeInString { at: 0..text.len(), what: &what, help: TOO_LARGE }.message()
        }
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
        rejects(r"(\w{1,1000}){1,1000}", "0 20", "more than 1 MiB");
        rejects(r"\w{200}", "0 7", "more than 1 MiB");
        rejects(&"a".repeat(10_001), "0 0", "longer than 10000 characters");
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
