//! The report as data: the contract of the JSON document.

use crate::base::error::exit;
use crate::judge::Verdict;
use crate::remedy::Planned;
use crate::runbook::overrides::SwitchedOff;
use crate::runbook::severity::Severity;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON contract.
pub const SCHEMA_VERSION: u32 = 1;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything asked for was looked at and passed.
    Healthy,
    /// A problem was found.
    Problem,
    /// Only warnings.
    Warning,
    /// Nothing failed, but something could not be looked at.
    Inconclusive,
}

impl Outcome {
    /// The exit code; warnings fail only where that is asked for.
    pub fn exit_code(self, fail_on_warnings: bool) -> u8 {
        match self {
            Outcome::Problem => exit::PROBLEM,
            Outcome::Inconclusive => exit::INCONCLUSIVE,
            Outcome::Warning if fail_on_warnings => exit::WARNING,
            Outcome::Healthy | Outcome::Warning => exit::HEALTHY,
        }
    }
}

/// Everything that a report says. Field order is the JSON's.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// `pipeline-doctor` and the version that looked.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The id that was asked about.
    pub id: Option<String>,
    /// When it was looked (UTC).
    pub taken: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// The last line of the report.
    pub headline: String,
    /// How many events are stuck.
    pub extent: Extent,
    /// The runbook's steps.
    pub steps: Vec<Step>,
    /// The listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do, in order: the actions of the likeliest explanation, the proof last.
    pub actions: Vec<Planned>,
    /// What is ruled out, and by what.
    pub ruled_out: Vec<Told>,
    /// What could not be told, and what would have told it.
    pub untellable: Vec<Told>,
    /// Failed noisy checks that no cause explains.
    pub risks: Vec<Told>,
    /// Failed checks that no cause explains.
    pub unexplained: Vec<Told>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
    /// The unseen check whose answer would tell most.
    pub next: Option<Next>,
    /// Checks that are not judged and causes that are not ranked, because an override
    /// says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switched_off: Vec<SwitchedOff>,
    /// What an override switched off until its last day was over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides_ended: Vec<Told>,
}

/// What a report concludes, without what it was concluded from: a trace repeats it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusions {
    /// `pipeline-doctor` and the version that looked.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// When it was looked (UTC).
    pub taken: Timestamp,
    /// The listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do, in order: the actions of the likeliest explanation, the proof last.
    pub actions: Vec<Planned>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// How many events of the window are stuck.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Extent {
    /// The window in seconds.
    pub window_s: u64,
    /// Stuck events of the stages that could be counted; absent where none could.
    pub stuck: Option<u64>,
    /// Whether all of them were counted; else there may be more.
    pub complete: bool,
    /// Time of the oldest.
    pub since: Option<Timestamp>,
    /// When the newest effect of any stage was written.
    pub last_good: Option<Timestamp>,
    /// The newest stuck ids, at most [`Extent::SHOWN`].
    #[schemars(description = "The newest stuck ids.", length(max = Extent::SHOWN))]
    pub newest_ids: Vec<String>,
    /// The same, stage by stage.
    pub stages: Vec<StageExtent>,
}

impl Extent {
    /// How many ids are shown.
    pub const SHOWN: usize = 5;
}

/// The stuck events of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageExtent {
    /// The stage.
    pub stage: String,
    /// Events of the window that reached it.
    pub events: u64,
    /// Those that lack its effect.
    pub stuck: u64,
    /// Whether more events lie in the window than were looked at.
    pub limited: bool,
}

/// One step of the runbook.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// Its number.
    pub step: u8,
    /// Its title.
    pub title: String,
    /// fail, warn, unknown, pass or not-asked.
    pub verdict: StepVerdict,
    /// Its lines.
    pub summary: String,
    /// The same by hand.
    pub by_hand: String,
    /// Its findings.
    pub findings: Vec<FindingShown>,
}

