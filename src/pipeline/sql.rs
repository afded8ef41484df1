//! SQL in a pipeline: what can be seen of it without a database.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use std::ops::Range;

/// Where SQL stands in a pipeline.
const SQL: &[&str] = &["event.sql", "stage[].sql"];

/// SQL that is printed on one line.
const ON_ONE_LINE: &str = "stage[].record_sql";

/// What a statement of a pipeline must be.
const EXPECTED: &str =
    "expected one select of the rows of all events, each with its event's id in a column `id`";

/// Headers, key and value of the records of these ids (literals), as the console
/// producer reads them: `name:value,…<tab>key<tab>value`.
pub fn record_lines(record_sql: &str, ids: &str) -> String {
    format!(
        "select (select string_agg(h.key || ':' || h.value, ',') from jsonb_each_text(r.headers) h) \
         || chr(9) || r.key || chr(9) || r.value from ({record_sql}) r where r.id in ({ids})"
    )
}

/// The SQL is for all events: the tool adds `where id = …` itself, so that one
/// statement serves for one id and for counting.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let mut tell = |entry: &Entry, on_one_line: bool| {
        for (at, what, help) in mistakes_of(&entry.text, on_one_line) {
            mistakes.push(document.source().mistake_within(&entry.at, &at, what).help(help));
        }
    };
    SQL.iter().flat_map(|path| document.texts(path)).for_each(|entry| tell(&entry, false));
    document.texts(ON_ONE_LINE).iter().for_each(|entry| tell(entry, true));
}

/// What an own fact's statement must be.
const OWN_EXPECTED: &str = "expected one select that binds at most $1: the asked id as text";

/// What binds the asked id in an own fact's statement.
const ID: &str = "$1";

/// What is wrong with the statement of an own fact.
pub fn of_own_fact(entry: &Entry, source: &Source) -> Vec<Mistake> {
    let is_id = |wrong: &Wrong| entry.text.get(wrong.0.clone()) == Some(ID);
    let found = mistakes_of(&entry.text, false).into_iter().filter(|wrong| !is_id(wrong));
    let found = found.map(|wrong| {
        let (at, what, help) = wrong;
        let help = if help == EXPECTED { OWN_EXPECTED } else { help };
        source.mistake_within(&entry.at, &at, what).help(help)
    });
    found.collect()
}

/// Whether an own fact's statement asks for the id.
pub fn binds_id(sql: &str) -> bool {
    pieces(sql).iter().any(|piece| piece.kind == Kind::Value && sql.get(piece.at.clone()) == Some(ID))
}

type Wrong = (Range<usize>, String, &'static str);

fn mistakes_of(sql: &str, on_one_line: bool) -> Vec<Wrong> {
    let pieces = pieces(sql);
    let mut found: Vec<Wrong> = Vec::new();
    let mut words = pieces.iter().filter(|piece| !matches!(piece.kind, Kind::Comment));
    match words.next() {
        Some(first) if first.kind == Kind::Word && is_query(&sql[first.at.clone()]) => {}
        Some(first) => found.push((first.at.clone(), "not a select".into(), EXPECTED)),
        None => found.push((0..sql.len(), "no SQL".into(), EXPECTED)),
    }
    let mut open: Vec<&Piece> = Vec::new();
    for piece in &pieces {
        let text = &sql[piece.at.clone()];
        match (piece.kind, text) {
            (Kind::Value, _) => found.push((piece.at.clone(), format!("`{text}` binds a value"), EXPECTED)),
            (Kind::Sign, ";") => found.push((piece.at.clone(), "`;` ends the statement".into(), SEMICOLON)),
            (Kind::Sign, "(") => open.push(piece),
            (Kind::Sign, ")") if open.pop().is_none() => {
                found.push((piece.at.clone(), "`)` closes nothing".into(), "take it out, or open it before"));
            }
            (Kind::Unclosed, _) => {
                found.push((
                    piece.at.clone(),
                    "what begins here has no end".into(),
                    "close the quotes, or the comment",
                ));
            }
            (Kind::Comment, text) if text.starts_with("--") && (on_one_line || piece.at.end == sql.len()) => {
                found.push((piece.at.clone(), "a comment that hides what follows".into(), COMMENT));
            }
            _ => {}
        }
    }
    found.extend(
        open.iter().map(|piece| (piece.at.clone(), "`(` is never closed".to_string(), "close it with )")),
    );
    found
}

const SEMICOLON: &str = "leave it out: the statement becomes part of another, and only one is run";
const COMMENT: &str = "write it as /* ... */: the statement becomes part of another";

fn is_query(word: &str) -> bool {
    ["select", "with", "values", "table"].iter().any(|query| word.eq_ignore_ascii_case(query))
}

/// A piece of SQL that matters here; what stands between quotes is none.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    at: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// One sign.
    Sign,
    Quoted,
    Comment,
    /// `$1`, `{id}`.
    Value,
    /// Quotes or a comment without their end.
    Unclosed,
}

