//! The text of XML elements.

use super::keys::Kind;
use super::reader::{Key, Reader};
use super::values::is_secret;

/// Longest text of an XML element, in bytes.
const MAX_ELEMENT: usize = 4_000;

impl Reader<'_> {
    /// Reads the text of an XML element: `<password>x</password>`.
    pub(super) fn element(&mut self, key: &Key, kind: Kind) -> Option<usize> {
        let before = self.bytes[..key.range.start].iter().rev().take(40);
        let prefix = before.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':').count();
        let opens = key.range.start.checked_sub(prefix + 1).is_some_and(|at| self.bytes[at] == b'<');
        let next = *self.bytes.get(key.range.end)?;
        if !opens
            || !(next == b'>' || next.is_ascii_whitespace())
            || prefix > 0 && self.bytes[key.range.start - 1] != b':'
        {
            return None;
        }
        self.element_text(key.range.end, kind)
    }

    /// Reads `<property name="password">x</property>`.
    pub(super) fn named_element(&mut self, key: &Key) -> Option<usize> {
        let (kind, at) = self.named?;
        let rest = &self.text[at..];
        let quoted = rest.strip_prefix(['"', '\''])?;
        let end = key.after.max(at);
        quoted.starts_with('>').then(|| self.element_text(end, kind))?
    }

    fn element_text(&mut self, from: usize, kind: Kind) -> Option<usize> {
        let limit = self.text.floor_char_boundary(from + 400);
        let open = from + self.text[from..limit].find('>')?;
        if self.bytes[open - 1] == b'/' {
            return None;
        }
        let start = open + 1;
        let limit = self.text.floor_char_boundary(start + MAX_ELEMENT);
        let end = start + self.text[start..limit].find("</")?;
        let value = &self.text[start..end];
        let inner =
            value.trim().strip_prefix("<![CDATA[").map_or(value.trim(), |v| v.trim_end_matches("]]>"));
        if inner.contains('<') || !is_secret(kind, inner) {
            return None;
        }
        let start = start + value.find(inner).unwrap_or_default();
        self.push(start..start + inner.len())
    }
}
