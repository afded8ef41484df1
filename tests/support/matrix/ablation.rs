//! Ablation: removes each link once to see what it contributes.

use crate::corpus::{Case, Corpus};
use crate::judge::Judge;
use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::judge::{Finding, Verdict};
use pipeline_doctor::runbook::catalog::{Catalog, Cause};
use std::fmt::Write;
use toml::Spanned;

const STRENGTHS: [&str; 3] = ["always", "usually", "sometimes"];

/// A link: the index of its cause, its strength, and its index among the cause's links of
/// that strength.
type Link = (usize, usize, usize);

/// A recording's name and its findings.
type Judged = (String, Vec<Finding>);

/// The first guess and its confidence as a percentage, if there is one.
type Guess = Option<(String, u8)>;

/// Lists the recordings whose result changes when a link is removed.
pub fn report(corpus: &Corpus) -> String {
    let judge = Judge::new();
    let cases = corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy);
    let judged = |case: &Case| (case.name.clone(), judge.facts_and_findings(&case.evidence).1);
    let judged: Vec<Judged> = cases.map(judged).collect();
    let baseline: Vec<Guess> = judged.iter().map(|(_, findings)| guess(&judge.catalog, findings)).collect();
    let links = links(&judge.catalog);
    let changes = parallel_map(&links, |link| changes_without(&judge.catalog, *link, &judged, &baseline));
    let mut out = String::new();
    for ((k, strength, n), changed) in links.iter().zip(&changes).filter(|(_, changed)| !changed.is_empty()) {
        let cause = &judge.catalog.causes[*k];
        let link = links_of(cause, *strength)[*n].get_ref();
        let only = if changed.len() == 1 { " (only this recording)" } else { "" };
        let (id, strength) = (cause.id.get_ref(), STRENGTHS[*strength]);
        let _ = writeln!(out, "{id} {strength} {link}: {}{only}", changed.join("; "));
    }
    let links_changing = |count: usize| changes.iter().filter(|changed| changed.len() == count).count();
    let _ = writeln!(
        out,
        "\n{} links removed one at a time: {} change no first guess, {} change one recording's first guess",
        links.len(),
        links_changing(0),
        links_changing(1)
    );
    out
}

fn links(catalog: &Catalog) -> Vec<Link> {
    let of_cause = |(k, cause): (usize, &Cause)| {
        let counts: Vec<usize> =
            (0..STRENGTHS.len()).map(|strength| links_of(cause, strength).len()).collect();
        let all = counts.into_iter().enumerate();
        all.flat_map(move |(strength, count)| (0..count).map(move |n| (k, strength, n)))
    };
    catalog.causes.iter().enumerate().flat_map(of_cause).collect()
}

fn links_of(cause: &Cause, strength: usize) -> &[Spanned<String>] {
    [&cause.always, &cause.usually, &cause.sometimes][strength]
}

/// Lists the recordings whose first guess changes without a link, or whose confidence
/// changes by at least ten points.
fn changes_without(
    catalog: &Catalog,
    (k, strength, n): Link,
    judged: &[Judged],
    baseline: &[Guess],
) -> Vec<String> {
    let mut catalog = catalog.clone();
    let cause = &mut catalog.causes[k];
    let removed = [&mut cause.always, &mut cause.usually, &mut cause.sometimes][strength].remove(n);
    let observed = |finding: &Finding| {
        finding.check == *removed.get_ref() && matches!(finding.verdict, Verdict::Pass | Verdict::Fail)
    };
    // A link to a check that was not observed has no effect.
    let affected = judged.iter().zip(baseline).filter(|((_, findings), _)| findings.iter().any(observed));
    let changed = affected.filter_map(|((name, findings), before)| {
        Some(format!("{name} {}", difference(before, &guess(&catalog, findings))?))
    });
    changed.collect()
}

fn guess(catalog: &Catalog, findings: &[Finding]) -> Guess {
    let first = diagnose(catalog, findings).causes.into_iter().next()?;
    Some((first.cause, (first.confidence * 100.0).round() as u8))
}

fn difference(before: &Guess, after: &Guess) -> Option<String> {
    match (before, after) {
        (Some((a, sure)), Some((b, now))) if a == b => {
            (sure.abs_diff(*now) >= 10).then(|| format!("{sure} % to {now} %"))
        }
        (Some((a, _)), Some((b, _))) => Some(format!("{a} to {b}")),
        (Some(_), None) => Some("names nothing".into()),
        (None, Some((b, _))) => Some(format!("names {b}")),
        (None, None) => None,
    }
}

/// Applies `work` to all items in parallel. Returns the results in the items' order.
fn parallel_map<T: Sync, U: Send>(items: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let share = |first: usize| {
        let items = items.iter().enumerate().skip(first).step_by(count);
        items.map(|(i, item)| (i, work(item))).collect::<Vec<(usize, U)>>()
    };
    let mut done: Vec<(usize, U)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|first| scope.spawn(move || share(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
    });
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}
