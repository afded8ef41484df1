//! Removes the escape sequences that colour a terminal.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Removes escape sequences and control characters.
pub fn strip_escapes(text: &str) -> Cow<'_, str> {
    static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|[\x00-\x08\x0a-\x1f\x7f]")
            .expect("a constant pattern")
    });
    match text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        true => ESCAPES.replace_all(text, ""),
        false => Cow::Borrowed(text),
    }
}
