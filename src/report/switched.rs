//! What overrides have switched off, in the table.

use crate::report::layout::{Screen, columns};
use crate::report::model::Report;
use crate::runbook::overrides::{RowKind, SwitchedOff};
use crate::text::plural::count;
use colored::Colorize;
use std::io::{self, Write};

/// How many are named without `-v`.
const NAMED: usize = 2;

/// Writes what is not judged or not ranked, and what is so again.
pub(super) fn render(report: &Report, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let off = (!report.switched_off.is_empty()).then(|| line(&report.switched_off, screen.verbose));
    let ended = report.overrides_ended.iter().map(|ended| ended.say.clone());
    let rows: Vec<Vec<String>> = off.into_iter().chain(ended).map(|line| vec![line]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    for line in columns(screen.width - 1, &[], rows.into_iter()) {
        writeln!(out, " {}", line.dimmed())?;
    }
    Ok(())
}

/// "2 checks are switched off: a (until 2026-12-31: rebuilt by hand), b (...)".
fn line(rows: &[SwitchedOff], verbose: bool) -> String {
    let of = |kind: RowKind| rows.iter().filter(|row| row.kind == kind).count() as u64;
    let counted = [(of(RowKind::Check), "check"), (of(RowKind::Cause), "cause")];
    let counted: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, one)| count(*n, one)).collect();
    let shown = if verbose { rows.len() } else { NAMED.min(rows.len()) };
    let named = rows.iter().take(shown).map(|row| format!("{} (until {}: {})", row.id, row.until, row.why));
    let more = (shown < rows.len()).then(|| format!("and {} more", rows.len() - shown));
    let is = if rows.len() == 1 { "is" } else { "are" };
    let named: Vec<String> = named.chain(more).collect();
    format!("{} {is} switched off: {}", counted.join(" and "), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_are_named_and_all_are_counted() {
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
