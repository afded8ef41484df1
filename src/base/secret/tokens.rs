//! The tokens that replace secrets: `<secret:1>`. Equal values have equal tokens.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
#[cfg(not(test))]
use std::sync::{LazyLock, Mutex, PoisonError};

/// How every token begins.
pub const MASK_PREFIX: &str = "<secret:";

/// Maximum number of distinct tokens. Further values share the last one.
const MAX_VALUES: usize = 100_000;

/// The numbers of the values seen so far. Only hashes are kept, with a key of this process.
#[derive(Default)]
struct Numbers {
    hasher: RandomState,
    by_hash: HashMap<u64, usize>,
}

impl Numbers {
    fn number(&mut self, value: &str) -> usize {
        let hash = self.hasher.hash_one(value);
        let next = (self.by_hash.len() + 1).min(MAX_VALUES);
        *self.by_hash.entry(hash).or_insert(next)
    }
}

#[cfg(not(test))]
static NUMBERS: LazyLock<Mutex<Numbers>> = LazyLock::new(Mutex::default);

/// Returns the token for a value, and remembers it.
#[cfg(not(test))]
pub fn token(value: &str) -> String {
    let number = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner).number(value);
    format!("{MASK_PREFIX}{number}>")
}

// Each test runs in a thread of its own, and counts from 1.
#[cfg(test)]
thread_local!(static NUMBERS: std::cell::RefCell<Numbers> = std::cell::RefCell::default());

/// Returns the token for a value, and remembers it.
#[cfg(test)]
pub fn token(value: &str) -> String {
    format!("{MASK_PREFIX}{}>", NUMBERS.with_borrow_mut(|numbers| numbers.number(value)))
}

/// Numbers the tokens in a text again, from 1 in the order in which they first appear. A run reads its
/// systems at the same time, so that the order in which values were first seen varies.
pub fn renumber(text: &str) -> String {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut renumbered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, number, after)) = next_token(rest) {
        let next = numbers.len() + 1;
        let new = *numbers.entry(number).or_insert(next);
        renumbered.push_str(before);
        renumbered.push_str(&format!("{MASK_PREFIX}{new}>"));
        rest = after;
    }
    renumbered.push_str(rest);
    renumbered
}

/// Counts the tokens in a text.
pub fn count_tokens(text: &str) -> u64 {
    let (mut rest, mut count) = (text, 0);
    while let Some((_, _, after)) = next_token(rest) {
        count += 1;
        rest = after;
    }
    count
}

/// Splits a text at its first token: what precedes it, its number, and what follows.
fn next_token(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find(MASK_PREFIX)?;
        let number = &text[start + MASK_PREFIX.len()..];
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && number[digits..].starts_with('>') {
            return Some((&text[..start], &number[..digits], &number[digits + 1..]));
        }
        from = start + MASK_PREFIX.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_numbered_in_order_of_appearance() {
        assert_eq!(
            (token("b"), token("a"), token("b")),
            ("<secret:1>".into(), "<secret:2>".into(), "<secret:1>".into())
        );
        let text = "x <secret:7> <secret:2> <secret:7> <secret:> <secret:x";
        assert_eq!(renumber(text), "x <secret:1> <secret:2> <secret:1> <secret:> <secret:x");
        assert_eq!(count_tokens(text), 3);
    }
}
