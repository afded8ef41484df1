//! Where a value without quotes ends.

use super::context::{Context, is_quote, quote_at};
use super::keys::Kind;
use super::statements::is_statement;

/// How far ahead the end of a line is looked for. A longer value ends at a space.
const MAX_LOOKAHEAD: usize = 1_000;

/// How far ahead the name of a next field is looked for.
const MAX_NAME: usize = 48;

/// A value without quotes: where it is, and what surrounds it.
pub(super) struct Unquoted<'a> {
    pub(super) text: &'a str,
    pub(super) context: &'a Context,
    /// Where the key begins, its quote included.
    pub(super) key: usize,
    /// Where the value begins.
    pub(super) start: usize,
    pub(super) kind: Kind,
    /// Whether the key is quoted, as in JSON.
    pub(super) quoted_key: bool,
    /// Whether the key and the value are separated by a colon.
    pub(super) colon: bool,
}

impl Unquoted<'_> {
    fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns where the line, or the quoted text around the value, ends.
    pub(super) fn line_end(&self) -> usize {
        let bytes = self.bytes();
        let in_quotes = self.context.in_quotes();
        let ends = |at: &usize| match bytes[*at] {
            b'\n' => true,
            b'\\' if self.is_escaped_line_feed(*at) => true,
            byte if in_quotes && (byte == b'\\' || is_quote(byte)) => self.context.closes(bytes, *at),
            _ => false,
        };
        let limit = self.text.floor_char_boundary(self.start + MAX_LOOKAHEAD);
        (self.start..limit).find(ends).unwrap_or(limit)
    }

    /// Reports whether an escaped line feed is here, as in `\r\n` in a quoted HTTP request.
    fn is_escaped_line_feed(&self, at: usize) -> bool {
        let next = self.bytes().get(at + 1);
        let is_header = matches!(self.kind, Kind::Authorization | Kind::Cookie);
        match next {
            Some(b'r') => self.bytes().get(at + 2..at + 4) == Some(b"\\n"),
            Some(b'n') => self.context.in_quotes() || is_header,
            _ => false,
        }
    }

    /// Returns where the value ends.
    pub(super) fn end(&self) -> usize {
        let line = self.line_end();
        let before = self.before_key();
        let end = match before {
            Some(b'&' | b'?') => self.find(line, |unquoted, at| unquoted.ends_parameter(at)),
            Some(b';') if !self.quoted_key => self.find(line, |unquoted, at| unquoted.bytes()[at] == b';'),
            _ if self.quoted_key => self.find(line, |unquoted, at| unquoted.ends_json(at)),
            _ => self.plain_end(line, before),
        };
        if end >= self.start + MAX_LOOKAHEAD - 4 {
            let bytes = self.bytes();
            let is_end = |at: &usize| bytes[*at].is_ascii_whitespace() || is_quote(bytes[*at]);
            return (end..bytes.len()).find(is_end).unwrap_or(bytes.len());
        }
        self.trimmed(end)
    }

    fn plain_end(&self, line: usize, before: Option<u8>) -> usize {
        let word = self.find(line, |unquoted, at| unquoted.ends_word(at));
        if is_statement(&self.text[self.start..word]) {
            return word;
        }
        if self.begins_line() && self.colon && matches!(self.kind, Kind::Password | Kind::Secret) {
            let comment = self.text[word..line].find(" #").map_or(line, |at| word + at);
            return if self.context.in_brackets() { word } else { comment };
        }
        // Server=db;Password=my password;…: spaces belong to the value.
        let semicolon =
            self.find(line, |unquoted, at| unquoted.bytes()[at] == b';' && unquoted.names_field(at + 1));
        if semicolon < line
            && semicolon - word < MAX_NAME
            && !self.text[word..semicolon].contains(['=', ':', ';'])
        {
            return semicolon;
        }
        if self.context.in_brackets() && matches!(before, Some(b'(' | b'{' | b'[' | b',' | b';')) {
            let end = self.find(line, |unquoted, at| unquoted.ends_field(at));
            let go_map = self.find(line, |unquoted, at| {
                unquoted.bytes()[at] == b' ' && unquoted.colon && unquoted.names_field(at + 1)
            });
            if end < line {
                return end.min(go_map);
            }
        } else if self.context.in_brackets()
            && before.is_some_and(|b| b.is_ascii_alphanumeric())
            && self.colon
        {
            return word;
        }
        word
    }

    /// Returns the first place before `limit` where the value ends, or `limit`.
    fn find(&self, limit: usize, ends: impl Fn(&Self, usize) -> bool) -> usize {
        (self.start..limit).find(|at| ends(self, *at)).unwrap_or(limit)
    }

    /// Returns the byte before the key, without spaces.
    fn before_key(&self) -> Option<u8> {
        self.bytes()[..self.key].iter().rev().take(MAX_NAME).find(|byte| **byte != b' ').copied()
    }

    fn begins_line(&self) -> bool {
        let before = self.bytes()[..self.key].iter().rev();
        before.take(2 * MAX_NAME).find(|byte| !b" \t-".contains(byte)).is_none_or(|byte| *byte == b'\n')
    }

    fn ends_parameter(&self, at: usize) -> bool {
        let byte = self.bytes()[at];
        byte.is_ascii_whitespace() || b"&#<>\"".contains(&byte)
    }

    fn ends_json(&self, at: usize) -> bool {
        let byte = self.bytes()[at];
        byte.is_ascii_whitespace() || b",}])".contains(&byte)
    }

    fn ends_word(&self, at: usize) -> bool {
        let bytes = self.bytes();
        let next = bytes.get(at + 1).copied();
        let ends_text = next.is_none_or(|next| next.is_ascii_whitespace() || b",;:.)]}\"'".contains(&next));
        match bytes[at] {
            byte if byte.is_ascii_whitespace() => true,
            b',' | b';' => ends_text || self.names_field(at + 1) || quote_at(bytes, at + 1).is_some(),
            b'&' => self.names_field(at + 1),
            b')' | b']' | b'}' => ends_text && !self.opened_inside(at),
            b'<' => next == Some(b'/') || bytes[at..].starts_with(b"<br"),
            _ => false,
        }
    }

    /// Reports whether the bracket at `at` was opened in the value.
    fn opened_inside(&self, at: usize) -> bool {
        let opening = match self.bytes()[at] {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        self.bytes()[self.start..at].contains(&opening)
    }

    fn ends_field(&self, at: usize) -> bool {
        let bytes = self.bytes();
        let next = bytes.get(at + 1).copied();
        match bytes[at] {
            b',' | b';' => self.names_field(at + 1) || quote_at(bytes, at + 1).is_some(),
            b')' | b']' | b'}' => {
                next.is_none_or(|next| next.is_ascii_whitespace() || b",;:.)]}>\"'\\".contains(&next))
                    && !self.opened_inside(at)
            }
            _ => false,
        }
    }

    /// Reports whether a field begins here: `user=`, `User Id=`, `"user":`.
    fn names_field(&self, at: usize) -> bool {
        let rest = &self.bytes()[at.min(self.text.len())..];
        let rest = &rest[..rest.len().min(MAX_NAME)];
        let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
        let rest = &rest[spaces..];
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. \"'\\".contains(byte);
        let name = rest.iter().take_while(|byte| is_name(byte)).count();
        name > 0
            && (rest[0].is_ascii_alphabetic() || is_quote(rest[0]) || rest[0] == b'_')
            && rest.get(name).is_some_and(|byte| b"=:".contains(byte))
            && rest[..name].iter().filter(|byte| **byte == b' ').count() <= 3
            // The next word of a sentence is no field.
            && (rest[name] == b'=' || !rest[..name].contains(&b' '))
    }

    /// Leaves out spaces and the punctuation of a sentence.
    fn trimmed(&self, end: usize) -> usize {
        let value = &self.text[self.start..end];
        let value = value.trim_end();
        let value = value.trim_end_matches([',', ';']);
        let value = match value.len() > 4 {
            true => value.trim_end_matches(['.', ':']),
            false => value,
        };
        self.start + value.len()
    }
}
