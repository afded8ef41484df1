//! Characters that change how the surrounding text is displayed or read.

/// Reports whether every character of the text is printable.
pub fn is_printable(text: &str) -> bool {
    !text.chars().any(is_invisible)
}

/// Reports whether a character is a control character (C0, DEL, C1), ends a line, changes the
/// direction of text or has no width.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the text on one line, for use in a comment, which a line break would end. Runs of
/// whitespace become single spaces, and other invisible characters become question marks.
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || "\u{1c}\u{1d}\u{1e}\u{1f}".contains(c));
    let words = words.filter(|word| !word.is_empty());
    let shown = |word: &str| word.chars().map(|c| if is_invisible(c) { '?' } else { c }).collect::<String>();
    words.map(shown).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_recognized() {
        for hostile in
            ["a\nb", "a\tb", "\u{1b}[2J", "\u{7f}", "\u{9b}31m", "\u{85}", "\u{2028}", "\u{202e}", "\u{200b}"]
        {
            assert!(!is_printable(hostile), "{hostile:?}");
        }
        for harmless in ["", "a b", "zwölf ☂ 注文", "$(reboot) `x` '\"\\"] {
            assert!(is_printable(harmless), "{harmless:?}");
        }
    }

    #[test]
    fn no_line_break_survives() {
        for end in ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\u{1e}"] {
            assert_eq!(one_line(&format!("a{end}touch x")), "a touch x", "{end:?}");
        }
        assert_eq!(one_line(" a \u{1b}[2J\u{202e}b "), "a ?[2J?b");
    }
}
