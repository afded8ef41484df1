//! The verdict on the requested event: the last line of a report with an id.

use crate::report::headline_parts::{
    explanations, ids, passed_checks, reason_to_wait, shortened, unseen_systems,
};
use crate::report::input::ReportInput;
use crate::report::model::{EventVerdict, Outcome, Report};
use crate::report::sentences::{format_window, minute, time};
use crate::situation::event_progress::EventOutcome;

/// Returns how far the requested event got, if there is one.
pub(super) fn event_verdict(input: &ReportInput) -> Option<EventVerdict> {
    let situation = input.situation;
    situation.lookup.id?;
    let progress = situation.progress();
    let component = |hop: Option<usize>| hop.map(|hop| situation.hops[hop].by.clone());
    Some(EventVerdict {
        outcome: progress.outcome,
        arrived_at: progress.arrived_at(&situation.hops),
        last_seen_by: component(progress.last),
        missing_at: component(progress.dead_letter.or(progress.gap)),
    })
}

/// Returns the forms of the verdict on the event, the longest first.
pub(super) fn forms(input: &ReportInput, report: &Report, event: &EventVerdict) -> Vec<String> {
    let others = others_stuck(input, report, event);
    let explained = reasons(report);
    match event.outcome {
        EventOutcome::Arrived => arrived(input, report, event, others.as_deref()),
        EventOutcome::UnderWay => {
            let to = event.missing_at.as_deref().map(|to| format!(" to {to}")).unwrap_or_default();
            let wait = || reason_to_wait(report).into_iter();
            let reasons = if report.causes.is_empty() { wait().collect() } else { explained };
            let reasons: Vec<String> = reasons.into_iter().chain(wait()).collect();
            with_tail("UNDER WAY", &[format!("UNDER WAY{to}")], &reasons, others.as_deref())
        }
        EventOutcome::Stopped => {
            with_tail("STOPPED", &places("STOPPED", event), &explained, others.as_deref())
        }
        EventOutcome::Unclear => {
            let unseen = shortened("not seen: ", &unseen_systems(report));
            let reasons = explained.into_iter().chain(reason_to_wait(report)).chain(unseen);
            with_tail("UNCLEAR", &places("UNCLEAR", event), &reasons.collect::<Vec<_>>(), others.as_deref())
        }
    }
}

/// Returns `word` with the place where the event was lost, in its long and its short form.
fn places(word: &str, event: &EventVerdict) -> Vec<String> {
    match (&event.last_seen_by, &event.missing_at) {
        (Some(last), Some(missing)) if last != missing => {
            vec![format!("{word} between {last} and {missing}"), format!("{word} before {missing}")]
        }
        (None, Some(missing)) => vec![format!("{word} before {missing}")],
        (_, Some(missing)) => vec![format!("{word} at {missing}")],
        (_, None) => vec![word.to_string()],
    }
}

/// Combines places, reasons and the events that are also stuck, the most complete form first. A
/// place between two components matters more than the subject of a cause.
fn with_tail(word: &str, places: &[String], reasons: &[String], others: Option<&str>) -> Vec<String> {
    let mut forms = Vec::new();
    for place in places {
        for tail in others.map(|others| format!(" {others}.")).into_iter().chain([String::new()]) {
            forms.extend(reasons.iter().map(|reason| format!("{place}: {reason}.{tail}")));
        }
    }
    // A long cause matters more than the place, which step 3 also shows.
    forms.extend(reasons.iter().map(|reason| format!("{word}: {reason}.")));
    forms.extend(places.iter().map(|place| format!("{place}.")));
    forms
}

fn arrived(input: &ReportInput, report: &Report, event: &EventVerdict, others: Option<&str>) -> Vec<String> {
    let at = event.arrived_at.map(|at| format!(" {}", time(report.observed_at, at))).unwrap_or_default();
    let head = format!("ARRIVED{at}");
    let is_quiet = report.extent.stuck == Some(0) && report.extent.complete;
    let window = format_window(report.extent.window_s);
    let tail = is_quiet.then(|| format!("0 stuck in {window}"));
    let tails = || others.map(String::from).into_iter().chain(tail.clone()).map(|tail| format!(" {tail}."));
    let with = |forms: Vec<String>| -> Vec<String> {
        let long = tails().flat_map(|tail| forms.iter().map(move |form| format!("{form}.{tail}")));
        long.chain(forms.iter().map(|form| format!("{form}."))).collect()
    };
    match report.outcome {
        Outcome::Healthy => with(vec![format!("{head}: {}", passed_checks(input, report))]),
        Outcome::Inconclusive => with(shortened(&format!("{head}; not seen: "), &unseen_systems(report))),
        Outcome::Problem => {
            let incomplete = reasons(report).into_iter().map(|why| format!("{head}, but incomplete: {why}"));
            with(incomplete.collect())
        }
        Outcome::Warning => {
            let reasons = reasons(report);
            match others {
                // That others are stuck is worth more than why.
                Some(others) => {
                    let head = format!("{head}. Warning: {others}");
                    let explained = reasons.iter().map(|why| format!("{head}: {why}."));
                    explained.chain([format!("{head}.")]).collect()
                }
                None => with(reasons.iter().map(|why| format!("{head}. Warning: {why}")).collect()),
            }
        }
    }
}

/// Returns how many other events are stuck, and since when: "36 other orders stuck since 10:02".
fn others_stuck(input: &ReportInput, report: &Report, event: &EventVerdict) -> Option<String> {
    let extent = &report.extent;
    let counted = report.id.as_deref().is_some_and(|id| input.situation.backlog.newest.contains(&id));
    let others = extent.stuck?.checked_sub(u64::from(counted && event.outcome != EventOutcome::Arrived))?;
    if others == 0 {
        return None;
    }
    let at_least = if extent.complete { "" } else { "at least " };
    let (one, many) = &input.pipeline.noun;
    let noun = if others == 1 { one } else { many };
    // The oldest may be this event itself.
    let own_time = input.situation.lookup.row.known().map(|row| row.at);
    let since = extent.since.filter(|since| own_time != Some(*since));
    let since = since.map(|since| format!(" since {}", minute(report.observed_at, since)));
    Some(format!("{at_least}{others} other {noun} stuck{}", since.unwrap_or_default()))
}

/// Returns what explains the failures, or else that nothing does.
fn reasons(report: &Report) -> Vec<String> {
    let explained = explanations(report);
    match report.outcome {
        _ if !explained.is_empty() => explained,
        Outcome::Problem => vec!["nothing seen explains it".to_string()],
        _ => {
            let messages: Vec<String> = report.risks.iter().map(|risk| risk.message.clone()).collect();
            [shortened("", &messages), shortened("", &ids(report.risks.iter()))].concat()
        }
    }
}
