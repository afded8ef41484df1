//! How far events came, as data: the contract of the JSON document.

use crate::base::error::exit;
use crate::pipeline::HopKind;
use crate::remedy::Planned;
use crate::report::model::{Cause, SCHEMA_VERSION, Told, Unseen};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// How far an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Through every stage, branches included.
    Arrived,
    /// A hop is missing, and the time for it is over.
    Stopped,
    /// A hop is missing, and its time is not over.
    UnderWay,
    /// What would tell could not be looked at.
    Unclear,
}

impl Outcome {
    /// All of them, the worst first.
    pub const ALL: [Outcome; 4] = [Outcome::Stopped, Outcome::Unclear, Outcome::UnderWay, Outcome::Arrived];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Arrived => "arrived",
            Outcome::Stopped => "stopped",
            Outcome::UnderWay => "under way",
            Outcome::Unclear => "unclear",
        }
    }

    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Arrived => exit::HEALTHY,
            Outcome::Stopped => exit::PROBLEM,
            Outcome::UnderWay | Outcome::Unclear => exit::INCONCLUSIVE,
        }
    }
}

/// Everything that is said of one event. Field order is the JSON's.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Trace {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// `pipeline-doctor` and the version that looked.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The event.
    pub id: String,
    /// When it was looked (UTC).
    pub taken: Timestamp,
    /// How far it came.
    pub outcome: Outcome,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// The last line.
    pub headline: String,
    /// The last hop that was seen, as an index into `hops`.
    pub last_seen: Option<usize>,
    /// The first hop that is missing after it, or the first that could not be
    /// looked at where none is.
    pub first_missing: Option<usize>,
    /// The service or worker between the two.
    pub component: Option<String>,
    /// From the first to the last hop that tell their time, in milliseconds.
    pub took_ms: Option<i64>,
    /// The stages, in order.
    pub stages: Vec<StageShown>,
    /// The hops, in the pipeline's order.
    pub hops: Vec<HopShown>,
    /// Clocks that are surely wrong, by system or by who stamps records; times of
    /// hops are corrected by those of systems, and left out where a stamp is wrong.
    pub clocks: Vec<Told>,
    /// Where it stopped: the listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do then, in order.
    pub actions: Vec<Planned>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageShown {
    /// Its name.
    pub stage: String,
    /// The event's type.
    pub event: String,
    /// The topic on which it arrives, if it comes by one.
    pub topic: Option<String>,
    /// Whether anything of the event was seen here.
    pub reached: bool,
}

/// What is known of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HopState {
    /// The event was seen there.
    Seen,
    /// It should have been there.
    Missing,
    /// It was not seen there, and came further.
    Skipped,
    /// Could not look.
    Unknown,
}

impl HopState {
    /// The word in the JSON document.
    pub fn as_str(self) -> &'static str {
        match self {
            HopState::Seen => "seen",
            HopState::Missing => "missing",
            HopState::Skipped => "skipped",
            HopState::Unknown => "unknown",
        }
    }
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HopShown {
    /// The stage that it belongs to.
    pub stage: String,
    /// What kind it is.
    pub kind: HopKind,
    /// The service or worker whose doing it is.
    pub by: String,
    /// What it is called.
    pub title: String,
    /// Where it was looked for.
    pub source: String,
    /// seen, missing, skipped (not seen, and the event came further) or unknown.
    pub state: HopState,
    /// When, by the clock of where it was seen.
    pub at: Option<Timestamp>,
    /// Milliseconds after the first hop, by this machine's clock.
    pub after_ms: Option<i64>,
    /// Milliseconds after the hop before it that tells its time.
    pub step_ms: Option<i64>,
    /// The longest of these ways led here.
    pub slowest: bool,
    /// What was seen, or why not.
    pub say: String,
    /// The record's value, if that was asked for and is JSON; without secrets, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Trace {
    /// Says of each record whose value was asked for and is none to show that it is not JSON.
    pub fn tell_unshown_values(&mut self) {
        let is_bare = |hop: &&mut HopShown| {
            hop.kind == HopKind::Record && hop.state == HopState::Seen && hop.value.is_none()
        };
        for hop in self.hops.iter_mut().filter(is_bare) {
            hop.say.push_str("; its value is not JSON and is not shown");
        }
    }
}

/// Everything that is said of several events. Field order is the JSON's.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Traces {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// When it was looked (UTC).
    pub taken: Option<Timestamp>,
    /// Stopped where one has, else unclear or under way where one is, else arrived.
    pub outcome: Outcome,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// The last line.
    pub headline: String,
    /// Where they stop, the most frequent place first.
    pub stops: Vec<Stop>,
    /// Each event, in the order in which they were asked for.
    pub traces: Vec<Trace>,
}

/// A place where events stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stop {
    /// The service or worker.
    pub component: String,
    /// The last hop that was seen, by its title.
    pub seen: Option<String>,
    /// The hop that is missing.
    pub missing: String,
    /// The likeliest cause, with its confidence in per cent.
    pub cause: Option<(String, u8)>,
    /// The events, in the order in which they were asked for.
    pub ids: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_the_same_word_in_json() {
        for state in [HopState::Seen, HopState::Missing, HopState::Skipped, HopState::Unknown] {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }
}