/// What a step comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepVerdict {
    /// A check failed that means a problem.
    Fail,
    /// A check failed that is worth knowing.
    Warn,
    /// Something could not be looked at.
    Unknown,
    /// Everything passed.
    Pass,
    /// Nobody asked.
    NotAsked,
}

impl StepVerdict {
    /// The word in the JSON report.
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

/// A verdict without its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictShown {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Could not look.
    Unknown,
    /// A pass would be empty, because another check did not pass.
    Blocked,
    /// Nobody asked.
    NotAsked,
}

impl VerdictShown {
    /// The word in the JSON report.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictShown::Pass => "pass",
            VerdictShown::Fail => "fail",
            VerdictShown::Unknown => "unknown",
            VerdictShown::Blocked => "blocked",
            VerdictShown::NotAsked => "not-asked",
        }
    }
}

impl From<&Verdict> for VerdictShown {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => VerdictShown::Pass,
            Verdict::Fail => VerdictShown::Fail,
            Verdict::Unknown(_) => VerdictShown::Unknown,
            Verdict::Blocked(_) => VerdictShown::Blocked,
            Verdict::NotAsked(_) => VerdictShown::NotAsked,
        }
    }
}

/// A judged check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FindingShown {
    /// The check's id.
    pub check: String,
    /// Its verdict.
    pub verdict: VerdictShown,
    /// What a failure means.
    pub severity: Severity,
    /// Why it is neither pass nor fail.
    pub why: Option<String>,
    /// What was observed, in one sentence.
    pub say: String,
    /// Its instances.
    pub instances: Vec<InstanceShown>,
}

/// A check judged about one subject.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InstanceShown {
    /// Whom it is about.
    pub subject: String,
    /// What is true when healthy.
    pub title: String,
    /// Its verdict.
    pub verdict: VerdictShown,
    /// The fact's value, where it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What was observed.
    pub observed: String,
    /// What the fact must be.
    pub expected: String,
    /// The same by hand.
    pub by_hand: String,
}

/// A listed cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cause {
    /// Its id.
    pub id: String,
    /// What it is called, with its subjects where they are not all.
    pub title: String,
    /// In per cent: the lower one of its posterior and the runbook's number.
    pub confidence: u8,
    /// The runbook's name for it, if it has one.
    pub documented: Option<String>,
    /// Its probability, given what was observed; six digits.
    pub posterior: f64,
    /// Whether it is part of the likeliest explanation.
    pub best: bool,
    /// Whom it is about.
    pub subjects: Vec<String>,
    /// Where it stands for causes that cannot be told apart: those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Told>,
    /// What speaks for it.
    pub because: Vec<Told>,
    /// What else is seen of its subjects that is no fault by itself.
    pub context: Vec<Told>,
    /// What it explains besides.
    pub also_explains: Vec<Told>,
    /// The same by step, as the table says it.
    pub also_explains_by_step: String,
    /// What speaks against it.
    pub weakened_by: Vec<Told>,
    /// What it should have broken and could not be seen.
    pub could_not_check: Vec<Told>,
    /// What to do, in order.
    pub actions: Vec<Planned>,
}

/// A check or cause, and a sentence about it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Told {
    /// The id of a check or a cause.
    pub id: String,
    /// The sentence.
    pub say: String,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unseen {
    /// The system, or the check.
    pub system: String,
    /// Why.
    pub why: String,
    /// The steps that it leaves open.
    pub steps: Vec<u8>,
    /// Time alone shows it: what was started just now, what came a moment ago.
    #[serde(skip)]
    pub passes: bool,
}

/// What to look at next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Next {
    /// The check.
    pub check: String,
    /// The same by hand.
    pub by_hand: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_the_same_word_in_json() {
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
            VerdictShown::Pass,
            VerdictShown::Fail,
            VerdictShown::Unknown,
            VerdictShown::Blocked,
            VerdictShown::NotAsked,
        ] {
            assert_eq!(serde_json::json!(verdict), verdict.as_str());
        }
    }
}
