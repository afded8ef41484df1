//! The inputs to a remedy, and the stages and stuck events that it covers.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::pipeline::Stage;
use crate::printed_command::Target;
use crate::printed_command::placeholder_values::PlaceholderValues;
use crate::runbook::catalog::{ActionKind, Cause};
use crate::situation::Situation;
use crate::situation::delivery::Consumption;

/// The inputs from which the actions for a cause are planned.
pub struct Remedy<'a> {
    pub(super) situation: &'a Situation<'a>,
    pub(super) target: &'a Target,
    pub(super) cause: &'a Cause,
    /// The subjects of the cause's failed checks. Events stuck at their stages are re-driven.
    pub(super) subjects: Vec<Name>,
    /// The components to fix.
    pub(super) targets: Vec<Name>,
}

/// One action of a plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PlannedAction {
    /// The kind of action.
    pub kind: ActionKind,
    /// The instruction, or a note on the commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "say")]
    pub message: Option<String>,
    /// The commands to run, in order.
    pub run: Vec<String>,
    /// The script that the command prints; `None` if it prints none. Two actions with the same
    /// script have the same effect.
    #[serde(skip)]
    pub script: Option<String>,
}

impl<'a> Remedy<'a> {
    /// Creates a remedy for `cause` and these subjects.
    pub fn new(
        situation: &'a Situation<'a>,
        target: &'a Target,
        cause: &'a Cause,
        subjects: Vec<Name>,
    ) -> Self {
        let targets = cause.targets(situation.pipeline, &subjects);
        Remedy { situation, target, cause, subjects, targets }
    }

    /// Returns the values of placeholders.
    pub(super) fn values(&self) -> PlaceholderValues<'_> {
        PlaceholderValues::new(self.situation.pipeline, self.target)
    }

    /// Returns the stages of the subjects (workers or topics), or all stages if the subjects have none.
    pub(super) fn stages(&self) -> Vec<&'a Stage> {
        let pipeline = self.situation.pipeline;
        let matches_subject = |stage: &&Stage| {
            let subject = pipeline.stage_subject(stage);
            self.subjects.iter().any(|s| *s == subject || stage.topic().known() == Some(&s))
        };
        let of_subjects: Vec<&Stage> = pipeline.stage.iter().filter(matches_subject).collect();
        if of_subjects.is_empty() { pipeline.stage.iter().collect() } else { of_subjects }
    }

    /// Reports whether the stuck events of a stage are still waiting on its topic. If so, their
    /// worker will consume them, and a resent record would be a duplicate.
    pub(super) fn still_waits(&self, stage: &Stage) -> bool {
        match &self.situation.deliveries.of(stage).consumption {
            Observed::Known((consumption, _)) => *consumption == Consumption::Waiting,
            // Without an id, anything unconsumed counts as waiting.
            _ => self.situation.pipeline.worker(stage.worker.get_ref()).is_some_and(|worker| {
                let progress = self.situation.progress.of(worker);
                progress.has_unconsumed_records() == Observed::Known(true)
                    || progress.lag.is_some_and(|lag| lag > 0)
            }),
        }
    }

    /// Returns the ids that are stuck at a stage, including the requested id. If `marked` is set,
    /// returns only those that a mark prevents from being retried.
    pub(super) fn stuck_ids(&self, stage: &Stage, marked: bool) -> Vec<String> {
        let newest_stuck = self
            .situation
            .backlog
            .extent(stage)
            .known()
            .map(|extent| extent.newest.as_slice())
            .unwrap_or_default();
        let is_id = |id: &str| self.situation.pipeline.is_stored_id(id);
        let mut ids: Vec<String> = newest_stuck
            .iter()
            .filter(|stuck| stuck.marked || stuck.kept_back || !marked)
            .filter(|stuck| is_id(&stuck.id))
            .map(|stuck| stuck.id.clone())
            .collect();
        let lacks_effect = self.situation.effects(stage).known().is_some_and(Vec::is_empty);
        // The emitter's own row does not prevent a retry.
        let emitter = stage.emitter.get_ref().as_str();
        let marks = self.situation.marks(stage);
        let kept_back = marks
            .known()
            .is_some_and(|marks| marks.iter().any(|mark| mark.source.as_deref() != Some(emitter)));
        if let Some(id) = self.situation.lookup.id.map(String::from)
            && lacks_effect
            && (kept_back || !marked)
            && self.situation.has_reached(stage)
            && !ids.contains(&id)
            && is_id(&id)
        {
            ids.push(id);
        }
        ids
    }
}
