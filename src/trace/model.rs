//! Traces as data: the contract of the JSON document.

use crate::base::error::exit;
use crate::base::interruption::Interruption;
use crate::pipeline::HopKind;
use crate::remedy::PlannedAction;
use crate::report::model::{Cause, SCHEMA_VERSION, Statement, Unavailable};
use crate::situation::event_progress::EventOutcome;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// Returns the exit code of a run that a signal ended, or else that of the outcome.
pub fn exit_code(outcome: EventOutcome, interrupted: Option<Interruption>) -> u8 {
    if let Some(interruption) = interrupted {
        return interruption.signal.exit_code();
    }
    match outcome {
        EventOutcome::Arrived => exit::HEALTHY,
        EventOutcome::Stopped => exit::PROBLEM,
        EventOutcome::UnderWay | EventOutcome::Unclear => exit::INCONCLUSIVE,
    }
}

/// The trace of one event. The fields are in the order of the JSON document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Trace {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// `pipeline-doctor` and its version.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The event's id.
    pub id: String,
    /// When the evidence was collected (UTC).
    #[serde(rename = "taken")]
    pub observed_at: Timestamp,
    /// The signal that ended the run before all systems had answered; the trace is incomplete then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interruption>,
    /// How far the event got.
    pub outcome: EventOutcome,
    /// The exit code of the run.
    pub exit_code: u8,
    /// The last line of the table.
    pub headline: String,
    /// The last hop that was seen, as an index into `hops`.
    pub last_seen: Option<usize>,
    /// The first missing hop after it or, if none is missing, the first that could not be
    /// checked.
    pub first_missing: Option<usize>,
    /// The service or worker of that hop.
    pub component: Option<String>,
    /// The time from the first to the last hop with a timestamp, in milliseconds.
    pub took_ms: Option<i64>,
    /// The stages, in order.
    pub stages: Vec<TracedStage>,
    /// The hops, in the pipeline's order.
    pub hops: Vec<TracedHop>,
    /// Clocks that are certainly wrong, by system or by the component that stamps records.
    /// Hop times are corrected for system clocks, and omitted if a timestamp is wrong.
    pub clocks: Vec<Statement>,
    /// The listed causes if the event stopped, the likeliest first.
    pub causes: Vec<Cause>,
    /// The actions if the event stopped, in order.
    pub actions: Vec<PlannedAction>,
    /// The systems and observations that were unavailable.
    #[serde(rename = "unseen")]
    pub unavailable: Vec<Unavailable>,
}

/// A stage of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TracedStage {
    /// The stage's name.
    pub stage: String,
    /// The event's type.
    pub event: String,
    /// The topic that carries the event, if there is one.
    pub topic: Option<String>,
    /// Whether the event was seen at any hop of the stage.
    pub reached: bool,
}

/// The state of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HopState {
    /// The event was seen at the hop.
    #[serde(rename = "seen")]
    Observed,
    /// The event should have passed the hop, but was not seen there.
    Missing,
    /// The event was not seen at the hop, but at a later one.
    Skipped,
    /// The hop could not be checked.
    Unknown,
}

impl HopState {
    /// Returns the word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            HopState::Observed => "seen",
            HopState::Missing => "missing",
            HopState::Skipped => "skipped",
            HopState::Unknown => "unknown",
        }
    }
}

/// A hop of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TracedHop {
    /// The stage that the hop belongs to.
    pub stage: String,
    /// The kind of hop.
    pub kind: HopKind,
    /// The service or worker that performs the hop.
    pub by: String,
    /// The hop's title.
    pub title: String,
    /// Where the event was searched for.
    pub source: String,
    /// The state of the hop.
    pub state: HopState,
    /// When the event passed, by the source's clock.
    pub at: Option<Timestamp>,
    /// The time since the first hop in milliseconds, by this machine's clock.
    pub after_ms: Option<i64>,
    /// The time since the previous hop with a timestamp, in milliseconds.
    pub step_ms: Option<i64>,
    /// Whether this is the slowest step.
    pub slowest: bool,
    /// What was seen, or why nothing was.
    #[serde(rename = "say")]
    pub message: String,
    /// The record's value, if it was requested and is JSON; redacted and truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Trace {
    /// Adds a note to each record without a value that its value is not JSON.
    pub fn note_omitted_values(&mut self) {
        let has_no_value = |hop: &&mut TracedHop| {
            hop.kind == HopKind::Record && hop.state == HopState::Observed && hop.value.is_none()
        };
        for hop in self.hops.iter_mut().filter(has_no_value) {
            hop.message.push_str("; its value is not JSON and is not shown");
        }
    }
}

/// The traces of several events. The fields are in the order of the JSON document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Traces {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// When the evidence was collected (UTC).
    #[serde(rename = "taken")]
    pub observed_at: Option<Timestamp>,
    /// The signal that ended the run before all systems had answered; the traces are incomplete then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interruption>,
    /// The worst outcome of the traces.
    pub outcome: EventOutcome,
    /// The exit code of the run.
    pub exit_code: u8,
    /// The last line of the table.
    pub headline: String,
    /// Where events stopped, the most frequent place first.
    pub stops: Vec<Stop>,
    /// One trace per event, in the requested order.
    pub traces: Vec<Trace>,
}

/// A place where events stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stop {
    /// The service or worker.
    pub component: String,
    /// The title of the last hop that was seen.
    pub seen: Option<String>,
    /// The title of the missing hop.
    pub missing: String,
    /// The likeliest cause, with its confidence as a percentage.
    pub cause: Option<(String, u8)>,
    /// The ids of the events, in the requested order.
    pub ids: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_match_their_json_words() {
        for state in [HopState::Observed, HopState::Missing, HopState::Skipped, HopState::Unknown] {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }
}
