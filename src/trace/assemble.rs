//! Assembles the trace of one event: how far it got, where it stopped, and why.

use crate::pipeline::Stage;
use crate::report::model::{Conclusions, SCHEMA_VERSION, Statement};
use crate::report::sentences;
use crate::situation::Situation;
use crate::situation::clock::{self, ClockOf};
use crate::situation::event_progress::{EventOutcome, EventProgress};
use crate::situation::hops::{Hop, State};
use crate::trace::duration::format_duration;
use crate::trace::model::{HopState, Trace, TracedHop, TracedStage, exit_code};
use jiff::Timestamp;

/// Assembles the trace of the situation's event, with the runbook's conclusions.
pub fn trace(situation: &Situation, conclusions: Conclusions) -> Trace {
    let hops = situation.hops.as_slice();
    let progress = situation.progress();
    let outcome = progress.outcome;
    // A cause can also explain why a hop is unknown.
    let show_causes = matches!(outcome, EventOutcome::Stopped | EventOutcome::Unclear);
    let times: Vec<Timestamp> =
        hops.iter().filter(|hop| hop.is_on_main_path()).filter_map(Hop::local_time).collect();
    let first = times.first().copied();
    let took_ms = first.and_then(|first| Some(ms(first, times.iter().copied().max()?)));
    let component = progress.gap.map(|gap| hops[gap].by.clone());
    let headline = headline(hops, &progress, &conclusions, took_ms);
    let Conclusions { tool, pipeline, observed_at, interrupted, causes, actions, unavailable } = conclusions;
    Trace {
        schema_version: SCHEMA_VERSION,
        tool,
        pipeline,
        id: situation.lookup.id.unwrap_or_default().to_string(),
        observed_at,
        interrupted,
        outcome,
        exit_code: exit_code(outcome, interrupted),
        headline,
        last_seen: progress.last,
        first_missing: progress.gap,
        component,
        took_ms,
        stages: situation.pipeline.stage.iter().map(|stage| traced_stage(stage, hops)).collect(),
        hops: traced_hops(hops, first),
        clocks: wrong_clocks(situation),
        causes: if show_causes { causes } else { Vec::new() },
        actions: if show_causes { actions } else { Vec::new() },
        unavailable,
    }
}

