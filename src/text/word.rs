//! Words in text.

/// Whether a text holds a word, in whatever case; `ORD-1` is not in `ORD-10`.
pub fn holds_word(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return false };
    let mut begins = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text);
    begins.any(|at| {
        let same = text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        same && is_whole_word(text, at, at + word.len())
    })
}

/// Whether what stands between two places of a text is no part of a longer word.
pub fn is_whole_word(text: &[u8], from: usize, to: usize) -> bool {
    let free = |neighbour: Option<&u8>| neighbour.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    free(from.checked_sub(1).and_then(|before| text.get(before))) && free(text.get(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_whatever_case_and_only_whole() {
        assert!(holds_word(b"id ORD-1.", b"ord-1"));
        assert!(holds_word(b"order-created-8620E626", b"8620e626"));
        assert!(!holds_word(b"ORD-10, xORD-1", b"ORD-1"));
        assert!(!holds_word(b"anything", b""));
    }
}
