//! Counts what was tried, and collects what went wrong.

use crate::payloads::MARK;
use crate::support::jail::Jail;
use crate::support::outputs::{self, Output};
use crate::verdicts;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

/// One of how many pairs is tried, unless all are.
const SAMPLE: usize = 40;

/// Reports whether all pairs are tried (`INJECTION_PAIRS=all`). By default, each place gets some of
/// the payloads and each payload some of the places, so that the tests take a minute.
pub fn is_complete() -> bool {
    std::env::var_os("INJECTION_PAIRS").is_some_and(|pairs| pairs == "all")
}

/// Reports whether a pair is tried.
pub fn is_tried(place: usize, payload: usize) -> bool {
    is_complete() || (place + payload).is_multiple_of(SAMPLE)
}

/// Returns those of the variants that are tried.
pub fn tried_variants<T>(variants: Vec<T>, place: usize, payload: usize) -> Vec<(usize, T)> {
    let (count, chosen) = (variants.len().max(1), place + payload / SAMPLE);
    variants.into_iter().enumerate().filter(|(i, _)| is_complete() || *i == chosen % count).collect()
}

/// The most violations that a failed test shows.
const SHOWN: usize = 40;

/// The counts of a test.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<Counts>,
    commands: Mutex<HashSet<String>>,
}

/// What was tried.
#[derive(Debug, Default)]
pub struct Counts {
    /// Payloads in places.
    pub pairs: usize,
    /// Pairs that were refused in every variant.
    pub refused: usize,
    /// Renderings of everything.
    pub rendered: usize,
    /// Texts that contained a payload.
    pub texts: usize,
    /// Commands that were run because they contained a payload.
    pub run: usize,
    /// What became more than data.
    pub violations: Vec<String>,
}

impl Tally {
    /// Returns the counts.
    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Notes a violation.
    pub fn violation(&self, place: &str, text: &str, what: &str) {
        self.counts().violations.push(format!("{text:?} in {place}: {what}"));
    }

    /// Judges all texts that contain a payload, and runs the commands in them. `text` is what was
    /// placed.
    pub fn judge(
        &self,
        jail: &Jail,
        place: &str,
        outputs: &[Output],
        text: &str,
        payload: &str,
        is_sql: bool,
    ) {
        let hostile = outputs.iter().filter(|output| output.text.contains(MARK));
        let mut texts = 0;
        for output in hostile {
            texts += 1;
            if let Some(wrong) = verdicts::of_output(output, is_sql) {
                self.violation(place, text, &format!("{}: {wrong}", output.name));
            }
        }
        let commands = outputs::commands(outputs);
        let commands = commands.iter().filter(|command| command.contains(MARK));
        let run = commands.map(|command| self.run(jail, place, command, payload, is_sql)).sum::<usize>();
        let mut counts = self.counts();
        counts.rendered += 1;
        counts.texts += texts;
        counts.run += run;
    }

    /// Runs a command in each shell unless it was run before. Returns how many were run.
    pub fn run(&self, jail: &Jail, place: &str, command: &str, payload: &str, is_sql: bool) -> usize {
        let is_new = self.commands.lock().unwrap().insert(command.to_string());
        if !is_new {
            return 0;
        }
        let shells = ["sh", "bash"];
        let shells = if is_complete() { &shells[..] } else { &shells[command.len() % 2..][..1] };
        for shell in shells {
            if let Some(wrong) = verdicts::of_deeds(&jail.run(shell, command), payload, is_sql) {
                self.violation(place, payload, &format!("{shell}: {wrong}\n    {command}"));
            }
        }
        1
    }

    /// Prints the counts and fails if there is a violation.
    #[track_caller]
    pub fn finish(&self, what: &str) {
        let counts = self.counts();
        println!(
            "{what}: {} pairs ({} refused), {} renderings, {} texts with a payload, {} commands run, {} violations",
            counts.pairs,
            counts.refused,
            counts.rendered,
            counts.texts,
            counts.run,
            counts.violations.len()
        );
        let shown: Vec<&String> = counts.violations.iter().take(SHOWN).collect();
        assert!(shown.is_empty(), "{} violations: {shown:#?}", counts.violations.len());
    }
}
