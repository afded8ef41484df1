//! Terminal output: verdict symbols, labels and columns.

use crate::base::visible_text::visible;
use crate::report::model::{ReportedVerdict, StepVerdict};
use crate::runbook::catalog::ActionKind;
use colored::{ColoredString, Colorize};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// The layout options of the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// The width in columns.
    pub width: u16,
    /// Whether non-ASCII characters may be used.
    pub unicode: bool,
    /// Whether to show every finding and every cause.
    pub verbose: bool,
}

/// The verdict symbol at the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Passed.
    Pass,
    /// Failed.
    Fail,
    /// A warning.
    Warn,
    /// Not checked.
    Unknown,
    /// Neither passed nor failed: not asked, or not reached.
    Neutral,
}

impl Sign {
    /// Returns the character. All ASCII symbols differ, so colour is never the only carrier of meaning.
    fn text(self, screen: Screen) -> &'static str {
        match (self, screen.unicode) {
            (Sign::Pass, true) => "✓",
            (Sign::Pass, false) => "+",
            (Sign::Fail, true) => "✗",
            (Sign::Fail, false) => "x",
            (Sign::Warn, _) => "!",
            (Sign::Unknown, _) => "?",
            (Sign::Neutral, _) => "-",
        }
    }

    /// Returns the coloured character.
    pub(crate) fn coloured(self, screen: Screen) -> ColoredString {
        let text = self.text(screen);
        match self {
            Sign::Pass => text.green(),
            Sign::Fail => text.red().bold(),
            Sign::Warn | Sign::Unknown => text.yellow(),
            Sign::Neutral => text.into(),
        }
    }
}

impl From<StepVerdict> for Sign {
    fn from(verdict: StepVerdict) -> Self {
        match verdict {
            StepVerdict::Fail => Sign::Fail,
            StepVerdict::Warn => Sign::Warn,
            StepVerdict::Unknown => Sign::Unknown,
            StepVerdict::Pass => Sign::Pass,
            StepVerdict::NotAsked => Sign::Neutral,
        }
    }
}

impl From<ReportedVerdict> for Sign {
    fn from(verdict: ReportedVerdict) -> Self {
        match verdict {
            ReportedVerdict::Pass => Sign::Pass,
            ReportedVerdict::Fail => Sign::Fail,
            ReportedVerdict::Unknown | ReportedVerdict::Blocked => Sign::Unknown,
            ReportedVerdict::NotAsked => Sign::Neutral,
        }
    }
}

/// Returns the printed name of an action's kind.
pub fn action_label(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Fix => "fix",
        ActionKind::ReDrive => "re-drive",
        ActionKind::Verify => "verify",
    }
}

/// The maximum number of characters in a cell. JSON contains the whole text.
const MAX_CELL: usize = 2_000;

/// Returns the text of a cell on one line, without hidden characters, truncated if it is too long.
fn cell(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL) {
        Some((end, _)) => {
            let omitted = text[end..].chars().count();
            format!("{}... ({omitted} more characters)", visible(&text[..end]))
        }
        None => visible(text).into_owned(),
    }
}

/// Lays out rows in columns of fixed width and wraps the last column into the remaining
/// width. Cells are escaped, so a line break in a cell does not start a new line.
pub(crate) fn columns(width: u16, fixed: &[u16], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    for row in rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    let last = width.saturating_sub(fixed.iter().sum());
    for (i, column_width) in fixed.iter().copied().chain([last]).enumerate() {
        if let Some(column) = table.column_mut(i) {
            column.set_padding((0, 0)).set_constraint(ColumnConstraint::Absolute(Width::Fixed(column_width)));
        }
    }
    table.lines().map(|line| line.trim_end().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::lines::width;

    #[test]
    fn columns_stay_within_their_width() {
        let long = "a sentence that is far longer than the room that is left for it in the last column";
        let lines = columns(40, &[10], [vec!["because".into(), long.into()]].into_iter());
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
        assert!(lines[0].starts_with("because   a sentence"), "{lines:#?}");
    }

    #[test]
    fn no_text_breaks_the_columns() {
        let texts =
            ["a\nHEALTHY: b\tc\u{1b}[2J", &"你好".repeat(3_000), &"क्".repeat(500), &"x ".repeat(40_000)];
        for text in texts {
            let lines = columns(40, &[10], [vec!["name".into(), text.into()]].into_iter());
            assert!(lines.iter().all(|line| width(line) <= 40), "{lines:#?}");
            assert!(lines.iter().skip(1).all(|line| line.starts_with("          ")), "{lines:#?}");
            assert!(lines.len() <= MAX_CELL, "{}", lines.len());
        }
        let lines = columns(40, &[10], [vec!["name".into(), texts[0].into()]].into_iter());
        assert_eq!(lines.join(""), r"name      a\nHEALTHY: b\tc\x1b[2J");
    }
}
