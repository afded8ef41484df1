//! Values of several parts: lists, objects and blocks of lines.

use super::authorization::{cookies, credentials};
use super::context::{quote_at, quote_before};
use super::found::Found;
use super::keys::Kind;
use super::reader::{Key, Reader};
use super::values::is_secret;
use crate::base::secret::tokens::MASK_PREFIX;
use std::ops::Range;

impl Reader<'_> {
    /// Reads the values in a list or object.
    pub(super) fn group(&mut self, start: usize, kind: Kind) -> Option<usize> {
        if matches!(kind, Kind::Weak | Kind::Mention) {
            return None;
        }
        let mut depth = 0_usize;
        let mut at = start;
        let mut name = String::new();
        while at < self.bytes.len() {
            match self.bytes[at] {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                b'"' | b'\'' | b'\\' if quote_at(self.bytes, at).is_some() => {
                    let (quote, from) = quote_at(self.bytes, at)?;
                    let end = quote.closes(self.bytes, from).unwrap_or(self.bytes.len());
                    at = (end + quote.backslashes + 1).min(self.bytes.len());
                    self.member(from..end, at, kind, &mut name);
                    continue;
                }
                byte if byte.is_ascii_whitespace() || b",:=&".contains(&byte) => {}
                b'<' if self.text[at..].starts_with(MASK_PREFIX) => {
                    at = self.text[at..].find('>').map_or(self.bytes.len(), |end| at + end);
                }
                _ => {
                    let is_header = matches!(kind, Kind::Authorization | Kind::Cookie);
                    let is_end = |at: &usize| match self.bytes[*at] {
                        b',' | b']' | b'}' | b'\n' => true,
                        b' ' | b':' | b'=' => !is_header,
                        _ => false,
                    };
                    let end = (at..self.bytes.len()).find(is_end).unwrap_or(self.bytes.len());
                    self.member(at..end, end, kind, &mut name);
                    at = end.max(at + 1);
                    continue;
                }
            }
            at += 1;
        }
        Some(self.bytes.len())
    }

    /// Takes a text in a group as a name or a value.
    fn member(&mut self, range: Range<usize>, after: usize, kind: Kind, name: &mut String) {
        let value = &self.text[range.clone()];
        let next = self.skip_spaces(after, true);
        let is_name = self.bytes.get(next).is_some_and(|byte| b":=".contains(byte));
        if is_name && !matches!(kind, Kind::Authorization | Kind::Cookie) {
            *name = value.to_ascii_lowercase();
            return;
        }
        match kind {
            Kind::Authorization => {
                let found = credentials(self.text, range.start, range.end, range.end);
                found.map(|found| self.push(found));
            }
            Kind::Cookie => {
                for cookie in cookies(self.text, range.start, range.end, true) {
                    self.push(cookie);
                }
            }
            _ => {
                let described = ["name", "type", "id", "file", "path", "kind", "user", "username", "version"];
                if !described.contains(&name.as_str()) && is_secret(kind, value) {
                    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
                    let quote = if is_number { self.outer_quote(range.start) } else { String::new() };
                    self.found.push(Found { range, quote });
                }
            }
        }
    }

    /// Returns the quote to write around a number in a group, unless the number has one.
    fn outer_quote(&self, at: usize) -> String {
        if quote_before(self.bytes, at).is_some() { String::new() } else { "\"".to_string() }
    }

    /// Reads a YAML block: the lines below that are indented further.
    pub(super) fn block(&mut self, key: &Key, at: usize, kind: Kind) -> Option<usize> {
        let end_of = |at: usize| self.text[at..].find('\n').map_or(self.bytes.len(), |end| at + end);
        let head = end_of(at);
        let is_block = self.text[at + 1..head].trim().bytes().all(|byte| b"+-0123456789".contains(&byte));
        let line_start = self.text[..key.range.start].rfind('\n').map_or(0, |at| at + 1);
        let indent = |from: usize| self.bytes[from..].iter().take_while(|byte| b" -".contains(byte)).count();
        let (own, mut end, mut line) = (indent(line_start), head, head + 1);
        while line < self.bytes.len() {
            let line_end = end_of(line);
            let is_empty = self.text[line..line_end].trim().is_empty();
            if !is_empty && self.bytes[line..].iter().take_while(|byte| **byte == b' ').count() <= own {
                break;
            }
            end = line_end;
            line = line_end + 1;
        }
        let value = self.text.get(head + 1..end).filter(|value| is_block && is_secret(kind, value))?;
        let start = head + 1 + (value.len() - value.trim_start().len());
        self.push(start..end)
    }
}
