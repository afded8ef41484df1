//! The source line that contains a mistake, with carets under the mistake.

use crate::base::secret::withhold;
use crate::base::visible_text::is_hidden;
use std::fmt;

/// Maximum width of an excerpt line, including the line number.
const COLUMNS: usize = 80;

/// Shown in place of text that was cut from either end of a line.
const CUT: &str = "...";

/// A line of a file with some characters marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The path to the file, as the user would write it.
    pub file: String,
    /// The line number, from 1.
    pub line: usize,
    /// The first marked column, in characters, from 1.
    pub column: usize,
    /// The number of marked characters.
    pub width: usize,
    /// The complete line.
    pub text: String,
}

impl Excerpt {
    /// Returns `file:line:column`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// Returns the redacted line, cut to `room` characters, and the offset and width of the
    /// marked part.
    fn sanitized(&self, room: usize) -> (Vec<char>, usize, usize) {
        // Map each character to exactly one, so that the carets stay under the marked part.
        let printable = |letter: char| match letter {
            _ if letter.is_control() => ' ',
            _ if is_hidden(letter) => '?',
            _ => letter,
        };
        let text: Vec<char> = withhold(&self.text).chars().map(printable).collect();
        // Masking a secret before the marked part shifts that part.
        let before: String = self.text.chars().take(self.column.saturating_sub(1)).collect();
        let start = withhold(&before).chars().count().min(text.len());
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
        let (text, start, width) = self.sanitized(COLUMNS - number.len() - " | ".len());
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
    fn carets_mark_the_right_characters() {
        let shown = excerpt("topic = \"oders\"", 9, 7).to_string();
        assert_eq!(shown, "   |\n12 | topic = \"oders\"\n   |         ^^^^^^^");
    }

    #[test]
    fn cuts_a_long_line_around_the_carets() {
        for column in [1, 40, 150, 297] {
            let text: String = "abcdefghij".repeat(30);
            let shown = excerpt(&text, column, 4).to_string();
            let lines: Vec<&str> = shown.lines().collect();
            assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{shown}");
            let at = lines[2].find('^').unwrap();
            let marked = &text[column - 1..column + 3];
            assert_eq!(&lines[1][at..at + 4], marked, "{shown}");
        }
    }

    #[test]
    fn masks_a_secret_and_moves_the_caret() {
        let shown = excerpt("a = \"postgres://u:hunter2@h/d\", b = 1", 33, 1).to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[2].find('^'), lines[1].find("b = 1"), "{shown}");
    }

    #[test]
    fn removes_terminal_escapes() {
        let shown = excerpt("a = \u{1b}[2J\u{202e}b", 1, 1).to_string();
        assert!(shown.contains("a =  [2J?b"), "{shown}");
    }
}
