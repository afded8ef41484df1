//! Numbers with their nouns or units.

/// Formats a count with its noun: "1 topic", "3 topics".
pub fn count(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// Formats a size: "486 bytes", "14.8 MB".
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "only displayed")]
    match bytes {
        0..100_000 => count(bytes, "byte"),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
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
