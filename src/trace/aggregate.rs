//! Aggregates the traces of several events: their outcomes and where they stopped.

use crate::pipeline::Pipeline;
use crate::report::model::SCHEMA_VERSION;
use crate::report::sentences;
use crate::situation::event_progress::EventOutcome;
use crate::trace::model::{Stop, Trace, Traces, exit_code};

impl Traces {
    /// Returns the result for the case that no event has the key, or that no event is stuck in a
    /// window of `stuck_window_s` seconds.
    pub fn none(pipeline: &Pipeline, stuck_window_s: Option<u64>) -> Traces {
        let plural = &pipeline.noun.1;
        let (outcome, headline) = match stuck_window_s {
            Some(window_s) => {
                let window = sentences::format_window(window_s);
                (EventOutcome::Arrived, format!("ARRIVED: no {plural} stuck in {window}."))
            }
            None => (EventOutcome::Stopped, format!("NOTHING: no {plural} with that key.")),
        };
        Traces {
            schema_version: SCHEMA_VERSION,
            pipeline: pipeline.name.clone(),
            observed_at: None,
            interrupted: None,
            outcome,
            exit_code: exit_code(outcome, None),
            headline,
            stops: Vec::new(),
            traces: Vec::new(),
        }
    }
}

/// Aggregates the traces of several events.
pub fn traces(pipeline: &Pipeline, traces: Vec<Trace>) -> Traces {
    let count = |outcome| traces.iter().filter(|trace| trace.outcome == outcome).count();
    let outcome =
        EventOutcome::ALL.into_iter().find(|outcome| count(*outcome) > 0).unwrap_or(EventOutcome::Arrived);
    let interrupted = traces.iter().find_map(|trace| trace.interrupted);
    let stops = stops(&traces);
    let counts = EventOutcome::ALL.into_iter().filter(|outcome| count(*outcome) > 0);
    let counts: Vec<String> =
        counts.map(|outcome| format!("{} {}", count(outcome), outcome.describe())).collect();
    let most_frequent = stops.first().map(|stop| {
        let cause = stop.cause.as_ref().map(|(cause, confidence)| format!(": {cause} ({confidence} %)"));
        format!(" {} at {}{}.", stop.ids.len(), stop.component, cause.unwrap_or_default())
    });
    let (all, most_frequent) = (pipeline.count(traces.len() as u64), most_frequent.unwrap_or_default());
    Traces {
        schema_version: SCHEMA_VERSION,
        pipeline: pipeline.name.clone(),
        observed_at: traces.first().map(|trace| trace.observed_at),
        interrupted,
        outcome,
        exit_code: exit_code(outcome, interrupted),
        headline: format!(
            "{}: {} of {all}.{most_frequent}",
            outcome.describe().to_uppercase(),
            counts.join(", ")
        ),
        stops,
        traces,
    }
}

/// Groups stopped events by where they stopped, the most frequent location first.
fn stops(traces: &[Trace]) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for trace in traces.iter().filter(|trace| trace.outcome == EventOutcome::Stopped) {
        let title = |hop: Option<usize>| hop.map(|hop| trace.hops[hop].title.clone());
        let cause = trace.causes.iter().find(|cause| cause.best);
        let stop = Stop {
            component: trace.component.clone().unwrap_or_default(),
            seen: title(trace.last_seen),
            missing: title(trace.first_missing).unwrap_or_default(),
            cause: cause.map(|cause| (cause.title.clone(), cause.confidence)),
            ids: vec![trace.id.clone()],
        };
        let same = |other: &&mut Stop| other.component == stop.component && other.missing == stop.missing;
        match stops.iter_mut().find(same) {
            Some(other) => other.ids.push(trace.id.clone()),
            None => stops.push(stop),
        }
    }
    // The sort is stable, so ties stay in the requested order.
    stops.sort_by_key(|stop| std::cmp::Reverse(stop.ids.len()));
    stops
}
