//! The parts of a verdict: what explains the failures, and what was not seen.

use crate::judge::Verdict;
use crate::report::input::ReportInput;
use crate::report::model::{Cause, Report, Statement};
use crate::report::sentences::lower_first;
use crate::runbook::severity::Severity;

/// Returns the causes of the likeliest explanation and the unexplained checks, with and without
/// subjects, the longest form first. It is empty if there are neither.
pub(super) fn explanations(report: &Report) -> Vec<String> {
    let best: Vec<&Cause> = report.causes.iter().filter(|cause| cause.best).collect();
    if best.is_empty() && !report.causes.is_empty() {
        return vec![format!("{} causes are equally likely", report.causes.len())];
    }
    let unexplained = ids(report.unexplained.iter());
    let names = |with_subjects: bool| -> Vec<String> {
        let causes = best.iter().map(|cause| {
            let title_only = cause.title.split(": ").next().unwrap_or_default();
            let title = if with_subjects { cause.title.as_str() } else { title_only };
            format!("{} ({} %)", lower_first(title), cause.confidence)
        });
        causes.chain(unexplained.iter().map(|check| format!("unexplained: {check}"))).collect()
    };
    let (with, without) = (shortened("", &names(true)), shortened("", &names(false)));
    with.into_iter().zip(without).flat_map(|(with, without)| [with, without]).collect()
}

/// Returns a form with all names, then forms with fewer and fewer names and the number of omitted names.
pub(super) fn shortened(head: &str, names: &[String]) -> Vec<String> {
    let all = names.len();
    let cut = |shown: usize| match all - shown {
        0 => format!("{head}{}", names.join("; ")),
        more => format!("{head}{} and {more} more", names[..shown].join("; ")),
    };
    (1..=all).rev().map(cut).collect()
}

/// Returns the systems that were not seen, each once.
pub(super) fn unseen_systems(report: &Report) -> Vec<String> {
    let whole: Vec<String> =
        report.unavailable.iter().map(|unavailable| unavailable.system.clone()).collect();
    let mut systems = whole.clone();
    systems
        .retain(|name| name.split_once(", in part").is_none_or(|(name, _)| !whole.iter().any(|w| w == name)));
    systems.dedup();
    systems
}

/// Returns the reason to wait, if time alone would tell the rest. One reason is enough.
pub(super) fn reason_to_wait(report: &Report) -> Option<String> {
    let in_part = report.unavailable.iter().all(|unavailable| unavailable.system.ends_with(", in part"));
    let wait = report.unavailable.iter().find(|unavailable| unavailable.resolves_with_time && in_part);
    wait.map(|unavailable| unavailable.why.clone())
}

/// Returns how many checks passed of those that were asked, and that nothing else was to be seen:
/// "31 of 31 checks passed, nothing unseen".
pub(super) fn passed_checks(input: &ReportInput, report: &Report) -> String {
    let judged = || input.findings.iter().filter(|f| f.severity != Severity::Note);
    let asked = judged().filter(|f| !matches!(f.verdict, Verdict::NotAsked(_))).count();
    let passed_checks = judged().filter(|f| f.verdict == Verdict::Pass).count();
    // Only context can be missing from a healthy report.
    let unseen = if report.unavailable.is_empty() { "nothing" } else { "some context" };
    format!("{passed_checks} of {asked} checks passed, {unseen} unseen")
}

/// Returns the ids of statements.
pub(super) fn ids<'a>(statements: impl Iterator<Item = &'a Statement>) -> Vec<String> {
    statements.map(|statement| statement.id.clone()).collect()
}
