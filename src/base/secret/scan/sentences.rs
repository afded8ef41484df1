//! Secrets in sentences and statements: `password is "x"`, `IDENTIFIED BY 'x'`.

use super::context::quote_at;
use super::keys::Kind;
use super::reader::{Key, Reader};
use super::values::{is_secret, is_words, looks_random};
use crate::base::uuid::is_uuid;

impl Reader<'_> {
    /// Reads what a sentence says: `password is "x"`, `with password 'x'`, `login a password x`.
    pub(super) fn sentence(&mut self, key: &Key, kind: Kind) -> Option<usize> {
        // `AUTH x` is a command of Redis.
        let is_command = &self.text[key.range.clone()] == "AUTH";
        if key.quote.is_some() || !is_command && !matches!(kind, Kind::Password | Kind::Token | Kind::Secret)
        {
            return None;
        }
        let spaced = self.skip_spaces(key.range.end, false);
        let rest = &self.text[spaced..];
        let name = &self.text[key.range.clone()];
        let verb =
            ["is", "was", "to", "of", "set to", "is set to", "changed to"].into_iter().rev().find(|verb| {
                let found = rest.get(..verb.len()).is_some_and(|word| word.eq_ignore_ascii_case(verb));
                found && rest.as_bytes().get(verb.len()).is_some_and(|b| b" :".contains(b))
            });
        let mut states = verb.is_some_and(|verb| verb != "of");
        let mut at = verb.map_or(spaced, |verb| self.skip_spaces(spaced + verb.len(), false));
        let (after, described) = self.description(at, name);
        at = after;
        at += usize::from(self.bytes.get(at) == Some(&b':'));
        at = self.skip_spaces(at, false);
        at += usize::from(verb.is_none() && self.bytes.get(at) == Some(&b'('));
        states |= described;
        if at == key.range.end {
            return None;
        }
        if let Some((quote, start)) = quote_at(self.bytes, at) {
            let end = quote.closes(self.bytes, start)?;
            let value = &self.text[start..end];
            let is_value = match kind {
                Kind::Password => is_secret(kind, value),
                _ => states && is_secret(kind, value) || looks_random(value, 8),
            };
            let closes_before = self.context.closes(self.bytes, at);
            return if is_value && !closes_before { self.push(start..end) } else { None };
        }
        let ends = |at: &usize| self.bytes[*at].is_ascii_whitespace() || self.context.closes(self.bytes, *at);
        let end = (at..self.bytes.len()).find(ends);
        let word =
            self.text[at..end.unwrap_or(self.bytes.len())].trim_end_matches(['.', ',', ';', '"', '\'', ')']);
        let configured = ["requirepass", "masterauth"].iter().any(|known| name.eq_ignore_ascii_case(known))
            || self.follows_set(key);
        let adjoins = verb.is_none() && !described;
        let is_value = match kind {
            _ if adjoins && !configured && is_generated(kind, word) => true,
            _ if configured || self.follows_login(key) => {
                is_secret(kind, word) && (kind == Kind::Password || !is_words(word))
            }
            Kind::Password => states && verb != Some("to") && is_secret(kind, word) && !is_plain_word(word),
            _ => states && (looks_random(word, 8) || described && is_secret(kind, word) && !is_words(word)),
        };
        if is_value { self.push(at..at + word.len()) } else { None }
    }

    /// Skips what describes a secret before its value: `for bob:`, `provided:`.
    fn description(&self, at: usize, name: &str) -> (usize, bool) {
        let line =
            self.text[at..self.text.floor_char_boundary(at + 60)].split('\n').next().unwrap_or_default();
        let Some((words, _)) = line.split_once(": ").filter(|(words, _)| !words.is_empty()) else {
            return (at, false);
        };
        let first = words.split(' ').next().unwrap_or_default();
        let describes =
            ["for", "provided", "given", "used", "supplied", "received", "generated", "of"].contains(&first);
        let is_short = words.split(' ').count() <= 3 && !name.is_empty();
        let plain = words.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-.@'\"".contains(&byte));
        if describes && is_short && plain { (at + words.len(), true) } else { (at, false) }
    }

    /// Reports whether the key follows a command that sets it: `ENV DB_PASSWORD x`.
    fn follows_set(&self, key: &Key) -> bool {
        let before = self.text[..key.range.start].split_ascii_whitespace().next_back();
        before.is_some_and(|word| {
            ["set", "env", "setx", "setenv", "arg"].contains(&word.to_ascii_lowercase().as_str())
        })
    }

    /// Reports whether the key follows `login NAME`, as in .netrc.
    fn follows_login(&self, key: &Key) -> bool {
        let before = self.text[..key.range.start].split_ascii_whitespace().rev().nth(1);
        before.is_some_and(|word| ["login", "user", "username"].contains(&word.to_ascii_lowercase().as_str()))
    }

    /// Reads SQL: `IDENTIFIED BY 'x'`.
    pub(super) fn identified_by(&mut self, from: usize) -> Option<usize> {
        let limit = self.text.floor_char_boundary(from + 80);
        let clause = self.text[from..limit].to_ascii_lowercase();
        let after = [" by ", " as "].iter().filter_map(|word| Some(clause.find(word)? + word.len())).min()?;
        let at = self.skip_spaces(from + after, false);
        let (quote, start) = quote_at(self.bytes, at)?;
        let end = quote.closes(self.bytes, start)?;
        if is_secret(Kind::Password, &self.text[start..end]) { self.push(start..end) } else { None }
    }
}

/// Reports whether a word after the name of a secret looks generated, and is no id.
fn is_generated(kind: Kind, word: &str) -> bool {
    let min = if kind == Kind::Password { 6 } else { 8 };
    looks_random(word, min)
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && !is_uuid(word)
        && !word.contains('=')
        && is_secret(kind, word)
}

/// Reports whether a word is one that a sentence may hold: letters only, in one case.
fn is_plain_word(word: &str) -> bool {
    word.len() <= 12 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}
