//! How texts are laid out on a screen.

use crate::report::model::{StepVerdict, VerdictShown};
use crate::runbook::catalog::ActionKind;
use colored::Colorize;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// How the screen looks.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Columns.
    pub width: u16,
    /// Signs outside of ASCII may be used.
    pub unicode: bool,
    /// Every finding and every cause.
    pub verbose: bool,
}

/// What the first sign of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Worth knowing.
    Warn,
    /// Could not look.
    Unknown,
    /// Nothing to say.
    Nothing,
}

impl Sign {
    /// ASCII signs differ in form, so that colour is never needed to tell them apart.
    fn text(self, screen: Screen) -> &'static str {
        match (self, screen.unicode) {
            (Sign::Pass, true) => "✓",
            (Sign::Pass, false) => "+",
            (Sign::Fail, true) => "✗",
            (Sign::Fail, false) => "x",
            (Sign::Warn, _) => "!",
            (Sign::Unknown, _) => "?",
            (Sign::Nothing, _) => "-",
        }
    }

    /// The sign as it is printed.
    pub(crate) fn coloured(self, screen: Screen) -> String {
        let text = self.text(screen);
        match self {
            Sign::Pass => text.green().to_string(),
            Sign::Fail => text.red().bold().to_string(),
            Sign::Warn | Sign::Unknown => text.yellow().to_string(),
            Sign::Nothing => text.to_string(),
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
            StepVerdict::NotAsked => Sign::Nothing,
        }
    }
}

impl From<VerdictShown> for Sign {
    fn from(verdict: VerdictShown) -> Self {
        match verdict {
            VerdictShown::Pass => Sign::Pass,
            VerdictShown::Fail => Sign::Fail,
            VerdictShown::Unknown | VerdictShown::Blocked => Sign::Unknown,
            VerdictShown::NotAsked => Sign::Nothing,
        }
    }
}

/// An action's kind as it is printed.
pub fn kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Mend => "mend",
        ActionKind::ReDrive => "re-drive",
        ActionKind::Prove => "prove",
    }
}

/// Rows laid out in columns: all but the last of fixed width, the last one
/// wrapped into what is left.
pub(crate) fn columns(width: u16, fixed: &[u16], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    for row in rows {
        table.add_row(row);
    }
    let last = width.saturating_sub(fixed.iter().sum());
    for (i, wide) in fixed.iter().copied().chain([last]).enumerate() {
        if let Some(column) = table.column_mut(i) {
            column.set_padding((0, 0)).set_constraint(ColumnConstraint::Absolute(Width::Fixed(wide)));
        }
    }
    table.lines().map(|line| line.trim_end().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_within_their_width() {
        let long = "a sentence that is far longer than the room that is left for it in the last column";
        let lines = columns(40, &[10], [vec!["because".into(), long.into()]].into_iter());
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
        assert!(lines[0].starts_with("because   a sentence"), "{lines:#?}");
    }
}
