//! The table of results, for each kind and runtime.

use crate::cases::{Case, Outcome};
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Default)]
struct Count {
    cases: usize,
    right: usize,
    wrong: usize,
    missed: usize,
    shown: usize,
}

impl Count {
    fn add(&mut self, case: &Case, outcome: &Outcome) {
        let wrong = !outcome.wrong(case).is_empty();
        let found = outcome.is_found(case);
        self.cases += 1;
        self.wrong += usize::from(wrong);
        self.missed += usize::from(!found);
        self.right += usize::from(found && !wrong);
        self.shown += usize::from(outcome.shows_line(case));
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:<22}{:>6}{:>7}{:>7}{:>8}{:>7}\n",
            self.cases, self.right, self.wrong, self.missed, self.shown
        )
    }
}

/// Returns the table that is committed as tests/corpus.txt.
pub fn table(judged: &[(Case, Outcome)]) -> String {
    let (mut kinds, mut runtimes): (BTreeMap<&str, Count>, BTreeMap<&str, Count>) = Default::default();
    let (mut troubles, mut harmless) = (Count::default(), Count::default());
    for (case, outcome) in judged {
        match case.truth.expect.first() {
            Some(kind) => {
                kinds.entry(kind).or_default().add(case, outcome);
                troubles.add(case, outcome);
            }
            None => harmless.add(case, outcome),
        }
        runtimes.entry(&case.truth.runtime).or_default().add(case, outcome);
    }
    let mut table =
        format!("{:<22}{:>6}{:>7}{:>7}{:>8}{:>7}\n", "kind", "cases", "right", "wrong", "missed", "shown");
    kinds.iter().for_each(|(kind, count)| table.push_str(&count.row(kind)));
    table.push_str(&troubles.row("all kinds"));
    table.push_str(&harmless.row("harmless"));
    let _ = write!(
        table,
        "\n{:<22}{:>6}{:>7}{:>7}{:>8}{:>7}\n",
        "runtime", "cases", "right", "wrong", "missed", "shown"
    );
    runtimes.iter().for_each(|(runtime, count)| table.push_str(&count.row(runtime)));
    let percent = 100.0 * troubles.right as f64 / troubles.cases.max(1) as f64;
    let _ = write!(
        table,
        "\n{} of {} logs with trouble are right ({percent:.1} %), {} name a wrong kind, {} of {} harmless logs warn.\n",
        troubles.right, troubles.cases, troubles.wrong, harmless.wrong, harmless.cases
    );
    table
}

/// Prints a case that is not right.
pub fn print_case((case, outcome): &(Case, Outcome)) {
    println!("{}: expected {:?}, also {:?}", case.name, case.truth.expect, case.truth.also);
    if !outcome.shows_line(case) {
        println!("    not shown: {:?}", case.truth.line.as_deref().unwrap_or_default());
    }
    for (kind, quote) in &outcome.kinds {
        println!("    {kind}: {quote}");
    }
}
