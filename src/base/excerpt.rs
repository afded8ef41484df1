//! The line that a mistake is in, with a caret below.

use crate::base::secret::redact;
use std::fmt;

/// What a line with its number may take of a terminal.
const COLUMNS: usize = 80;

/// What stands for what was cut off.
const CUT: &str = "...";

/// A line of a file, and what in it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The file, as the user would write it.
    pub file: String,
    /// The line's number, from 1.
    pub line: usize,
    /// Where in the line it begins: characters, from 1.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
    /// The whole line.
    pub text: String,
}

impl Excerpt {
    /// `file:line:column`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// The line as it may be shown, and which of its characters are meant.
    fn shown(&self, room: usize) -> (Vec<char>, usize, usize) {
        let harmless = |letter: char| if letter.is_control() { ' ' } else { letter };
        let text: Vec<char> = redact(&self.text).chars().map(harmless).collect();
        // A secret before the place is shorter, or longer, than its mask.
        let before: String = self.text.chars().take(self.column.saturating_sub(1)).collect();
        let start = redact(&before).chars().count().min(text.len());
        let width = self.width.min(text.len() - start).max(1);
        if text.len() <= room {
            return (text, start, width);
        }
        let first = (start + width.min(room) / 2).saturating_sub(room / 2).min(text.len() - room);
        let mut cut: Vec<char> = text.iter().copied().skip(first).take(room).collect();
        let dots = |at: usize| CUT.chars().zip(at..);
        let ends = room - CUT.len();
        let left = dots(0).filter(|_| first > 0);
        for (dot, at) in left.chain(dots(ends).filter(|_| first + room < text.len())) {
            if let Some(letter) = cut.get_mut(at) {
                *letter = dot;
            }
        }
        let start = start.saturating_sub(first).min(room - 1);
        (cut, start, width.min(room - start))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let (text, start, width) = self.shown(COLUMNS - number.len() - " | ".len());
        let text: String = text.into_iter().collect();
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", text.trim_end())?;
        write!(f, "{margin} | {}{}", " ".repeat(start), "^".repeat(width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, column: usize, width: usize) -> Excerpt {
        Excerpt { file: "x.toml".into(), line: 12, column, width, text: text.into() }
    }

    #[test]
    fn the_caret_stands_below_what_is_meant() {
        let shown = excerpt("topic = \"oders\"", 9, 7).to_string();
        assert_eq!(shown, "   |\n12 | topic = \"oders\"\n   |         ^^^^^^^");
    }

    #[test]
    fn a_long_line_is_cut_round_the_caret() {
        for column in [1, 40, 150, 297] {
            let text: String = "abcdefghij".repeat(30);
            let shown = excerpt(&text, column, 4).to_string();
            let lines: Vec<&str> = shown.lines().collect();
            assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{shown}");
            let at = lines[2].find('^').unwrap();
            let meant = &text[column - 1..column + 3];
            assert_eq!(&lines[1][at..at + 4], meant, "{shown}");
        }
    }

    #[test]
    fn a_secret_in_the_line_is_not_shown_and_the_caret_follows() {
        let shown = excerpt("a = \"postgres://u:hunter2@h/d\", b = 1", 33, 1).to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[2].find('^'), lines[1].find("b = 1"), "{shown}");
    }

    #[test]
    fn a_line_cannot_harm_a_terminal() {
        assert!(!excerpt("a = \u{1b}[2J", 1, 1).to_string().contains('\u{1b}'));
    }
}
