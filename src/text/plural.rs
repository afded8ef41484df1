//! Plurals of nouns.

/// Formats a count with its noun: "1 topic", "3 topics".
pub fn count(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(count(0, "topic"), "0 topics");
        assert_eq!(count(1, "topic"), "1 topic");
        assert_eq!(count(3, "topic"), "3 topics");
    }
}
