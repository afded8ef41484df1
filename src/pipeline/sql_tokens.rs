//! Splits SQL into tokens. What is code here must be code for PostgreSQL, and the other way round.

use std::ops::Range;

/// A token of SQL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) at: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A single character.
    Symbol,
    Quoted,
    Comment,
    /// `$1`, `{id}`.
    Parameter,
    /// An unclosed string or comment.
    Unclosed,
}

/// Splits SQL as PostgreSQL does. A parameter inside quotes precedes the quoted token.
pub(super) fn tokenize(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, kind) = next_token(rest);
        if let Some(kind) = kind {
            // `{id}` binds a value even inside quotes.
            let inner = sql[at..at + length].find("{id}").filter(|_| kind == Kind::Quoted);
            tokens.extend(inner.map(|inner| Token { at: at + inner..at + inner + 4, kind: Kind::Parameter }));
            tokens.push(Token { at: at..at + length, kind });
        }
        at += length;
    }
    tokens
}

/// Returns the byte length and kind of the first token. Whitespace has no kind.
fn next_token(rest: &str) -> (usize, Option<Kind>) {
    let quoted = |start: usize, end: &str| match rest.get(start..).and_then(|inner| inner.find(end)) {
        Some(at) => (start + at + end.len(), Some(Kind::Quoted)),
        None => (rest.len(), Some(Kind::Unclosed)),
    };
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or(' ');
    let second = chars.next().unwrap_or(' ');
    match (first, second) {
        ('-', '-') => (rest.find(['\n', '\r']).unwrap_or(rest.len()), Some(Kind::Comment)),
        ('/', '*') => comment(rest),
        ('\'', _) => quoted(1, "'"),
        ('"', _) => quoted(1, "\""),
        ('e' | 'E', '\'') => escape_string(rest),
        ('{', _) if rest.starts_with("{id}") => (4, Some(Kind::Parameter)),
        ('$', digit) if digit.is_ascii_digit() => {
            let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
            (1 + digits, Some(Kind::Parameter))
        }
        ('$', _) => match dollar_tag(rest) {
            Some(tag) => quoted(tag.len(), tag),
            None => (1, Some(Kind::Symbol)),
        },
        // Any other whitespace is part of a name, and so is a vertical tab before PostgreSQL 16.
        (c, _) if c.is_ascii_whitespace() || c == '\u{b}' => (c.len_utf8(), None),
        (c, _) if is_word(c) => {
            // An identifier may contain dollar signs.
            let end = rest.find(|c: char| !is_word(c) && c != '$').unwrap_or(rest.len());
            (end, Some(Kind::Word))
        }
        (c, _) => (c.len_utf8(), Some(Kind::Symbol)),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// Returns the delimiter of a dollar-quoted string: `$$` or `$tag$`.
fn dollar_tag(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 2;
    rest.get(..end).filter(|tag| tag[1..end - 1].chars().all(is_word))
}

/// Reads an escape string `E'…'`, in which a backslash escapes the next character.
fn escape_string(rest: &str) -> (usize, Option<Kind>) {
    let mut chars = rest.char_indices().skip(2);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' => return (at + 1, Some(Kind::Quoted)),
            _ => {}
        }
    }
    (rest.len(), Some(Kind::Unclosed))
}

/// Reads a block comment, which may be nested.
fn comment(rest: &str) -> (usize, Option<Kind>) {
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(rest) = rest.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (at, Some(Kind::Comment));
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    (rest.len(), Some(Kind::Unclosed))
}