fn ms(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

fn traced_stage(stage: &Stage, hops: &[Hop]) -> TracedStage {
    TracedStage {
        stage: stage.name.clone(),
        event: stage.event.clone(),
        topic: stage.topic().known().copied().cloned(),
        reached: hops.iter().any(|hop| hop.stage == stage.name && hop.is_seen()),
    }
}

fn traced_hops(hops: &[Hop], first: Option<Timestamp>) -> Vec<TracedHop> {
    let steps = steps(hops);
    let longest = steps.iter().flatten().copied().max().filter(|longest| *longest > 0);
    let slowest = longest.and_then(|longest| steps.iter().position(|step| *step == Some(longest)));
    let traced_hop = |(i, hop): (usize, &Hop)| {
        let (state, at, message) = match &hop.state {
            State::Observed { at, message, .. } => (HopState::Observed, *at, message.clone()),
            State::Missing(message) => (HopState::Missing, None, message.clone()),
            State::Skipped(message) => (HopState::Skipped, None, message.clone()),
            State::Unknown(why) => (HopState::Unknown, None, why.describe()),
        };
        TracedHop {
            stage: hop.stage.clone(),
            kind: hop.kind,
            by: hop.by.clone(),
            title: hop.title.clone(),
            source: hop.source.clone(),
            state,
            at,
            after_ms: first.and_then(|first| Some(ms(first, hop.local_time()?))),
            step_ms: steps[i],
            slowest: slowest == Some(i),
            message,
            value: hop.value.clone(),
        }
    };
    hops.iter().enumerate().map(traced_hop).collect()
}

/// Returns the time from the previous hop to each hop, for hops with a timestamp.
fn steps(hops: &[Hop]) -> Vec<Option<i64>> {
    let mut previous = None;
    let step = |hop: &Hop| {
        let at = hop.local_time().filter(|_| hop.is_on_main_path())?;
        previous.replace(at).map(|previous| ms(previous, at))
    };
    hops.iter().map(step).collect()
}

/// Returns the clocks that are certainly wrong, both those of systems and those of components that
/// timestamp records.
fn wrong_clocks(situation: &Situation) -> Vec<Statement> {
    let of_systems = situation.clocks.all().iter().filter(|(system, _)| *system != ClockOf::Kafka);
    let wrong = of_systems.filter_map(|(system, clock)| Some((system, *clock.known()?)));
    let wrong = wrong.filter(|(_, clock)| clock.surely_ahead_ms() != 0);
    let of_system = |(system, clock): (&ClockOf, _)| Statement {
        id: system.to_string(),
        message: clock::describe(clock),
    };
    let mut warnings: Vec<Statement> = wrong.map(of_system).collect();
    for hop in situation.hops.iter().filter(|hop| hop.skew_ms != 0) {
        let direction = if hop.skew_ms > 0 { "ahead" } else { "behind" };
        let skew = format_duration(hop.skew_ms.abs());
        let message = format!("stamps records at least {skew} {direction}; their times are ignored");
        if !warnings.iter().any(|warning| warning.id == hop.by) {
            warnings.push(Statement { id: hop.by.clone(), message });
        }
    }
    warnings
}

fn headline(
    hops: &[Hop],
    progress: &EventProgress,
    conclusions: &Conclusions,
    took_ms: Option<i64>,
) -> String {
    let time = |at: Timestamp| sentences::time(conclusions.observed_at, at);
    let took = took_ms.map(|ms| format!(" in {}", format_duration(ms))).unwrap_or_default();
    let Some(gap) = progress.gap.map(|gap| &hops[gap]) else {
        return format!("ARRIVED{took}: every stage is complete.");
    };
    let last = progress.last.map_or("never seen".to_string(), |last| {
        let last = &hops[last];
        let by = if last.by == gap.by { String::new() } else { format!(" of {}", last.by) };
        let at = last.local_time().map(|at| format!(" {}", time(at))).unwrap_or_default();
        format!("last seen at \"{}\"{by}{at}", last.title)
    });
    let by = &gap.by;
    let cause = describe_cause(conclusions, by);
    let dead_letter = progress.dead_letter.map(|dead_letter| &hops[dead_letter]);
    match (progress.outcome, dead_letter) {
        (EventOutcome::Stopped, Some(dead_letter)) => {
            let at = dead_letter.local_time().map(|at| format!(" {}", time(at))).unwrap_or_default();
            format!("STOPPED: {} sent it to {}{at}.{cause}", dead_letter.by, dead_letter.source)
        }
        (EventOutcome::Stopped, None) if progress.arrived => {
            format!("STOPPED at a branch: {by} has not consumed it; the main path is complete.{cause}")
        }
        (EventOutcome::Stopped, None) => {
            format!("STOPPED at {by}: {last}, missing \"{}\".{cause}", gap.title)
        }
        _ if progress.arrived => {
            format!("ARRIVED{took}; the effect of {by} was not seen: {}.", why(gap))
        }
        (EventOutcome::UnderWay, _) => format!("UNDER WAY to {by}: {last}; {}.", why(gap)),
        _ => format!("UNCLEAR at {by}: {last}; \"{}\" not seen: {}.{cause}", gap.title, why(gap)),
    }
}

/// Describes the likeliest cause, without its subject if that is `by`.
fn describe_cause(conclusions: &Conclusions, by: &str) -> String {
    let Some(cause) = conclusions.causes.iter().find(|cause| cause.best) else { return String::new() };
    let without_subject = cause.title.strip_suffix(by).and_then(|title| title.strip_suffix(": "));
    format!(" {} ({} %).", without_subject.unwrap_or(&cause.title), cause.confidence)
}

fn why(hop: &Hop) -> String {
    match &hop.state {
        State::Unknown(why) => why.describe(),
        State::Missing(message) | State::Skipped(message) | State::Observed { message, .. } => {
            message.clone()
        }
    }
}
