//! Strategies that generate hostile input.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Pieces that matter to some parser.
const PIECES: &[&str] = &[
    "'",
    "\"",
    "`",
    "\\",
    "$",
    "$(",
    "${",
    "}",
    ")",
    "(",
    "[",
    "]",
    "{",
    "<",
    ">",
    "|",
    "&",
    ";",
    "#",
    "!",
    "*",
    "?",
    "~",
    "-",
    "--",
    "=",
    ":",
    "://",
    "/",
    "//",
    "@",
    ",",
    ".",
    "..",
    "%",
    "%00",
    "%0a",
    "+",
    "^",
    "_",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "\u{1b}[31m",
    "\u{1b}]0;x\u{7}",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{fffd}",
    "é",
    "你好",
    "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "🚀",
    "postgres",
    "postgres://",
    "http://",
    "kafka:9092",
    "localhost",
    "[::1]",
    "user:pass",
    "sslmode=verify-full",
    "password=",
    "Password=x;",
    "jdbc:postgresql://",
    "true",
    "null",
    "0",
    "1",
    "-1",
    "65536",
    "18446744073709551616",
    "1e999",
    "NaN",
    "2026-01-07T16:55:09Z",
    "2026-01-07T16:55:09.123456789Z ",
    "9999-12-31T23:59:59Z",
    "ERROR",
    "Caused by: ",
    "    at x.Y(Z.java:1)",
    "{\"level\":\"error\",\"msg\":\"",
    "level=error msg=\"",
    "panicked at",
    "Authorization: ",
    "Bearer eyJ",
    "AKIA",
    "-----BEGIN PRIVATE KEY-----",
    "services:",
    "extends:",
    "1fa90c93-ea40-4ba9-a7bf-4ed47e735b91",
];

/// A piece, or any characters.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(PIECES).prop_map(String::from),
        3 => "[a-zA-Z0-9_.:/-]{1,12}",
        1 => any::<String>(),
        1 => (select(PIECES), 1..400_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

/// Text of up to `max` pieces.
pub fn text(max: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..max).prop_map(|pieces| pieces.concat())
}

/// Bytes, most of which are text.
pub fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => text(max).prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

/// A change to a text.
#[derive(Debug, Clone)]
pub enum Change {
    /// Inserts a text.
    Insert(Index, String),
    /// Removes some characters.
    Remove(Index, usize),
    /// Repeats some characters.
    Repeat(Index, usize, usize),
    /// Replaces one word or number.
    Word(Index, String),
}

/// Some changes to a text.
pub fn changes(max: usize) -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        (any::<Index>(), piece()).prop_map(|(at, text)| Change::Insert(at, text)),
        (any::<Index>(), 1..80_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), 1..200_usize, 1..6_usize)
            .prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        (any::<Index>(), piece()).prop_map(|(at, text)| Change::Word(at, text)),
    ];
    prop::collection::vec(change, 1..max)
}

/// Returns the text with the changes.
pub fn changed(text: &str, changes: &[Change]) -> String {
    let mut text = text.to_string();
    for change in changes {
        let boundary = |at: &Index, text: &str| text.floor_char_boundary(at.index(text.len() + 1));
        let end = |from: usize, length: usize, text: &str| {
            text.floor_char_boundary((from + length).min(text.len()))
        };
        match change {
            Change::Insert(at, new) => text.insert_str(boundary(at, &text), new),
            Change::Remove(at, length) => {
                let from = boundary(at, &text);
                text.replace_range(from..end(from, *length, &text), "");
            }
            Change::Repeat(at, length, times) => {
                let from = boundary(at, &text);
                let piece = text[from..end(from, *length, &text)].repeat(*times);
                text.insert_str(from, &piece);
            }
            Change::Word(at, new) => {
                let from = boundary(at, &text);
                let is_end = |c: char| !c.is_alphanumeric();
                let start =
                    text[from..].find(|c: char| c.is_alphanumeric()).map_or(text.len(), |start| from + start);
                let end = text[start..].find(is_end).map_or(text.len(), |end| start + end);
                text.replace_range(start..end, new);
            }
        }
    }
    text
}
