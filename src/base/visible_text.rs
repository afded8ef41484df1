//! Makes external text safe to display. Characters that control a terminal, reorder letters or are
//! invisible become escapes such as `\n`, `\x1b` or `\u{202e}`.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// The maximum number of consecutive zero-width marks. Real scripts need no more.
const MAX_MARKS: usize = 4;

/// Default-ignorable code points by Unicode's definition (bidirectional controls, zero-width
/// characters, tags, variation selectors, fillers), line separators and annotation marks.
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Reports whether a character is a control character or invisible.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || (!letter.is_ascii() && INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&letter)))
}

/// Returns the text on one line, with an escape for each hidden character.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    let mut previous = None;
    for letter in text.chars() {
        marks = if letter.width() == Some(0) { marks + 1 } else { 0 };
        match is_hidden(letter) && !selects_emoji(previous, letter) || marks > MAX_MARKS {
            true => escape(letter, &mut shown),
            false => shown.push(letter),
        }
        previous = Some(letter);
    }
    Cow::Owned(shown)
}

/// Returns the text with all hidden characters escaped, except line feeds.
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<Cow<'_, str>>>().join("\n")
}

/// Reports whether a character is a variation selector for the preceding symbol, as in many emoji.
fn selects_emoji(previous: Option<char>, letter: char) -> bool {
    let is_symbol = |symbol: char| ('\u{203c}'..='\u{1faff}').contains(&symbol) && !symbol.is_alphanumeric();
    matches!(letter, '\u{fe0e}' | '\u{fe0f}') && previous.is_some_and(|c| is_symbol(c) && !is_hidden(c))
}

fn escape(letter: char, shown: &mut String) {
    match letter {
        '\n' | '\r' | '\t' => shown.extend(letter.escape_default()),
        _ if u32::from(letter) < 0x100 => *shown += &format!("\\x{:02x}", u32::from(letter)),
        _ => shown.extend(letter.escape_unicode()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_escapes() {
        for (text, shown) in [
            ("plain, é, 你好, 🚀", "plain, é, 你好, 🚀"),
            ("a\nHEALTHY: b\r\tc", r"a\nHEALTHY: b\r\tc"),
            ("\u{1b}]0;title\u{7}\0\u{7f}", r"\x1b]0;title\x07\x00\x7f"),
            ("\u{9b}31m\u{85}", r"\x9b31m\x85"),
            ("\u{202e}abc\u{2066}\u{200b}\u{feff}", r"\u{202e}abc\u{2066}\u{200b}\u{feff}"),
            ("x\u{2028}y\u{2029}\u{ad}\u{3164}", r"x\u{2028}y\u{2029}\xad\u{3164}"),
            ("\u{e0041}\u{e0100}a\u{fe0f}", r"\u{e0041}\u{e0100}a\u{fe0f}"),
            ("⚠\u{fe0f} hot", "⚠\u{fe0f} hot"),
            ("⚠\u{fe0f}\u{fe0f}", "⚠\u{fe0f}\\u{fe0f}"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(visible(shown), shown, "escaping twice changes nothing");
        }
    }

    #[test]
    fn stacks_of_marks_are_cut() {
        assert_eq!(visible("e\u{301}\u{302}"), "e\u{301}\u{302}");
        let stack = format!("e{}", "\u{301}".repeat(6));
        assert_eq!(visible(&stack), format!("e{}{}", "\u{301}".repeat(4), r"\u{301}".repeat(2)));
    }

    #[test]
    fn lines_are_kept_where_they_are_meant() {
        assert_eq!(visible_lines("a\tb\nc\r\n"), "a\\tb\nc\\r\n");
    }
}