fn pieces(sql: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, kind) = piece(rest);
        if let Some(kind) = kind {
            // People write the place of the id in quotes, too.
            let inner = sql[at..at + length].find("{id}").filter(|_| kind == Kind::Quoted);
            pieces.extend(inner.map(|inner| Piece { at: at + inner..at + inner + 4, kind: Kind::Value }));
            pieces.push(Piece { at: at..at + length, kind });
        }
        at += length;
    }
    pieces
}

/// How long the piece is that the text begins with, and what it is; blanks are none.
fn piece(rest: &str) -> (usize, Option<Kind>) {
    let closed = |begin: usize, end: &str| match rest.get(begin..).and_then(|inner| inner.find(end)) {
        Some(at) => (begin + at + end.len(), Some(Kind::Quoted)),
        None => (rest.len(), Some(Kind::Unclosed)),
    };
    let mut letters = rest.chars();
    let first = letters.next().unwrap_or(' ');
    let second = letters.next().unwrap_or(' ');
    match (first, second) {
        ('-', '-') => (rest.find('\n').unwrap_or(rest.len()), Some(Kind::Comment)),
        ('/', '*') => comment(rest),
        ('\'', _) => closed(1, "'"),
        ('"', _) => closed(1, "\""),
        ('e' | 'E', '\'') => escaped(rest),
        ('{', _) if rest.starts_with("{id}") => (4, Some(Kind::Value)),
        ('$', digit) if digit.is_ascii_digit() => {
            let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
            (1 + digits, Some(Kind::Value))
        }
        ('$', _) => match dollar(rest) {
            Some(tag) => closed(tag.len(), tag),
            None => (1, Some(Kind::Sign)),
        },
        (c, _) if c.is_whitespace() => (c.len_utf8(), None),
        (c, _) if is_word(c) => {
            // A dollar inside of a name belongs to it.
            let end = rest.find(|c: char| !is_word(c) && c != '$').unwrap_or(rest.len());
            (end, Some(Kind::Word))
        }
        (c, _) => (c.len_utf8(), Some(Kind::Sign)),
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// `$$` or `$tag$`.
fn dollar(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 2;
    rest.get(..end).filter(|tag| tag[1..end - 1].chars().all(is_word))
}

/// `E'…'`, in which a backslash takes the next letter with it.
fn escaped(rest: &str) -> (usize, Option<Kind>) {
    let mut letters = rest.char_indices().skip(2);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '\'' => return (at + 1, Some(Kind::Quoted)),
            _ => {}
        }
    }
    (rest.len(), Some(Kind::Unclosed))
}

/// A comment, which may hold others.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(sql: &str) -> Vec<String> {
        mistakes_of(sql, false).into_iter().map(|(at, what, _)| format!("{} {what}", at.start)).collect()
    }

    #[test]
    fn good_sql_has_no_mistakes() {
        for sql in [
            "select id, at from done where type = 'ORDERED'",
            "\n-- the events\nwith x as (select 1) /* a ; ( $1 */ select * from x",
            "select a->>'b;(', '$1', $$ ; $1 $$, $x$ ( $x$, E'it\\'s ;', \"odd ; name\", a$1 from t",
            "SELECT jsonb_path_query(x, '$.a') from t",
            "select 'it''s' from t",
        ] {
            assert_eq!(wrong(sql), Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn each_mistake_has_its_place() {
        for (sql, expected) in [
            ("select id from t where id = $1", "28 `$1` binds a value"),
            ("select id from t where id = '{id}'", "29 `{id}` binds a value"),
            ("select 1;", "8 `;` ends the statement"),
            ("delete from t", "0 not a select"),
            ("", "0 no SQL"),
            ("select (1", "7 `(` is never closed"),
            ("select 1)", "8 `)` closes nothing"),
            ("select 'a", "7 what begins here has no end"),
            ("select 1 -- one", "9 a comment that hides what follows"),
        ] {
            assert_eq!(wrong(sql), [expected], "{sql}");
        }
    }

    #[test]
    fn an_own_fact_may_bind_the_id_and_nothing_else() {
        let wrong = |sql: &str| {
            let source = Source { name: "own.toml".into(), text: format!("sql = \"{sql}\"") };
            let entry = Entry { text: sql.into(), at: 6..8 + sql.len() };
            of_own_fact(&entry, &source).iter().map(|mistake| mistake.what.clone()).collect::<Vec<String>>()
        };
        assert_eq!(wrong("select count(*) from t where a = $1 or b = $1"), Vec::<String>::new());
        assert_eq!(wrong("select count(*) from t where a = $2"), ["`$2` binds a value"]);
        assert_eq!(wrong("delete from t where a = $1"), ["not a select"]);
        assert!(binds_id("select 1 where a = $1") && !binds_id("select '$1' -- $1\n, $12"));
    }

    #[test]
    fn what_is_printed_on_one_line_has_no_line_comments() {
        assert_eq!(mistakes_of("select 1 -- one\n, 2", false).len(), 0);
        assert_eq!(mistakes_of("select 1 -- one\n, 2", true).len(), 1);
    }
}
