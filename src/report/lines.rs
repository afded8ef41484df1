//! The only way text reaches a terminal: line by line, with all hidden characters escaped except
//! this program's own colours and line ends.

use crate::base::visible_text::visible;
use colored::ColoredString;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The marker that replaces the end of text that is too long.
const CUT: &str = "...";

/// Writes lines to a terminal or a file.
pub struct Lines<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Lines<'a> {
    /// Writes to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Lines { out }
    }

    /// Writes one line. Hidden characters in its parts become visible escapes, so that no text can
    /// begin another line, move the cursor or set a colour. Parts are coloured by their type.
    pub fn line(&mut self, parts: impl IntoIterator<Item = ColoredString>) -> io::Result<()> {
        for mut part in parts {
            part.input = visible(&part.input).into_owned();
            write!(self.out, "{part}")?;
        }
        writeln!(self.out)
    }

    /// Writes one line without colours.
    pub fn plain(&mut self, text: &str) -> io::Result<()> {
        self.line([text.into()])
    }

    /// Writes an empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        self.line([])
    }
}

/// Returns the width of text in columns, with its hidden characters escaped.
pub fn width(text: &str) -> usize {
    visible(text).width()
}

/// Pads text with spaces to a width. Never truncates it.
pub fn pad(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// Truncates text that is wider than `most` columns.
pub fn shorten(text: &str, most: usize) -> String {
    let text = visible(text);
    if text.width() <= most {
        return text.into_owned();
    }
    let mut room = most.saturating_sub(CUT.len());
    let fits = |letter: &char| {
        let left = room.checked_sub(letter.width().unwrap_or(0));
        room = left.unwrap_or(0);
        left.is_some()
    };
    text.chars().take_while(fits).chain(CUT.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use colored::Colorize;

    #[test]
    fn only_own_colours_and_line_ends_reach_the_terminal() {
        colored::control::set_override(true);
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out);
        lines.line([" ".into(), "a\u{1b}[2J\nHEALTHY: b\u{202e}".bold(), "c".into()]).unwrap();
        colored::control::unset_override();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, " \u{1b}[1ma\\x1b[2J\\nHEALTHY: b\\u{202e}\u{1b}[0mc\n");
    }

    #[test]
    fn shortens_by_columns() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abc...");
        assert_eq!(shorten("你好你好", 7), "你好...");
        assert_eq!(shorten("a\u{1b}", 5), r"a\x1b");
        assert_eq!(pad("你", 4), "你  ");
    }
}
