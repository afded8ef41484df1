//! Rewords the TOML parser's messages and adds help text.

use crate::input::deserializer_message::missing_field;

/// Rust's names for the integer types.
const INTEGER_TYPES: [&str; 5] = ["u8", "u16", "u32", "u64", "usize"];

/// Expected types, as the parser names them, with help on how to write a value.
const TYPE_HELP: [(&str, &str); 5] = [
    ("a whole number", "write a non-negative number without quotes: 5"),
    ("a string", "write it in quotes: \"...\""),
    ("a boolean", "write true or false without quotes"),
    ("a sequence", "write it in brackets: [ ... ]"),
    ("a map", "write it in braces: { name = ... }"),
];

/// Returns the message in plain words, and its help text.
pub fn explain(message: &str) -> (String, String) {
    if let Some(field) = missing_field(message) {
        return (message.to_string(), format!("add {field} = ... to this table"));
    }
    if message.starts_with("wanted exactly 1 element") {
        let what = "expected exactly one operator".to_string();
        return (
            what,
            "write one of is, is_not, at_least, at_most, one_of, none_of: { is = true }".to_string(),
        );
    }
    if let Some(delimiter) = message.strip_prefix("unclosed").and_then(|rest| rest.split('`').nth(1)) {
        return (message.to_string(), format!("close it with {delimiter}"));
    }
    if message.starts_with("duplicate key") {
        return ("duplicate key".to_string(), "keep one of them".to_string());
    }
    let Some((what, expected)) = message.split_once(", expected ").filter(|_| message.starts_with("invalid"))
    else {
        let help = "expected name = value on each line: strings in quotes, lists in [ ]";
        return (message.to_string(), help.to_string());
    };
    let expected = if INTEGER_TYPES.contains(&expected) { "a whole number" } else { expected };
    let known = TYPE_HELP.iter().find(|(kind, _)| *kind == expected);
    let help = known.map_or_else(|| format!("write {expected}"), |(_, help)| (*help).to_string());
    (format!("{what}, expected {expected}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_help() {
        let number = explain("invalid type: string \"five\", expected u64");
        assert_eq!(number.0, "invalid type: string \"five\", expected a whole number");
        assert!(number.1.contains("without quotes"));
        assert!(explain("missing field `role`").1.contains("role = ..."));
        assert!(explain("invalid length 1, expected a tuple of size 2").1.contains("a tuple of size 2"));
        assert!(explain("unclosed string").1.contains("in quotes"));
        assert_eq!(explain("unclosed array, expected `]`").1, "close it with ]");
    }
}
