//! Reads a text word by word, and knows what is open at each place.

use super::context::{Context, Quote, quote_at, quote_before};
use super::found::Found;
use super::keys::Kind;
use std::ops::Range;

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) context: Context,
    /// The kind of the value that a key such as `name` has just named, and where.
    pub(super) named: Option<(Kind, usize)>,
    pub(super) found: &'a mut Vec<Found>,
}

/// A key, and the quote that it is in.
pub(super) struct Key {
    pub(super) range: Range<usize>,
    pub(super) quote: Option<Quote>,
    /// The place after the key and its quote.
    pub(super) after: usize,
}

/// What separates a key from its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Equals,
    Colon,
    /// `=>`, `->`, `:=`.
    Arrow,
    /// The value is the next one in a list.
    Comma,
}

impl Reader<'_> {
    /// Finds the quote that the key is in. A bracket after the key belongs to it: `user[password]=x`.
    pub(super) fn key(&self, range: Range<usize>) -> Key {
        let quote = quote_before(self.bytes, range.start);
        let closing = quote_at(self.bytes, range.end.min(self.bytes.len()));
        let (quote, after) = match (quote, closing) {
            (Some(open), Some((close, after))) if open == close => (Some(open), after),
            // A text that was cut may begin with the quote of another level.
            (Some(open), Some((close, after))) if open.character == close.character => {
                let is_key = self.bytes.get(after).is_some_and(|byte| b":=".contains(byte));
                if is_key { (Some(close), after) } else { (None, range.end) }
            }
            _ => (None, range.end),
        };
        let after = after + usize::from(self.bytes.get(after) == Some(&b']'));
        let after = self.skip_markup(after);
        Key { range, quote, after }
    }

    /// Skips the end of emphasis after a key: `**password**: x`, `<b>password</b>: x`.
    fn skip_markup(&self, at: usize) -> usize {
        let rest = &self.text[at..self.text.floor_char_boundary(at + 12)];
        let marks = rest.len() - rest.trim_start_matches(['*', '_']).len();
        let tag = rest.starts_with("</").then(|| rest.find('>').map(|end| end + 1)).flatten();
        let length = tag.unwrap_or(marks);
        if rest[length..].trim_start().starts_with([':', '=']) { at + length } else { at }
    }

    pub(super) fn push(&mut self, range: Range<usize>) -> Option<usize> {
        let end = range.end;
        self.found.push(Found::new(range));
        Some(end)
    }

    /// Returns the place of the next byte that is no space.
    pub(super) fn skip_spaces(&self, at: usize, line_feeds: bool) -> usize {
        let is_space = |byte: u8| b" \t".contains(&byte) || line_feeds && b"\r\n".contains(&byte);
        (at..self.bytes.len()).find(|at| !is_space(self.bytes[*at])).unwrap_or(self.bytes.len())
    }

    pub(super) fn separator(&self, key: &Key) -> Option<(Separator, usize)> {
        let at = self.skip_spaces(key.after, key.quote.is_some());
        let rest = &self.bytes[at..];
        let two = rest.get(..2).unwrap_or(rest);
        match two {
            b"=>" | b"->" | b":=" => return Some((Separator::Arrow, at + 2)),
            b"==" => return Some((Separator::Equals, at + 2)),
            b"::" => return None,
            _ if rest.starts_with(b"://") => return None,
            _ => {}
        }
        match rest.first()? {
            b'=' => Some((Separator::Equals, at + 1)),
            b':' => Some((Separator::Colon, at + 1)),
            b',' if key.quote.is_some() => Some((Separator::Comma, at + 1)),
            _ => None,
        }
    }

    /// Returns the text in the quote that opens before `start`. TOML and Python have triple quotes, too.
    pub(super) fn in_quotes(&self, quote: Quote, start: usize) -> (usize, usize) {
        let triple = [quote.character; 3];
        if quote.backslashes == 0 && self.bytes[start - 1..].starts_with(&triple) {
            let from = start + 2;
            let end = self.bytes[from..].windows(3).position(|bytes| bytes == triple);
            return (from, end.map_or(self.bytes.len(), |end| from + end));
        }
        (start, quote.closes(self.bytes, start).unwrap_or(self.bytes.len()))
    }
}
