//! What is open at a place in a text: quotes and brackets.

/// Most quotes and brackets that are followed at once.
const MAX_OPEN: usize = 32;

/// A quote: its character, and the number of backslashes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) character: u8,
    pub(super) backslashes: usize,
}

/// The quotes and brackets that are open.
#[derive(Debug, Default)]
pub(super) struct Context {
    quotes: Vec<Quote>,
    brackets: Vec<u8>,
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Returns the number of backslashes directly before `at`.
pub(super) fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take(MAX_OPEN).take_while(|byte| **byte == b'\\').count()
}

/// Returns the quote that opens at `at`, its backslashes first, and the place after it.
pub(super) fn quote_at(bytes: &[u8], at: usize) -> Option<(Quote, usize)> {
    let backslashes = bytes[at..].iter().take(MAX_OPEN).take_while(|byte| **byte == b'\\').count();
    let character = *bytes.get(at + backslashes)?;
    is_quote(character).then_some((Quote { character, backslashes }, at + backslashes + 1))
}

/// Returns the quote directly before `at`.
pub(super) fn quote_before(bytes: &[u8], at: usize) -> Option<Quote> {
    let before = at.checked_sub(1)?;
    let character = bytes[before];
    is_quote(character).then(|| Quote { character, backslashes: backslashes_before(bytes, before) })
}

impl Quote {
    /// Returns where the text in this quote ends, if the quote is closed, and where it begins at `from`.
    pub(super) fn closes(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte == b'\\' {
                let run = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
                let next = bytes.get(at + run).copied();
                if next == Some(self.character) && self.backslashes > 0 && run <= self.backslashes {
                    return Some(at);
                }
                // At the top level, an even number of backslashes escapes only itself.
                let escapes = self.backslashes > 0 || run % 2 == 1;
                at += run + usize::from(escapes && next.is_some());
                continue;
            }
            if byte == self.character {
                // A doubled quote is one inside: 'it''s'.
                let is_doubled = self.backslashes == 0
                    && bytes.get(at + 1) == Some(&byte)
                    && at > from
                    && bytes.get(at + 2).is_some_and(|next| !is_delimiter(*next) && !is_quote(*next));
                if !is_doubled {
                    return Some(at);
                }
                at += 1;
            }
            if byte == b'\n' && self.backslashes == 0 && self.character == b'\'' && at - from > 400 {
                return None;
            }
            at += 1;
        }
        None
    }

    /// The quote as it is written.
    pub(super) fn written(&self) -> String {
        format!("{}{}", "\\".repeat(self.backslashes), char::from(self.character))
    }
}

/// Reports whether a byte separates words and fields.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b",;:)]}>|&".contains(&byte)
}

impl Context {
    /// Takes the byte at `at` into account.
    pub(super) fn step(&mut self, bytes: &[u8], at: usize) {
        match bytes[at] {
            b'\n' => {
                self.quotes.clear();
            }
            byte if is_quote(byte) => {
                let quote = Quote { character: byte, backslashes: backslashes_before(bytes, at) };
                if let Some(open) = self.quotes.iter().rposition(|open| *open == quote) {
                    self.quotes.truncate(open);
                } else if self.quotes.len() < MAX_OPEN && opens(bytes, at - quote.backslashes) {
                    self.quotes.push(quote);
                }
            }
            byte @ (b'(' | b'{' | b'[') if self.brackets.len() < MAX_OPEN => self.brackets.push(byte),
            b')' | b'}' | b']' => {
                self.brackets.pop();
            }
            _ => {}
        }
    }

    /// Takes the bytes in the range into account.
    pub(super) fn skip(&mut self, bytes: &[u8], range: std::ops::Range<usize>) {
        range.for_each(|at| self.step(bytes, at));
    }

    /// Reports whether a bracket is open.
    pub(super) fn in_brackets(&self) -> bool {
        !self.brackets.is_empty()
    }

    /// Reports whether a quote is open.
    pub(super) fn in_quotes(&self) -> bool {
        !self.quotes.is_empty()
    }

    /// Reports whether the byte at `at` belongs to a quote that ends an open one. Backslashes count as
    /// a part of it.
    pub(super) fn closes(&self, bytes: &[u8], at: usize) -> bool {
        quote_at(bytes, at).is_some_and(|(quote, _)| self.quotes.contains(&quote))
    }
}

/// Reports whether a quote here opens: letters before it make it an apostrophe or a closing one.
fn opens(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| {
        let before = bytes[before];
        before.is_ascii_whitespace() || b"=:,([{<>|&;+@!?-".contains(&before) || is_quote(before)
            // The prefixes of Python's strings.
            || b"buf".contains(&before)
    })
}
