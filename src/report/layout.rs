//! How texts are laid out on a screen.

use crate::runbook::catalog::ActionKind;
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
