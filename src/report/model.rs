//! The report as data: the contract of the JSON document.

use crate::base::counters::Counters;
use crate::base::error::exit;
use crate::base::interruption::Interruption;
use crate::judge::Verdict;
use crate::remedy::PlannedAction;
use crate::runbook::overrides::SwitchedOff;
use crate::runbook::severity::Severity;
use crate::situation::event_progress::EventOutcome;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the JSON contract.
pub const SCHEMA_VERSION: u32 = 2;

/// The outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every requested check was judged and passed.
    Healthy,
    /// A problem was found.
    Problem,
    /// Only warnings were found.
    Warning,
    /// No problem was found, but some checks are unknown.
    Inconclusive,
}

impl Outcome {
    /// Returns the exit code. Warnings fail the run only if `fail_on_warnings` is set.
    pub fn exit_code(self, fail_on_warnings: bool) -> u8 {
        match self {
            Outcome::Problem => exit::PROBLEM,
            Outcome::Inconclusive => exit::INCONCLUSIVE,
            Outcome::Warning if fail_on_warnings => exit::WARNING,
            Outcome::Healthy | Outcome::Warning => exit::HEALTHY,
        }
    }
}

/// A complete report. The fields are in the order of the JSON document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// `pipeline-doctor` and its version.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The requested id, if one was given.
    pub id: Option<String>,
    /// When the evidence was collected (UTC).
    #[serde(rename = "taken")]
    pub observed_at: Timestamp,
    /// The signal that ended the run before all systems had answered; the report is incomplete then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interruption>,
    /// The outcome of the run.
    pub outcome: Outcome,
    /// The exit code of the run.
    pub exit_code: u8,
    /// The verdict, which is the last line of the table.
    pub headline: String,
    /// How far the requested event got, if an id was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventVerdict>,
    /// How many events are stuck.
    pub extent: Extent,
    /// The runbook's steps.
    pub steps: Vec<Step>,
    /// The listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do, in order: the actions of the likeliest explanation, verification last.
    pub actions: Vec<PlannedAction>,
    /// Causes that are ruled out, each with a passed check that rules it out.
    pub ruled_out: Vec<Statement>,
    /// Causes that could not be determined, with the unknown checks that would decide them.
    #[serde(rename = "untellable")]
    pub undetermined: Vec<Statement>,
    /// Failed noisy checks that no listed cause explains.
    pub risks: Vec<Statement>,
    /// Failed checks that no listed cause explains.
    pub unexplained: Vec<Statement>,
    /// The systems and observations that were unavailable.
    #[serde(rename = "unseen")]
    pub unavailable: Vec<Unavailable>,
    /// The unknown check whose result would help most.
    pub next: Option<Next>,
    /// Checks and causes that an override switches off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switched_off: Vec<SwitchedOff>,
    /// Overrides that have expired; their checks and causes are active again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides_ended: Vec<Statement>,
    /// The directory that custom checks and causes were read from, named by `--checks` or found
    /// beside the pipeline file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_checks: Option<String>,
    /// How often a token such as `<secret:1>` stands for a secret in the evidence.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub masked_values: u64,
    /// What the run has asked of each system, and how much came back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cost: BTreeMap<String, Counters>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The conclusions of a report, without the findings behind them. Traces also include these.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusions {
    /// `pipeline-doctor` and its version.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// When the evidence was collected (UTC).
    pub observed_at: Timestamp,
    /// The signal that ended the run before all systems had answered.
    pub interrupted: Option<Interruption>,
    /// The listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do, in order: the actions of the likeliest explanation, verification last.
    pub actions: Vec<PlannedAction>,
    /// The systems and observations that were unavailable.
    pub unavailable: Vec<Unavailable>,
}

/// How far the requested event got. The headline begins with the outcome in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventVerdict {
    /// Whether the event arrived, stopped, is under way, or what was seen does not tell.
    pub outcome: EventOutcome,
    /// When its last effect was written, if it arrived and that is known.
    pub arrived_at: Option<Timestamp>,
    /// The service or worker of the last hop at which it was seen.
    pub last_seen_by: Option<String>,
    /// The service or worker of the first missing or unknown hop, or the worker that gave up on it.
    pub missing_at: Option<String>,
}

/// How many events in the window are stuck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Extent {
    /// The length of the window in seconds.
    pub window_s: u64,
    /// The stuck events of all stages that could be counted; absent if none could.
    pub stuck: Option<u64>,
    /// Whether all stuck events were counted. If not, there may be more.
    pub complete: bool,
    /// The time of the oldest stuck event.
    pub since: Option<Timestamp>,
    /// When the newest effect of any stage was written.
    pub last_good: Option<Timestamp>,
    /// The newest stuck ids, at most [`Extent::MAX_IDS`].
    #[schemars(description = "The newest stuck ids.", length(max = Extent::MAX_IDS))]
    pub newest_ids: Vec<String>,
    /// The stuck events of each stage.
    pub stages: Vec<StageExtent>,
}

impl Extent {
    /// The maximum number of ids listed.
    pub const MAX_IDS: usize = 5;
}

/// The stuck events of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageExtent {
    /// The stage's name.
    pub stage: String,
    /// The events in the window that reached the stage.
    pub events: u64,
    /// The events that lack the stage's effect.
    pub stuck: u64,
    /// Whether the window contains more events than were read.
    pub limited: bool,
}

