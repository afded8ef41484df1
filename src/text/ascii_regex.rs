//! Regular expressions whose classes are those of ASCII. Compiling Unicode's takes most of the time of a short run.

use regex::Regex;

/// Compiles a constant pattern. `\d`, `\w`, `\s` and `\b` know ASCII only; `\D`, `\W`, `\S` and `\B` stay as they are.
/// The pattern must not contain an escaped backslash before one of the four letters.
pub fn ascii_regex(pattern: &str) -> Regex {
    let classes =
        [(r"\d", "[0-9]"), (r"\w", "[0-9A-Za-z_]"), (r"\s", r"[ \t\r\n\x0b\x0c]"), (r"\b", r"(?-u:\b)")];
    let ascii = classes.iter().fold(pattern.to_string(), |text, (class, ascii)| text.replace(class, ascii));
    Regex::new(&ascii).expect("a constant pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_know_ascii_only_also_within_others() {
        let regex = ascii_regex(r"^[\d:]+\s\w+\b[^\s\d]\S$");
        assert!(regex.is_match("1:2 word-é"));
        for text in ["1:٢ word-é", "1:2\u{a0}word-é", "1:2 wörd-é", "1:2 word é"] {
            assert!(!regex.is_match(text), "{text}");
        }
    }
}
