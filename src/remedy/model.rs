//! What a remedy is made from, and what waits for it.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::command::Target;
use crate::command::values::Values;
use crate::pipeline::Stage;
use crate::runbook::catalog::{ActionKind, Cause};
use crate::situation::Situation;
use crate::situation::delivery::Taken;

/// What actions are made from.
pub struct Remedy<'a> {
    pub(super) view: &'a Situation<'a>,
    pub(super) target: &'a Target,
    pub(super) cause: &'a Cause,
    /// Whom its checks name: their stages are sent on.
    pub(super) subjects: Vec<Name>,
    /// Whom it is about: they are mended.
    pub(super) whom: Vec<Name>,
}

/// One action as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Planned {
    /// What it does.
    pub kind: ActionKind,
    /// What to know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Commands to paste, in order.
    pub run: Vec<String>,
    /// What the command prints, where it prints a script: two actions of the same
    /// script do the same.
    #[serde(skip)]
    pub script: Option<String>,
}

impl<'a> Remedy<'a> {
    /// A remedy of `cause` for these subjects.
    pub fn new(
        situation: &'a Situation<'a>,
        target: &'a Target,
        cause: &'a Cause,
        subjects: Vec<Name>,
    ) -> Self {
        let whom = cause.whom(situation.pipeline, &subjects);
        Remedy { view: situation, target, cause, subjects, whom }
    }

    /// What placeholders stand for.
    pub(super) fn values(&self) -> Values<'_> {
        Values::new(self.view.pipeline, self.target)
    }

    /// The stages that the remedy is for: those of its subjects (workers or
    /// topics), else all.
    pub(super) fn stages(&self) -> Vec<&'a Stage> {
        let pipeline = self.view.pipeline;
        let named = |stage: &&Stage| {
            let subject = pipeline.stage_subject(stage);
            self.subjects.iter().any(|s| *s == subject || stage.topic().known() == Some(&s))
        };
        let of_subjects: Vec<&Stage> = pipeline.stage.iter().filter(named).collect();
        if of_subjects.is_empty() { pipeline.stage.iter().collect() } else { of_subjects }
    }

    /// Whether the stuck events of a stage wait on its topic: their worker takes
    /// them as soon as it can, and a second record would be a second event.
    pub(super) fn still_waits(&self, stage: &Stage) -> bool {
        match &self.view.deliveries.of(stage).taken {
            Seen::Known((taken, _)) => *taken == Taken::Waiting,
            // Of no event in particular: something waits for the worker.
            _ => self.view.pipeline.worker(stage.worker.get_ref()).is_some_and(|worker| {
                let progress = self.view.progress.of(worker);
                progress.has_untaken() == Seen::Known(true) || progress.lag.is_some_and(|lag| lag > 0)
            }),
        }
    }

    /// The ids that are stuck at a stage: of the window, and the one asked about.
    /// With `marked`: only those that the stage's mark keeps back.
    pub(super) fn stuck_ids(&self, stage: &Stage, marked: bool) -> Vec<String> {
        let newest = self
            .view
            .backlog
            .extent(stage)
            .known()
            .map(|extent| extent.newest.as_slice())
            .unwrap_or_default();
        let mut ids: Vec<String> = newest
            .iter()
            .filter(|stuck| stuck.marked || stuck.kept_back || !marked)
            .map(|stuck| stuck.id.clone())
            .collect();
        let lacking = self.view.effects(stage).known().is_some_and(Vec::is_empty);
        // The emitter's own row keeps nothing back.
        let emitter = stage.emitter.get_ref().as_str();
        let marks = self.view.marks(stage);
        let kept_back = marks
            .known()
            .is_some_and(|marks| marks.iter().any(|mark| mark.source.as_deref() != Some(emitter)));
        if let Some(id) = self.view.asked.id.map(String::from)
            && lacking
            && (kept_back || !marked)
            && self.view.reached(stage)
            && !ids.contains(&id)
        {
            ids.push(id);
        }
        ids
    }
}
