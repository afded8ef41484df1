//! How far the table can be believed: sets of causes, kinds of faults at first sight, and calibration.

use crate::corpus::{Case, Truth};
use crate::judge::{Grade, Judge, Judged};
use crate::rate::Rate;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Compares the named sets of causes with the sets of true causes. The named set is the likeliest
/// explanation, which the verdict names.
pub fn sets(out: &mut String, judge: &Judge, cases: &[(&Case, Judged)]) {
    let exact = |case: &Case, judged: &Judged| {
        let best: Vec<&str> = judged.causes.iter().filter(|c| c.best).map(|c| c.id.as_str()).collect();
        let named = |truth: &Truth| best.iter().any(|id| is_true(judge, id, truth));
        let is_any_true = |id: &&str| case.truths.iter().any(|truth| is_true(judge, id, truth));
        case.truths.iter().all(named) && best.iter().all(is_any_true)
    };
    let all_exact = Rate::of(cases, |(case, judged)| exact(case, judged));
    let mut full = Rate::default();
    let (mut precision, mut found) = (0.0, 0);
    for (case, judged) in cases {
        let ranks: Option<Vec<usize>> = case.truths.iter().map(|truth| judge.rank(judged, truth)).collect();
        full.count(ranks.is_some());
        if let Some(last) = ranks.and_then(|ranks| ranks.into_iter().max()) {
            precision += case.truths.len() as f64 / last as f64;
            found += 1;
        }
    }
    let precision = 100.0 * precision / f64::from(found.max(1));
    let _ = writeln!(out, "Sets: the verdict names all true causes and nothing else in {all_exact}.");
    let _ = writeln!(
        out,
        "All true causes are listed in {full}; down to the last of them, {precision:.0} % of what is listed is true."
    );
}

/// Reports whether a cause is the true one, or a group that includes it.
fn is_true(judge: &Judge, id: &str, truth: &Truth) -> bool {
    let members = judge.catalog.cause(id).map(|row| row.any_of.as_slice()).unwrap_or_default();
    truth.names(id) || members.iter().any(|member| truth.names(member.get_ref()))
}

/// Shows each kind of fault: how often the first guess is right now, and how often it was right when
/// a fault was first injected.
pub fn kinds(out: &mut String, judge: &Judge, singles: &[(&Case, Judged)]) {
    let mut by_kind: BTreeMap<&str, (Rate, Rate)> = BTreeMap::new();
    for (case, judged) in singles {
        let truth = &case.truths[0];
        let (now, first) = by_kind.entry(&truth.kind).or_default();
        now.count(judge.rank(judged, truth) == Some(1));
        if let Some(named) = &truth.first_sight {
            first.count(truth.names(named));
        }
    }
    let _ = writeln!(out, "\n{:<10} {:<24} at first sight", "kind", "right now (tuned)");
    for (kind, (now, first)) in by_kind {
        let _ = writeln!(out, "{kind:<10} {:<24} {first}", now.to_string());
    }
}

/// Compares the confidence of the first guess with how often it is right, by decile.
pub fn calibration(out: &mut String, guesses: impl Iterator<Item = (Grade, u8)>) {
    let mut deciles: BTreeMap<u8, (Rate, u64)> = BTreeMap::new();
    for (grade, confidence) in guesses {
        let (rate, sum) = deciles.entry(confidence.min(99) / 10).or_default();
        rate.count(matches!(grade, Grade::Right | Grade::LessExact));
        *sum += u64::from(confidence);
    }
    let _ = writeln!(
        out,
        "\nCalibration: first guesses with all systems visible or any number hidden, right or in the group"
    );
    let _ = writeln!(out, "{:<12} {:>8} {:>6}", "confidence", "average", "right");
    for (decile, (rate, sum)) in deciles {
        let average = sum / rate.of.max(1) as u64;
        let range = format!("{}-{} %", decile * 10, decile * 10 + 9);
        let _ = writeln!(out, "{range:<12} {:>8} {:>6} of {}", format!("{average} %"), rate.hits, rate.of);
    }
}