/// One step of the runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The step's number.
    pub step: u8,
    /// The step's title.
    pub title: String,
    /// The verdict of the step's checks.
    pub verdict: StepVerdict,
    /// The summary lines.
    pub summary: String,
    /// The command for inspecting this step by hand.
    pub by_hand: String,
    /// The findings of the step's checks.
    pub findings: Vec<ReportedFinding>,
}

/// The verdict of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepVerdict {
    /// A check with the severity `error` failed.
    Fail,
    /// A check with the severity `warn` failed.
    Warn,
    /// A check is unknown or blocked.
    Unknown,
    /// No check failed, and at least one passed.
    Pass,
    /// No check applied to this run.
    NotAsked,
}

impl StepVerdict {
    /// Returns the word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            StepVerdict::Fail => "fail",
            StepVerdict::Warn => "warn",
            StepVerdict::Unknown => "unknown",
            StepVerdict::Pass => "pass",
            StepVerdict::NotAsked => "not-asked",
        }
    }
}

/// The verdict of a check, without its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportedVerdict {
    /// The fact meets the expectation.
    Pass,
    /// The fact does not meet the expectation.
    Fail,
    /// The fact is unavailable.
    Unknown,
    /// A pass would prove nothing, because another check did not pass.
    Blocked,
    /// The check does not apply to this run.
    NotAsked,
}

impl ReportedVerdict {
    /// Returns the word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ReportedVerdict::Pass => "pass",
            ReportedVerdict::Fail => "fail",
            ReportedVerdict::Unknown => "unknown",
            ReportedVerdict::Blocked => "blocked",
            ReportedVerdict::NotAsked => "not-asked",
        }
    }
}

impl From<&Verdict> for ReportedVerdict {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => ReportedVerdict::Pass,
            Verdict::Fail => ReportedVerdict::Fail,
            Verdict::Unknown(_) => ReportedVerdict::Unknown,
            Verdict::Blocked(_) => ReportedVerdict::Blocked,
            Verdict::NotAsked(_) => ReportedVerdict::NotAsked,
        }
    }
}

/// The finding of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedFinding {
    /// The check's id.
    pub check: String,
    /// The check's verdict.
    pub verdict: ReportedVerdict,
    /// How serious a failure is.
    pub severity: Severity,
    /// Why the verdict is neither pass nor fail.
    pub why: Option<String>,
    /// The observation in one sentence, or why the check was not judged.
    #[serde(rename = "say")]
    pub message: String,
    /// One instance per subject.
    pub instances: Vec<ReportedInstance>,
}

/// The result of a check for one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedInstance {
    /// The subject's name.
    pub subject: String,
    /// The statement that is true when the pipeline is healthy.
    pub title: String,
    /// The verdict on this subject.
    pub verdict: ReportedVerdict,
    /// The fact's value, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The observation, or why there is none.
    pub observed: String,
    /// The expected value.
    pub expected: String,
    /// The command that checks this by hand.
    pub by_hand: String,
}

/// A listed cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The cause's id.
    pub id: String,
    /// The cause's title, with the affected subjects unless all are affected.
    pub title: String,
    /// The confidence as a percentage: the posterior, capped at the runbook's number.
    pub confidence: u8,
    /// The runbook's name for the cause, if it has one.
    pub documented: Option<String>,
    /// The posterior probability, given the findings; rounded to six digits.
    pub posterior: f64,
    /// Whether the cause is part of the likeliest explanation.
    pub best: bool,
    /// The affected subjects.
    pub subjects: Vec<String>,
    /// The members of a group of causes that cannot be distinguished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Statement>,
    /// Failed checks that support the cause.
    pub because: Vec<Statement>,
    /// Failed notes about the same subjects. They are not faults.
    pub context: Vec<Statement>,
    /// Other failed checks that the cause explains.
    pub also_explains: Vec<Statement>,
    /// The ids in `also_explains`, grouped by step.
    pub also_explains_by_step: String,
    /// Passed checks that the cause should have broken.
    pub weakened_by: Vec<Statement>,
    /// Unknown checks that the cause should have broken.
    pub could_not_check: Vec<Statement>,
    /// The actions, in order.
    pub actions: Vec<PlannedAction>,
}

/// A sentence about a check or a cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// The id of a check or a cause.
    pub id: String,
    /// The sentence.
    #[serde(rename = "say")]
    pub message: String,
}

/// A system or an observation that was unavailable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unavailable {
    /// The system, followed by "in part" if only some observations are missing.
    pub system: String,
    /// Why it was unavailable.
    pub why: String,
    /// The steps that it affects.
    pub steps: Vec<u8>,
    /// Whether waiting is enough because something started or arrived only moments ago.
    #[serde(skip)]
    pub resolves_with_time: bool,
}

/// The check to run by hand next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// The check's id.
    pub check: String,
    /// The command that runs the check by hand.
    pub by_hand: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_match_their_json_words() {
        for verdict in [
            StepVerdict::Fail,
            StepVerdict::Warn,
            StepVerdict::Unknown,
            StepVerdict::Pass,
            StepVerdict::NotAsked,
        ] {
            assert_eq!(serde_json::json!(verdict), verdict.as_str());
        }
        for verdict in [
            ReportedVerdict::Pass,
            ReportedVerdict::Fail,
            ReportedVerdict::Unknown,
            ReportedVerdict::Blocked,
            ReportedVerdict::NotAsked,
        ] {
            assert_eq!(serde_json::json!(verdict), verdict.as_str());
        }
    }
}
