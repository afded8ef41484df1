//! The last line of a report: the verdict.

use crate::report::event_verdict;
use crate::report::headline_parts::{
    explanations, ids, passed_checks, reason_to_wait, shortened, unseen_systems,
};
use crate::report::input::ReportInput;
use crate::report::model::{Outcome, Report};
use crate::report::sentences::{format_window, minute};

/// The maximum length of the headline in characters.
const MAX_LENGTH: usize = 80;

/// Returns the verdict, in the longest form that fits on one line. The period at its end may be left out.
pub(super) fn headline(input: &ReportInput, report: &Report) -> String {
    let forms = match &report.event {
        Some(event) => event_verdict::forms(input, report, event),
        None => pipeline_forms(input, report),
    };
    let fitting = forms.iter().find_map(|form| match form.chars().count() {
        0..=MAX_LENGTH => Some(form.clone()),
        length if length == MAX_LENGTH + 1 => form.strip_suffix('.').map(String::from),
        _ => None,
    });
    fitting.or_else(|| forms.last().cloned()).unwrap_or_default()
}

/// Returns the forms of the verdict on the whole pipeline, first with the stuck events, then
/// without them; step 3 also shows them.
fn pipeline_forms(input: &ReportInput, report: &Report) -> Vec<String> {
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
        Outcome::Healthy => vec![format!("HEALTHY: {}", passed_checks(input, report))],
        Outcome::Warning => {
            let all = report.risks.iter().chain(&report.unexplained);
            let messages: Vec<String> = all.clone().map(|statement| statement.message.clone()).collect();
            let mut forms = shortened("WARNING: ", &messages);
            forms.extend(shortened("WARNING: failed: ", &ids(all)));
            forms
        }
        Outcome::Inconclusive => {
            let wait = reason_to_wait(report).into_iter().chain(explanations(report));
            let wait = wait.map(|reason| format!("UNCLEAR: {reason}"));
            let unseen = shortened("UNCLEAR: nothing failed; not seen: ", &unseen_systems(report));
            wait.chain(unseen).collect()
        }
        Outcome::Problem => broken(report),
    };
    let lines = |tail: &str| forms.iter().map(|form| format!("{form}.{tail}")).collect::<Vec<String>>();
    lines(&stuck).into_iter().chain(lines("")).collect()
}

fn broken(report: &Report) -> Vec<String> {
    let explained = explanations(report);
    if report.causes.is_empty() {
        let failed = report.unexplained.iter().chain(&report.risks);
        return shortened("BROKEN: no known cause explains ", &ids(failed));
    }
    explained.into_iter().map(|why| format!("BROKEN: {why}")).collect()
}
