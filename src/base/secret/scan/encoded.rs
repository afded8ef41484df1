//! Texts that hold another text: in percent encoding, HTML entities, escapes or base64.

use super::base64::{begins_with_user, decode, is_base64};
use super::found::Found;
use std::ops::Range;

/// A text decoded, with the place of each of its bytes in the original.
pub(super) struct View {
    pub(super) text: String,
    places: Vec<usize>,
}

impl View {
    fn with_capacity(length: usize) -> View {
        View { text: String::with_capacity(length), places: Vec::with_capacity(length + 1) }
    }

    /// Adds a part of the original as it is.
    fn push_plain(&mut self, original: &str, range: Range<usize>) {
        self.text.push_str(&original[range.clone()]);
        self.places.extend(range);
    }

    /// Adds a character that is encoded at `at`.
    fn push(&mut self, character: char, at: usize) {
        self.text.push(character);
        self.places.extend(std::iter::repeat_n(at, character.len_utf8()));
    }

    /// Returns the bytes of the original for those of the decoded text.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        self.places[range.start]..self.places[range.end]
    }
}

/// Returns the text without each kind of encoding that it uses.
pub(super) fn views(text: &str) -> impl Iterator<Item = View> {
    let encodings: [(u8, Decode); 3] = [(b'%', percent), (b'&', entity), (b'\\', escape)];
    encodings.into_iter().filter_map(|(sign, decode)| view(text, sign, decode))
}

/// Returns the character at the beginning of a text, and its length there, if it is encoded.
type Decode = fn(&str) -> Option<(char, usize)>;

/// Decodes a text in which every encoded character begins with `sign`. Returns `None` if it has none.
fn view(text: &str, sign: u8, decode: Decode) -> Option<View> {
    let mut view: Option<View> = None;
    let mut plain_from = 0;
    for at in memchr::memchr_iter(sign, text.as_bytes()) {
        if at < plain_from {
            continue;
        }
        let Some((character, length)) = decode(&text[at..]) else { continue };
        let view = view.get_or_insert_with(|| View::with_capacity(text.len()));
        view.push_plain(text, plain_from..at);
        view.push(character, at);
        plain_from = at + length;
    }
    let mut view = view?;
    view.push_plain(text, plain_from..text.len());
    view.places.push(text.len());
    Some(view)
}

fn percent(text: &str) -> Option<(char, usize)> {
    let hex = text.strip_prefix('%')?.get(..2)?;
    let byte = u8::from_str_radix(hex, 16).ok().filter(u8::is_ascii)?;
    Some((char::from(byte), 3))
}

fn entity(text: &str) -> Option<(char, usize)> {
    let entities = [
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&#x22;", '"'),
        ("&#39;", '\''),
        ("&#x27;", '\''),
        ("&apos;", '\''),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&#x3D;", '='),
        ("&#61;", '='),
        ("&amp;", '&'),
    ];
    let (name, character) = entities.into_iter().find(|(name, _)| text.starts_with(name))?;
    Some((character, name.len()))
}

fn escape(text: &str) -> Option<(char, usize)> {
    let (hex, length) = match text.strip_prefix("\\u").and_then(|hex| hex.get(..4)) {
        Some(hex) => (hex, 6),
        None => (text.strip_prefix("\\x")?.get(..2)?, 4),
    };
    let character = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)?;
    (character.is_ascii() && !character.is_ascii_control()).then_some((character, length))
}

/// Fewest characters of base64 that are decoded.
const MIN_BASE64: usize = 12;

/// Masks base64 that holds `user:password`, or a text with a secret.
pub(super) fn find_base64(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_base64(bytes[at]) {
            at += 1;
            continue;
        }
        let end = (at..bytes.len()).find(|at| !is_base64(bytes[*at])).unwrap_or(bytes.len());
        let padding = bytes[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let word = &text[at..end];
        if word.len() >= MIN_BASE64 && is_mixed(word) && holds_secret(word) {
            found.push(Found::new(at..end + padding));
        }
        at = end + padding.max(1);
    }
}

/// Reports whether a word has capitals and other characters, as base64 of any text has.
fn is_mixed(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    has(u8::is_ascii_uppercase) && (has(u8::is_ascii_lowercase) || has(u8::is_ascii_digit))
}

fn holds_secret(word: &str) -> bool {
    let decoded = decode(word);
    let text = String::from_utf8_lossy(&decoded);
    let is_text = text.chars().all(|c| !c.is_control() || c.is_whitespace()) && !text.contains('\u{fffd}');
    begins_with_user(&decoded, 3)
        || is_text && text.len() >= 12 && {
            let mut inner = Vec::new();
            super::pairs::find(&text, &mut inner);
            super::urls::find(&text, &mut inner);
            !inner.is_empty()
        }
}
