//! What each link is good for: every one removed once.

use crate::corpus::{Case, Corpus};
use crate::judged::Judge;
use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::judge::{Finding, Verdict};
use pipeline_doctor::runbook::catalog::{Catalog, Cause};
use std::fmt::Write;
use toml::Spanned;

const STRENGTHS: [&str; 3] = ["always", "usually", "sometimes"];

/// A link: its cause, its strength, and its place among the cause's of that strength.
type Link = (usize, usize, usize);

/// What is judged: a recording's name, and its findings.
type Found = (String, Vec<Finding>);

/// A first guess and its confidence in per cent, if one is made.
type Guess = Option<(String, u8)>;

/// Which recordings change where a link is missing.
pub fn report(corpus: &Corpus) -> String {
    let judge = Judge::new();
    let cases = corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy);
    let found = |case: &Case| (case.name.clone(), judge.found(&case.evidence).1);
    let found: Vec<Found> = cases.map(found).collect();
    let whole: Vec<Guess> = found.iter().map(|(_, findings)| guess(&judge.catalog, findings)).collect();
    let links = links(&judge.catalog);
    let changes = on_all_processors(&links, |link| without(&judge.catalog, *link, &found, &whole));
    let mut out = String::new();
    for ((k, strength, n), changed) in links.iter().zip(&changes).filter(|(_, changed)| !changed.is_empty()) {
        let cause = &judge.catalog.causes[*k];
        let link = list(cause, *strength)[*n].get_ref();
        let only = if changed.len() == 1 { " (this one alone)" } else { "" };
        let (id, strength) = (cause.id.get_ref(), STRENGTHS[*strength]);
        let _ = writeln!(out, "{id} {strength} {link}: {}{only}", changed.join("; "));
    }
    let so_many = |count: usize| changes.iter().filter(|changed| changed.len() == count).count();
    let _ = writeln!(
        out,
        "\n{} links removed, one at a time: {} change no first guess, {} that of one recording",
        links.len(),
        so_many(0),
        so_many(1)
    );
    out
}

fn links(catalog: &Catalog) -> Vec<Link> {
    let of_cause = |(k, cause): (usize, &Cause)| {
        let counts: Vec<usize> = (0..STRENGTHS.len()).map(|strength| list(cause, strength).len()).collect();
        let all = counts.into_iter().enumerate();
        all.flat_map(move |(strength, count)| (0..count).map(move |n| (k, strength, n)))
    };
    catalog.causes.iter().enumerate().flat_map(of_cause).collect()
}

fn list(cause: &Cause, strength: usize) -> &[Spanned<String>] {
    [&cause.always, &cause.usually, &cause.sometimes][strength]
}

/// What changes without a link: another first guess, or one that is ten points
/// surer or less sure.
fn without(catalog: &Catalog, (k, strength, n): Link, found: &[Found], whole: &[Guess]) -> Vec<String> {
    let mut catalog = catalog.clone();
    let cause = &mut catalog.causes[k];
    let removed = [&mut cause.always, &mut cause.usually, &mut cause.sometimes][strength].remove(n);
    let observed = |finding: &Finding| {
        finding.check == *removed.get_ref() && matches!(finding.verdict, Verdict::Pass | Verdict::Fail)
    };
    // What was not observed changes nothing.
    let concerned = found.iter().zip(whole).filter(|((_, findings), _)| findings.iter().any(observed));
    let changed = concerned.filter_map(|((name, findings), before)| {
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

/// The results in the order of the items.
fn on_all_processors<T: Sync, U: Send>(items: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let share = |first: usize| {
        let mine = items.iter().enumerate().skip(first).step_by(count);
        mine.map(|(i, item)| (i, work(item))).collect::<Vec<(usize, U)>>()
    };
    let mut done: Vec<(usize, U)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|first| scope.spawn(move || share(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
    });
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}
