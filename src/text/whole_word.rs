//! Whole-word matching.

/// The longest word that logs are searched for, in bytes. Building a search takes the square of the longest
/// word's length, and no log has ids that long.
pub const MAX_SEARCHED: usize = 1_000;

/// Reports whether text contains a whole word, ignoring ASCII case. `ORD-1` does not match in
/// `ORD-10`.
pub fn contains_word(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return false };
    let mut starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text);
    starts.any(|at| {
        let matches = text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        matches && is_whole_word(text, at, at + word.len())
    })
}

/// Reports whether the bytes from `from` to `to` are not part of a longer word.
pub fn is_whole_word(text: &[u8], from: usize, to: usize) -> bool {
    let is_boundary = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    is_boundary(from.checked_sub(1).and_then(|before| text.get(before))) && is_boundary(text.get(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_whole_words_ignoring_case() {
        assert!(contains_word(b"id ORD-1.", b"ord-1"));
        assert!(contains_word(b"order-created-8620E626", b"8620e626"));
        assert!(!contains_word(b"ORD-10, xORD-1", b"ORD-1"));
        assert!(!contains_word(b"anything", b""));
    }
}
