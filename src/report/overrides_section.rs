//! Renders the section of the table about custom rows: where they come from, and which overrides are
//! active or expired.

use crate::report::lines::Lines;
use crate::report::model::Report;
use crate::report::terminal::{Screen, columns};
use crate::runbook::overrides::{RowKind, SwitchedOff};
use crate::text::plural::count;
use colored::Colorize;
use std::io;

/// How many overrides are listed without `-v`.
const MAX_LISTED: usize = 2;

/// Writes where custom checks and causes come from, which ones overrides switch off, and the expired
/// overrides.
pub(super) fn render(report: &Report, screen: Screen, out: &mut Lines) -> io::Result<()> {
    let switched_off = (!report.switched_off.is_empty()).then(|| line(&report.switched_off, screen.verbose));
    let expired = report.overrides_ended.iter().map(|expired| expired.message.clone());
    let custom = report.custom_checks.as_ref().map(|directory| format!("Checks and causes from {directory}"));
    let lines = custom.into_iter().chain(switched_off).chain(expired);
    let rows: Vec<Vec<String>> = lines.map(|line| vec![line]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    out.blank()?;
    for line in columns(screen.width - 1, &[], rows.into_iter()) {
        out.line([" ".into(), line.dimmed()])?;
    }
    Ok(())
}

/// Returns "2 checks are switched off: a (until 2026-12-31: rebuilt by hand), b (...)".
fn line(rows: &[SwitchedOff], verbose: bool) -> String {
    let count_of = |kind: RowKind| rows.iter().filter(|row| row.kind == kind).count() as u64;
    let counts = [(count_of(RowKind::Check), "check"), (count_of(RowKind::Cause), "cause")];
    let counts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, one)| count(*n, one)).collect();
    let shown = if verbose { rows.len() } else { MAX_LISTED.min(rows.len()) };
    let listed = rows.iter().take(shown).map(|row| format!("{} (until {}: {})", row.id, row.until, row.why));
    let more = (shown < rows.len()).then(|| format!("and {} more", rows.len() - shown));
    let verb = if rows.len() == 1 { "is" } else { "are" };
    let listed: Vec<String> = listed.chain(more).collect();
    format!("{} {verb} switched off: {}", counts.join(" and "), listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_two_overrides_and_counts_all() {
        let row = |id: &str, kind| SwitchedOff {
            id: id.into(),
            kind,
            why: "by hand".into(),
            until: jiff::civil::date(2026, 12, 31),
        };
        let rows = [row("a", RowKind::Check), row("b", RowKind::Check), row("c", RowKind::Cause)];
        let a = "a (until 2026-12-31: by hand)";
        assert_eq!(line(&rows[..1], false), format!("1 check is switched off: {a}"));
        let all = line(&rows, false);
        assert_eq!(
            all,
            "2 checks and 1 cause are switched off: ".to_string()
                + a
                + ", b (until 2026-12-31: by hand), and 1 more"
        );
        assert!(line(&rows, true).ends_with("c (until 2026-12-31: by hand)"));
    }
}
