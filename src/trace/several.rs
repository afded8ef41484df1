//! Several events: how far each came, and where they stop.

use crate::pipeline::Pipeline;
use crate::report::model::SCHEMA_VERSION;
use crate::report::words;
use crate::trace::model::{Outcome, Stop, Trace, Traces};

impl Traces {
    /// What is said where there is no event: none of a key, or none that is stuck in
    /// so many seconds.
    pub fn none(pipeline: &Pipeline, stuck_for_s: Option<u64>) -> Traces {
        let many = &pipeline.noun.1;
        let (outcome, headline) = match stuck_for_s {
            Some(window_s) => {
                let window = words::length(window_s);
                (Outcome::Arrived, format!("ARRIVED: no {many} stuck in {window}."))
            }
            None => (Outcome::Stopped, format!("NOTHING: there are no {many} of that key.")),
        };
        Traces {
            schema_version: SCHEMA_VERSION,
            pipeline: pipeline.name.clone(),
            taken: None,
            outcome,
            exit_code: outcome.exit_code(),
            headline,
            stops: Vec::new(),
            traces: Vec::new(),
        }
    }
}

/// Puts the traces of several events together.
pub fn traces(pipeline: &Pipeline, traces: Vec<Trace>) -> Traces {
    let count = |outcome| traces.iter().filter(|trace| trace.outcome == outcome).count();
    let outcome = Outcome::ALL.into_iter().find(|outcome| count(*outcome) > 0).unwrap_or(Outcome::Arrived);
    let stops = stops(&traces);
    let counts = Outcome::ALL.into_iter().filter(|outcome| count(*outcome) > 0);
    let counts: Vec<String> =
        counts.map(|outcome| format!("{} {}", count(outcome), outcome.words())).collect();
    let most = stops.first().map(|stop| {
        let cause = stop.cause.as_ref().map(|(cause, confidence)| format!(": {cause} ({confidence} %)"));
        format!(" {} at {}{}.", stop.ids.len(), stop.component, cause.unwrap_or_default())
    });
    let (all, most) = (pipeline.count(traces.len() as u64), most.unwrap_or_default());
    Traces {
        schema_version: SCHEMA_VERSION,
        pipeline: pipeline.name.clone(),
        taken: traces.first().map(|trace| trace.taken),
        outcome,
        exit_code: outcome.exit_code(),
        headline: format!("{}: {} of {all}.{most}", outcome.words().to_uppercase(), counts.join(", ")),
        stops,
        traces,
    }
}

/// Where they stop, the most frequent place first.
fn stops(traces: &[Trace]) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for trace in traces.iter().filter(|trace| trace.outcome == Outcome::Stopped) {
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
    // A stable sort: those that were asked about first stay first.
    stops.sort_by_key(|stop| std::cmp::Reverse(stop.ids.len()));
    stops
}
