//! Keys with their values, in any notation: `key=value`, JSON, YAML, XML, dumps of maps, headers and
//! sentences.

use super::authorization::{after_scheme, cookies, credentials};
use super::context::{Context, Quote, is_quote, quote_at};
use super::found::Found;
use super::keys::{Kind, ROOTS, classify, is_name_key, is_value_key};
use super::reader::{Key, Reader, Separator};
use super::unquoted::Unquoted;
use super::values::{is_secret, is_words, looks_random};
use crate::base::secret::tokens::MASK_PREFIX;
use aho_corasick::AhoCorasick;
use std::ops::Range;
use std::sync::LazyLock;

/// How far the value may be from the key that names it, in bytes.
const MAX_DISTANCE: usize = 160;

/// Words that no pair is without: the roots of keys, and those that are followed by a secret themselves.
static HINTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = ROOTS.into_iter().chain(UNKEYED);
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("a few constant words")
});

/// Words that are followed by a secret, but are the key of none.
const UNKEYED: [&str; 3] = ["bearer", "basic", "identified"];

/// Reports whether a text has a word that may be followed by a secret. Most texts have none, and this is
/// a hundred times as fast as to read them.
fn may_hold_pair(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut end = 0;
    HINTS.find_iter(text).any(|hint| {
        if hint.start() < end {
            return false;
        }
        let before = bytes[..hint.start()].iter().rev().take_while(|byte| is_key_byte(**byte)).count();
        end = (hint.end()..bytes.len()).find(|at| !is_key_byte(bytes[*at])).unwrap_or(bytes.len());
        let word = &text[hint.start() - before..end];
        let trimmed = word.trim_matches(['.', '-']);
        classify(trimmed).is_some()
            || trimmed.eq_ignore_ascii_case("key")
            || UNKEYED.iter().any(|unkeyed| trimmed.eq_ignore_ascii_case(unkeyed))
    })
}

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    if !may_hold_pair(text) {
        return;
    }
    let bytes = text.as_bytes();
    let mut reader = Reader { text, bytes, context: Context::default(), named: None, found };
    let mut at = 0;
    while at < bytes.len() {
        if !is_key_byte(bytes[at]) {
            reader.context.step(bytes, at);
            at += 1;
            continue;
        }
        let end = (at..bytes.len()).find(|at| !is_key_byte(bytes[*at])).unwrap_or(bytes.len());
        let after = reader.word(at..end).unwrap_or(end).max(end);
        reader.context.skip(bytes, end..after);
        at = after;
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

impl Reader<'_> {
    /// Reads a word and its value, and returns where the value ends.
    fn word(&mut self, range: Range<usize>) -> Option<usize> {
        let name = &self.text[range.clone()];
        let trimmed = name.trim_matches(['.', '-']);
        let start = range.start + (name.len() - name.trim_start_matches(['.', '-']).len());
        let key = self.key(start..start + trimmed.len());
        if trimmed.is_empty() {
            return None;
        }
        let lower = trimmed.to_ascii_lowercase();
        if ["bearer", "basic"].contains(&lower.as_str())
            && let Some(value) = after_scheme(self.text, &lower, range.end)
        {
            return self.push(value);
        }
        if let Some(kind) = classify(trimmed).or_else(|| self.spelled_key(&key)) {
            return if self.is_token(&key) { None } else { self.pair(&key, kind) };
        }
        if is_name_key(trimmed) {
            self.remember_name(&key);
            return self.named_element(&key);
        }
        if is_value_key(trimmed) {
            let (kind, at) = self.named.take()?;
            return if start - at.min(start) < MAX_DISTANCE { self.pair(&key, kind) } else { None };
        }
        if trimmed.eq_ignore_ascii_case("identified") { self.identified_by(range.end) } else { None }
    }

    /// Reports whether this is the name in a token of this program: `<secret:1>`.
    fn is_token(&self, key: &Key) -> bool {
        let (before, after) = (&self.text[..key.range.start], &self.text[key.range.end..]);
        let number =
            after.strip_prefix(':').map(|number| number.trim_start_matches(|c: char| c.is_ascii_digit()));
        before.ends_with('<') && number.is_some_and(|rest| rest.starts_with('>'))
    }

    /// Returns the kind of a key of two words, such as `API key`.
    fn spelled_key(&self, key: &Key) -> Option<Kind> {
        let name = &self.text[key.range.clone()];
        let before = self.text[..key.range.start].strip_suffix(' ')?;
        let start = before.bytes().rev().take(16).take_while(u8::is_ascii_alphabetic).count();
        let kinds =
            ["api", "secret", "access", "private", "signing", "encryption", "license", "auth", "account"];
        let kind = &before[before.len() - start..];
        let is_key =
            name.eq_ignore_ascii_case("key") && kinds.iter().any(|known| kind.eq_ignore_ascii_case(known));
        is_key.then_some(Kind::Secret)
    }

    /// Reads the value of a key, and returns where it ends.
    fn pair(&mut self, key: &Key, kind: Kind) -> Option<usize> {
        if let Some(end) = self.element(key, kind) {
            return Some(end);
        }
        let Some((separator, at)) = self.separator(key) else { return self.sentence(key, kind) };
        let line_feeds = key.quote.is_some();
        let mut at = self.skip_spaces(at, line_feeds);
        at = self.skip_wrapper(at);
        if let Some((quote, start)) = quote_at(self.bytes, at) {
            return self.quoted(quote, start, separator, kind);
        }
        if separator == Separator::Comma {
            return None;
        }
        match *self.bytes.get(at)? {
            b'[' | b'{' | b'&' if self.opens_group(at, separator) => self.group(at, kind),
            b'|' | b'>' if separator == Separator::Colon => self.block(key, at, kind),
            b'\n' | b'\r' => None,
            _ => self.unquoted(key, at, separator, kind),
        }
    }

    /// Skips what stands between a separator and a quote: `b'x'`, `Some("x")`, `String::from("x")`.
    fn skip_wrapper(&self, at: usize) -> usize {
        let rest = &self.bytes[at..self.bytes.len().min(at + 40)];
        let is_wrapper = |byte: &u8| byte.is_ascii_alphabetic() || b"@$_:.".contains(byte);
        let name = rest.iter().take_while(|byte| is_wrapper(byte)).count();
        let bracket = rest[name..].iter().take_while(|byte| b"([".contains(byte)).count();
        let is_prefix = name == 1 && bracket == 0;
        // PHP's dumps: `string(6) "x"`. YAML's tags: `!secret x`.
        let sized = rest[name..]
            .strip_prefix(b"(")
            .map(|size| size.iter().take_while(|b| b.is_ascii_digit()).count());
        if let Some(digits) = sized.filter(|digits| rest[name + 1 + digits..].starts_with(b") \"")) {
            return at + name + digits + 3;
        }
        if rest.first() == Some(&b'!') {
            // A password may begin with `!`, too.
            let is_tag = |byte: &u8| byte.is_ascii_lowercase() || b"!/.:_-".contains(byte);
            let tag = rest.iter().take_while(|byte| is_tag(byte)).count();
            let ends = rest.get(tag) == Some(&b' ');
            return if ends { self.skip_spaces(at + tag, false) } else { at };
        }
        let quoted = rest.get(name + bracket).is_some_and(|byte| is_quote(*byte) || *byte == b'\\');
        if quoted && (is_prefix || bracket > 0 && name > 0) { at + name + bracket } else { at }
    }

    fn opens_group(&self, at: usize, separator: Separator) -> bool {
        self.bytes[at] != b'&' || separator == Separator::Colon && self.bytes.get(at + 1) == Some(&b'{')
    }

    /// Reads a value in quotes.
    fn quoted(&mut self, quote: Quote, start: usize, separator: Separator, kind: Kind) -> Option<usize> {
        let (start, end) = self.in_quotes(quote, start);
        let value = &self.text[start..end];
        let after = (end + quote.backslashes + 1).min(self.bytes.len());
        if separator == Separator::Comma {
            let next = self.skip_spaces(after, true);
            let is_key = self.bytes.get(next) == Some(&b':');
            let is_header = match kind {
                Kind::Authorization => value.contains(' '),
                Kind::Cookie => value.contains('='),
                Kind::Secret | Kind::Token => looks_random(value, 8),
                // `("password", "x")`: a pair. `["password", "email"]` is a list of names.
                Kind::Password => {
                    is_secret(kind, value)
                        && !is_words(value)
                        && b")]".contains(&self.bytes[next.min(self.bytes.len() - 1)])
                }
                _ => false,
            };
            if is_key || !is_header {
                return None;
            }
        }
        match kind {
            Kind::Authorization => {
                let credentials = credentials(self.text, start, end, end)?;
                self.push(credentials);
            }
            Kind::Cookie if value.contains('=') => {
                for cookie in cookies(self.text, start, end, true) {
                    self.push(cookie);
                }
            }
            Kind::Cookie if is_words(value) => return None,
            kind if is_secret(kind, value) => {
                self.push(start..end);
            }
            _ => return None,
        }
        Some(end)
    }

    /// Reads a value without quotes.
    fn unquoted(&mut self, key: &Key, start: usize, separator: Separator, kind: Kind) -> Option<usize> {
        let unquoted = Unquoted {
            text: self.text,
            context: &self.context,
            key: key.range.start.saturating_sub(key.quote.map_or(0, |quote| quote.backslashes + 1)),
            start,
            kind,
            quoted_key: key.quote.is_some() && separator != Separator::Equals,
            colon: separator == Separator::Colon,
        };
        let (end, line) = (unquoted.end(), unquoted.line_end());
        match kind {
            Kind::Authorization => {
                let field = if self.context.in_brackets() { self.field_end(start, line) } else { line };
                let credentials = credentials(self.text, start, field, line)?;
                return self.push(credentials);
            }
            Kind::Cookie => {
                let line = if self.context.in_brackets() { self.field_end(start, line) } else { line };
                let cookies = cookies(self.text, start, line, false);
                let mut end = None;
                for cookie in cookies {
                    end = self.push(cookie);
                }
                return end;
            }
            _ => {}
        }
        let value = &self.text[start..end];
        let name = &self.text[key.range.clone()];
        let directory = name.eq_ignore_ascii_case("pwd") && value.starts_with('/');
        // `token:refresh`, `could ever pass: remove it`: a namespace, or a sentence.
        let adjoins =
            separator == Separator::Colon && start == key.range.end + 1 && !self.context.in_brackets();
        let plain = kind == Kind::Token && separator == Separator::Colon && !self.context.in_brackets();
        let namespaced = (plain || adjoins && kind != Kind::Password) && is_words(value);
        // `password= user=x`: the value is empty.
        let empty = separator == Separator::Equals
            && self.bytes[start - 1] == b' '
            && self.bytes[key.after.min(start - 1)] == b'='
            && value.contains('=')
            && !value.ends_with('=');
        // `no such secret: db-credentials`: a sentence that names one.
        let named = name.eq_ignore_ascii_case("secret")
            && separator == Separator::Colon
            && !self.context.in_brackets()
            && self.text[..key.range.start].ends_with(' ')
            && is_words(value);
        let comment = value.starts_with('#') && separator == Separator::Colon;
        let token = value.starts_with(MASK_PREFIX);
        if token || directory || namespaced || empty || named || comment || !is_secret(kind, value) {
            return None;
        }
        let is_number = value.bytes().all(|byte| b"0123456789.-+eE".contains(&byte));
        let quote = key.quote.filter(|_| is_number && separator == Separator::Colon);
        let quote = quote.map(|quote| quote.written()).unwrap_or_default();
        self.found.push(Found { range: start..end, quote });
        Some(end)
    }

    /// Returns where a field of a dumped map ends: `{Authorization=[Bearer x], …}`.
    fn field_end(&self, start: usize, line: usize) -> usize {
        (start..line).find(|at| b"]},)".contains(&self.bytes[*at])).unwrap_or(line)
    }

    /// Remembers that the value of this key names another value.
    fn remember_name(&mut self, key: &Key) {
        self.named = None;
        let Some((_, at)) = self.separator(key) else { return };
        let at = self.skip_spaces(at, false);
        let start = quote_at(self.bytes, at).map_or(at, |(_, start)| start);
        let end =
            (start..self.bytes.len()).find(|at| !is_key_byte(self.bytes[*at])).unwrap_or(self.bytes.len());
        if let Some(kind) = self.text.get(start..end).and_then(classify).filter(|kind| *kind != Kind::Mention)
        {
            self.named = Some((kind, end));
        }
    }
}
