//! The last line of a report: the verdict.

use crate::judge::Verdict;
use crate::report::input::ReportInput;
use crate::report::model::{Outcome, Report, Statement};
use crate::report::sentences::{format_window, lower_first, minute};
use crate::runbook::severity::Severity;

/// The maximum length of the headline in characters.
const MAX_LENGTH: usize = 80;

/// Returns the verdict, in the longest form that fits on one line.
pub(super) fn headline(input: &ReportInput, report: &Report) -> String {
    let extent = &report.extent;
    let stuck = match (extent.stuck, extent.since) {
        (Some(stuck), Some(since)) if stuck > 0 => {
            let at_least = if extent.complete { "" } else { "at least " };
            let (stuck, since) = (input.pipeline.count(stuck), minute(report.observed_at, since));
            format!(" {at_least}{stuck} stuck since {since}.")
        }
        (Some(0), _) if extent.complete && report.outcome != Outcome::Problem => {
            format!(" 0 stuck in {}.", format_window(extent.window_s))
        }
        _ => String::new(),
    };
    let forms = match report.outcome {
        Outcome::Healthy => {
            // Only context can be missing from a healthy report.
            let unseen = if report.unavailable.is_empty() { "nothing" } else { "some context" };
            vec![format!("HEALTHY: {}, {unseen} unseen", passed_checks(input))]
        }
        Outcome::Warning => {
            let all = report.risks.iter().chain(&report.unexplained);
            let messages: Vec<String> = all.clone().map(|statement| statement.message.clone()).collect();
            let mut forms = shortened("WARNING: ", &messages);
            forms.extend(shortened("WARNING: failed: ", &ids(all)));
            forms
        }
        Outcome::Inconclusive => unclear(report),
        Outcome::Problem => broken(report),
    };
    // Drop the stuck events if they do not fit; step 3 also shows them.
    let lines = |tail: &str| forms.iter().map(|form| format!("{form}.{tail}")).collect::<Vec<String>>();
    let mut all = lines(&stuck).into_iter().chain(lines(""));
    let fitting = all.find(|line| line.chars().count() <= MAX_LENGTH);
    fitting.or_else(|| lines("").pop()).unwrap_or_default()
}

/// Returns the forms of an unclear verdict: what to wait for, then the unavailable systems.
fn unclear(report: &Report) -> Vec<String> {
    let mut systems: Vec<String> =
        report.unavailable.iter().map(|unavailable| unavailable.system.clone()).collect();
    let whole = systems.clone();
    systems
        .retain(|name| name.split_once(", in part").is_none_or(|(name, _)| !whole.iter().any(|w| w == name)));
    systems.dedup();
    let in_part = whole.iter().all(|name| name.ends_with(", in part"));
    let waits = report.unavailable.iter().filter(|unavailable| unavailable.resolves_with_time && in_part);
    let waits: Vec<String> = waits.map(|unavailable| unavailable.why.clone()).collect();
    // One reason to wait is enough.
    let mut forms: Vec<String> = waits.first().map(|wait| format!("UNCLEAR: {wait}")).into_iter().collect();
    forms.extend(shortened("UNCLEAR: nothing failed; not seen: ", &systems));
    forms
}

/// Returns a form with all names, then forms with fewer and fewer names and the number of omitted names.
fn shortened(head: &str, names: &[String]) -> Vec<String> {
    let all = names.len();
    let cut = |shown: usize| match all - shown {
        0 => format!("{head}{}", names.join("; ")),
        more => format!("{head}{} and {more} more", names[..shown].join("; ")),
    };
    (1..=all).rev().map(cut).collect()
}

/// Returns the causes of the likeliest explanation and the unexplained checks, with and
/// without subjects.
fn broken(report: &Report) -> Vec<String> {
    let best: Vec<_> = report.causes.iter().filter(|cause| cause.best).collect();
    let unexplained = ids(report.unexplained.iter());
    let names = |with_subjects: bool| -> Vec<String> {
        let causes = best.iter().map(|cause| {
            let title_only = cause.title.split(": ").next().unwrap_or_default();
            let title = if with_subjects { cause.title.as_str() } else { title_only };
            format!("{} ({} %)", lower_first(title), cause.confidence)
        });
        causes.chain(unexplained.iter().map(|check| format!("unexplained: {check}"))).collect()
    };
    if best.is_empty() && !report.causes.is_empty() {
        return vec![format!("BROKEN: {} causes are equally likely", report.causes.len())];
    }
    if best.is_empty() {
        let failed: Vec<String> = unexplained.into_iter().chain(ids(report.risks.iter())).collect();
        return shortened("BROKEN: no known cause explains ", &failed);
    }
    let with: Vec<String> = shortened("BROKEN: ", &names(true));
    let without = shortened("BROKEN: ", &names(false));
    with.into_iter().zip(without).flat_map(|(with, without)| [with, without]).collect()
}

fn passed_checks(input: &ReportInput) -> String {
    let judged = || input.findings.iter().filter(|f| f.severity != Severity::Note);
    let asked = judged().filter(|f| !matches!(f.verdict, Verdict::NotAsked(_))).count();
    let passed_checks = judged().filter(|f| f.verdict == Verdict::Pass).count();
    format!("{passed_checks} of {asked} checks passed")
}

fn ids<'a>(statements: impl Iterator<Item = &'a Statement>) -> Vec<String> {
    statements.map(|statement| statement.id.clone()).collect()
}
