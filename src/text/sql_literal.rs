//! Literals in generated SQL.

use crate::text::printable::is_invisible;
use std::fmt::Write;

/// Returns text as an SQL literal on one line. The literal means the same for every value of
/// `standard_conforming_strings`. Text with a backslash or an invisible character becomes an escape
/// string.
pub fn literal(text: &str) -> String {
    if !text.chars().any(|c| c == '\\' || is_invisible(c)) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut literal = String::from("E'");
    for c in text.chars() {
        match c {
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str(r"\\"),
            // PostgreSQL cannot store NUL.
            '\0' => literal.push('?'),
            c if is_invisible(c) => {
                let _ = write!(literal, "\\U{:08x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_literal() {
        for (text, expected) in [
            ("a'b", "'a''b'"),
            ("", "''"),
            ("$$ -- /* ;", "'$$ -- /* ;'"),
            (r"a\", r"E'a\\'"),
            (r"\'; drop table t; --", r"E'\\''; drop table t; --'"),
            ("a\nb\u{2028}", r"E'a\U0000000ab\U00002028'"),
        ] {
            assert_eq!(literal(text), expected);
        }
    }
}
