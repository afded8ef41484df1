//! What the parser's messages mean, and the way out of each.

use crate::input::message::missing_field;

/// The numbers of the fields, as the parser calls them.
const NUMBERS: [&str; 5] = ["u8", "u16", "u32", "u64", "usize"];

/// What a value must be, as the parser says it, and how it is written.
const WRITTEN: [(&str, &str); 5] = [
    ("a whole number", "write it without quotes, not negative: 5"),
    ("a string", "write it in quotes: \"...\""),
    ("a boolean", "write true or false, without quotes"),
    ("a sequence", "write it in brackets: [ ... ]"),
    ("a map", "write it in braces: { name = ... }"),
];

/// A message in plain words, and the way out.
pub fn of(message: &str) -> (String, String) {
    if let Some(field) = missing_field(message) {
        return (message.to_string(), format!("add {field} = ... to what begins here"));
    }
    if message.starts_with("wanted exactly 1 element") {
        let what = "expected exactly one operator".to_string();
        return (
            what,
            "write one of is, is_not, at_least, at_most, one_of, none_of: { is = true }".to_string(),
        );
    }
    if let Some(sign) = message.strip_prefix("unclosed").and_then(|rest| rest.split('`').nth(1)) {
        return (message.to_string(), format!("close it with {sign}"));
    }
    if message.starts_with("duplicate key") {
        return ("it stands here twice".to_string(), "keep one of them".to_string());
    }
    let Some((what, expected)) = message.split_once(", expected ").filter(|_| message.starts_with("invalid"))
    else {
        let help = "expected name = value on each line: texts in quotes, lists in [ ]";
        return (message.to_string(), help.to_string());
    };
    let expected = if NUMBERS.contains(&expected) { "a whole number" } else { expected };
    let written = WRITTEN.iter().find(|(kind, _)| *kind == expected);
    let help = written.map_or_else(|| format!("write {expected}"), |(_, help)| (*help).to_string());
    (format!("{what}, expected {expected}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_a_way_out() {
        let number = of("invalid type: string \"five\", expected u64");
        assert_eq!(number.0, "invalid type: string \"five\", expected a whole number");
        assert!(number.1.contains("without quotes"));
        assert!(of("missing field `role`").1.contains("role = ..."));
        assert!(of("invalid length 1, expected a tuple of size 2").1.contains("a tuple of size 2"));
        assert!(of("unclosed string").1.contains("in quotes"));
        assert_eq!(of("unclosed array, expected `]`").1, "close it with ]");
    }
}
