//! What each link is good for: every one removed once.

use crate::corpus::{Case, Corpus};
use crate::judged::Judge;
use pipeline_doctor::check::Finding;
use pipeline_doctor::check::catalog::{Catalog, Cause};
use pipeline_doctor::diagnosis::diagnose;
use std::fmt::Write;

/// The first guesses of all recordings.
type Guesses = Vec<(String, Option<(String, u8)>)>;

/// Which recordings change where a link is missing.
pub fn report(corpus: &Corpus) -> String {
    let judge = Judge::new();
    let cases: Vec<&Case> = corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy).collect();
    let found: Vec<(&Case, Vec<Finding>)> =
        cases.into_iter().map(|case| (case, judge.found(&case.evidence).1)).collect();
    let whole = guesses(&judge.catalog, &found);
    let (mut removed, mut silent, mut alone) = (0, 0, 0);
    let mut out = String::new();
    for k in 0..judge.catalog.causes.len() {
        for (strength, links) in [
            (0, links(&judge.catalog, k, 0)),
            (1, links(&judge.catalog, k, 1)),
            (2, links(&judge.catalog, k, 2)),
        ] {
            for n in 0..links {
                let mut catalog = judge.catalog.clone();
                let link = kind(&mut catalog.causes[k], strength).remove(n);
                removed += 1;
                let changed = changes(&whole, &guesses(&catalog, &found));
                match changed.len() {
                    0 => silent += 1,
                    1 => alone += 1,
                    _ => {}
                }
                if !changed.is_empty() {
                    let name = ["always", "usually", "sometimes"][strength];
                    let only = if changed.len() == 1 { " (this one alone)" } else { "" };
                    let id = judge.catalog.causes[k].id.get_ref();
                    let _ = writeln!(out, "{id} {name} {}: {}{only}", link.get_ref(), changed.join("; "));
                }
            }
        }
    }
    let _ = writeln!(
        out,
        "\n{removed} links removed, one at a time: {silent} change no first guess, {alone} that of one recording"
    );
    out
}

fn links(catalog: &Catalog, k: usize, strength: usize) -> usize {
    let cause = &catalog.causes[k];
    [cause.always.len(), cause.usually.len(), cause.sometimes.len()][strength]
}

fn kind(cause: &mut Cause, strength: usize) -> &mut Vec<toml::Spanned<String>> {
    match strength {
        0 => &mut cause.always,
        1 => &mut cause.usually,
        _ => &mut cause.sometimes,
    }
}

fn guesses(catalog: &Catalog, found: &[(&Case, Vec<Finding>)]) -> Guesses {
    let guess = |findings: &[Finding]| {
        let first = diagnose(catalog, findings).causes.into_iter().next()?;
        Some((first.cause, (first.confidence * 100.0).round() as u8))
    };
    found.iter().map(|(case, findings)| (case.name.clone(), guess(findings))).collect()
}

/// Another cause, or one that is ten points surer or less sure.
fn changes(before: &Guesses, after: &Guesses) -> Vec<String> {
    let both = before.iter().zip(after);
    let changed = both.filter_map(|((name, before), (_, after))| match (before, after) {
        (Some((a, sure)), Some((b, now))) if a == b => {
            (sure.abs_diff(*now) >= 10).then(|| format!("{name} {sure} % to {now} %"))
        }
        (Some((a, _)), Some((b, _))) => Some(format!("{name} {a} to {b}")),
        (Some(_), None) => Some(format!("{name} names nothing")),
        (None, Some((b, _))) => Some(format!("{name} names {b}")),
        (None, None) => None,
    });
    changed.collect()
}
