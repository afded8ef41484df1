//! Assembles a report.

use crate::judge::{Finding, Verdict};
use crate::printed_command::{pipeline_doctor, shell};
use crate::remedy::PlannedAction;
use crate::report::event_verdict::event_verdict;
use crate::report::headline::headline;
use crate::report::input::ReportInput;
use crate::report::model::{Cause, Conclusions, EventVerdict, Outcome, Report, SCHEMA_VERSION, Statement};
use crate::report::runbook_step::step;
use crate::report::stuck_events::stuck_events;
use crate::report::unavailable::{unavailable, unwatched};
use crate::runbook::catalog::ActionKind;
use crate::runbook::overrides::{RowKind, SwitchedOff};
use crate::runbook::severity::Severity;
use crate::situation::event_progress::EventOutcome;

/// Returns the likely causes, the actions and the unavailable systems.
pub fn conclusions(input: &ReportInput) -> Conclusions {
    let ReportInput { situation, diagnosis, .. } = input;
    let causes: Vec<Cause> = diagnosis.causes.iter().filter_map(|cause| input.cause(cause)).collect();
    Conclusions {
        tool: format!("pipeline-doctor {}", situation.tool),
        pipeline: situation.pipeline.name.clone(),
        observed_at: situation.clocks.observed_at,
        interrupted: situation.interrupted,
        actions: actions(input, &causes),
        causes,
        unavailable: unavailable(input),
    }
}

/// Assembles the report.
pub fn report(input: &ReportInput) -> Report {
    let diagnosis = input.diagnosis;
    let event = event_verdict(input);
    let outcome = outcome(input, event.as_ref());
    let Conclusions { tool, pipeline, observed_at, interrupted, causes, actions, unavailable } =
        conclusions(input);
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool,
        pipeline,
        id: input.situation.lookup.id.map(String::from),
        observed_at,
        interrupted,
        outcome,
        exit_code: match interrupted {
            Some(interruption) => interruption.signal.exit_code(),
            None => outcome.exit_code(input.fail_on_warnings),
        },
        headline: String::new(),
        event,
        actions,
        extent: stuck_events(input),
        steps: input.catalog.steps.iter().map(|row| step(input, row)).collect(),
        causes,
        ruled_out: diagnosis.ruled_out.iter().filter_map(|cause| input.ruled_out(cause)).collect(),
        undetermined: diagnosis.undetermined.iter().filter_map(|cause| input.undetermined(cause)).collect(),
        risks: input.statements(&diagnosis.risks, &[]),
        unexplained: input.statements(&diagnosis.unexplained, &[]),
        unavailable,
        next: diagnosis.next.as_deref().and_then(|check| input.next(check)),
        switched_off: input.catalog.switched.off.clone(),
        masked_values: input.situation.masked_values,
        cost: input.situation.counters.clone(),
        overrides_ended: input.catalog.switched.expired.iter().map(expired_override).collect(),
        custom_checks: input.catalog.custom_directory.clone(),
    };
    report.headline = headline(input, &report);
    report
}

/// Describes an expired override.
fn expired_override(row: &SwitchedOff) -> Statement {
    let active = match row.kind {
        RowKind::Check => "judged",
        RowKind::Cause => "ranked",
    };
    let message = format!("{} is {active} again; its override expired on {}", row.id, row.until);
    Statement { id: row.id.clone(), message }
}

/// Returns the outcome. Problems take precedence over unknown checks, which take precedence over
/// warnings. If the requested event arrived, problems that do not concern it are warnings.
fn outcome(input: &ReportInput, event: Option<&EventVerdict>) -> Outcome {
    let findings = input.findings;
    let failed = |severity| findings.iter().any(|f| f.verdict == Verdict::Fail && f.severity == severity);
    let event = event.map(|event| event.outcome);
    let of_event = |f: &&Finding| f.of_event && f.severity == Severity::Error;
    let incomplete = findings.iter().filter(of_event).any(|f| f.verdict == Verdict::Fail);
    let arrived = event == Some(EventOutcome::Arrived) && !incomplete;
    // Beside an event that arrived, what another failure hides is no loss, as long as each system was seen.
    let beside_arrival = arrived && failed(Severity::Error);
    let is_relevant = |f: &Finding| f.of_event || !beside_arrival;
    let has_unseen = |f: &Finding| {
        f.instances.iter().any(|i| match &i.verdict {
            Verdict::Unknown(_) => true,
            Verdict::Blocked(_) => !beside_arrival,
            _ => false,
        })
    };
    let systems = &input.situation.systems;
    let unseen = findings.iter().any(|f| f.severity != Severity::Note && is_relevant(f) && has_unseen(f))
        || systems.without_address().next().is_some()
        || (arrived && systems.unknown().next().is_some());
    match () {
        () if event == Some(EventOutcome::Stopped) || (failed(Severity::Error) && !arrived) => {
            Outcome::Problem
        }
        () if unseen || input.situation.interrupted.is_some() || unwatched(input).is_some() => {
            Outcome::Inconclusive
        }
        () if failed(Severity::Warn) || failed(Severity::Error) => Outcome::Warning,
        () => Outcome::Healthy,
    }
}

/// Combines the actions for the best causes. Each action occurs once, a shared script runs
/// at its last position, and verification comes last.
fn actions(input: &ReportInput, causes: &[Cause]) -> Vec<PlannedAction> {
    let best = causes.iter().filter(|cause| cause.best);
    let of_best: Vec<&PlannedAction> = best.flat_map(|cause| &cause.actions).collect();
    let is_verification = |action: &PlannedAction| action.kind == ActionKind::Verify;
    let is_repeated_later = |i: usize| {
        let script = &of_best[i].script;
        script.is_some() && of_best[i + 1..].iter().any(|later| later.script == *script)
    };
    let is_duplicate = |i: usize| {
        let same =
            |before: &&PlannedAction| before.run == of_best[i].run && before.message == of_best[i].message;
        of_best[i].script.is_none() && of_best[..i].iter().any(same)
    };
    let others =
        of_best.iter().enumerate().filter(|(i, action)| !is_verification(action) && !is_repeated_later(*i));
    let others = others.filter(|(i, _)| !is_duplicate(*i)).map(|(_, action)| *action);
    let verification = of_best.iter().copied().find(|action| is_verification(action));
    inspect_newest_event(input, causes).into_iter().chain(others.chain(verification).cloned()).collect()
}

/// Suggests diagnosing the newest stuck event if several causes are equally likely.
fn inspect_newest_event(input: &ReportInput, causes: &[Cause]) -> Option<PlannedAction> {
    if input.situation.lookup.id.is_some() || causes.iter().any(|cause| cause.best) {
        return None;
    }
    let id = input.situation.backlog.newest.iter().find(|id| input.pipeline.is_id(id))?;
    Some(PlannedAction {
        kind: ActionKind::Verify,
        message: Some("diagnose the newest stuck event to distinguish the causes".into()),
        run: vec![shell::process(&pipeline_doctor::diagnose_event(id))],
        script: None,
    })
}
