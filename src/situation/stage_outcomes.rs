//! The outcome of the requested event at each stage, and the number of stuck events there.

use crate::base::state_enum::state_enum;
use crate::evidence::{Effect, Extent, Mark, Observed};
use crate::pipeline::Stage;
use crate::situation::Situation;
use crate::situation::delivery::Consumption;
use crate::situation::stages::MarkState;

state_enum! {
    /// The progress of the event at a stage.
    pub enum StageProgress {
        NotReached = "not-reached",
        NotSent = "not-sent",
        Waiting = "waiting",
        PassedUnmarked = "passed-unmarked",
        MarkedWithoutEffect = "marked-without-effect",
        Complete = "complete",
    }
}

impl<'a> Situation<'a> {
    /// Returns who has marked the event at a stage, and the marks themselves.
    pub fn judged_marks(&self, stage: &Stage) -> Observed<(MarkState, Vec<&'a Mark>)> {
        let marks = match stage.marked_by.is_empty() {
            _ if self.pipeline.marks.is_none() => Observed::not_in_pipeline("the pipeline declares no marks"),
            true => Observed::not_asked(format!("{} writes no marks", stage.worker.get_ref())),
            false => self.marks(stage),
        };
        let state = marks.map(|marks| (self.mark_state(stage, &marks), marks));
        let open = |state: MarkState| !matches!(state, MarkState::Owner | MarkState::Done);
        self.judged(stage, state, |(state, _)| open(*state))
    }

    /// Reports whether the stage's worker received the event and dropped it: its group has
    /// passed the record, its log names the event, and there is neither an effect nor a dead
    /// letter.
    pub fn dropped(&self, stage: &Stage) -> Observed<(bool, String)> {
        let behind = |other: &&Stage| other.name == stage.name || self.pipeline.comes_after(other, stage);
        // An event that reached a downstream stage was not dropped here.
        if self.pipeline.stage.iter().filter(behind).any(|later| self.has_effect(later)) {
            return Observed::Known((false, "the worker handled it".to_string()));
        }
        let rows = self.arrival(stage).and_then(|()| self.effects(stage)).and_then(|_| self.marks(stage));
        rows.and_then(|_| match self.is_marked_by_owner(stage) {
            Some(true) => Observed::Known((false, "the worker has marked it".to_string())),
            _ => self.received_without_trace(stage),
        })
    }

    /// Reports whether the worker received an event that left neither a mark nor an effect.
    fn received_without_trace(&self, stage: &Stage) -> Observed<(bool, String)> {
        let delivery = self.deliveries.of(stage);
        delivery.consumption.clone().and_then(|(observed_at, message)| match observed_at {
            Consumption::Waiting => Observed::Known((false, message)),
            Consumption::Passed => delivery.given_up.clone().and_then(|given_up| match given_up {
                true => Observed::Known((false, "the worker sent it to the dead letter topic".to_string())),
                false => self.old_enough(stage).and_then(|()| delivery.received.clone()),
            }),
        })
    }

    /// Determines the progress of the event at a stage from offsets, marks and effects.
    pub fn stage_progress(&self, stage: &Stage) -> Observed<(StageProgress, String)> {
        if self.has_effect(stage) {
            return Observed::Known((StageProgress::Complete, format!("row found in {}", stage.effect)));
        }
        match self.arrival(stage) {
            Observed::Known(()) => {}
            Observed::NotAsked(why) => return self.id().map(|_| (StageProgress::NotReached, why.message)),
            Observed::Unknown(why) => return Observed::Unknown(why),
        }
        if self.is_marked_by_owner(stage) == Some(true) {
            let message = format!("marked, but no row in {}", stage.effect);
            return self.judged_effects(stage).map(|_| (StageProgress::MarkedWithoutEffect, message));
        }
        let delivery = self.deliveries.of(stage);
        delivery.record.clone().and_then(|found| match found {
            None => {
                let message = format!("not on {}", stage.topic_name());
                self.old_enough(stage).map(|()| (StageProgress::NotSent, message))
            }
            Some(_) => delivery.consumption.clone().map(|(observed_at, message)| match observed_at {
                Consumption::Waiting => (StageProgress::Waiting, message),
                Consumption::Passed => (StageProgress::PassedUnmarked, message),
            }),
        })
    }

    /// Returns the event's effect rows. An empty result is known only after the grace period.
    pub fn judged_effects(&self, stage: &Stage) -> Observed<Vec<&'a Effect>> {
        self.judged(stage, self.effects(stage), Vec::is_empty)
    }

    /// Counts the events that are marked at a stage but lack its effect, among those in the
    /// window and the requested one.
    pub fn marked_without_effect(&self, stage: &Stage) -> Observed<u64> {
        if self.pipeline.marks.is_none() {
            return Observed::not_in_pipeline("the pipeline declares no marks");
        }
        // A join marks each of its records but writes its row only with the last one.
        let mut joined = self.pipeline.join_stages(stage).into_iter();
        let marks = joined.try_fold(true, |owned, stage| match self.marks(stage) {
            Observed::Known(marks) => Ok(owned && self.mark_state(stage, &marks) == MarkState::Owner),
            unavailable => Err(unavailable.map(|_| true)),
        });
        let marks = match marks {
            Ok(owned) => Observed::Known(owned),
            Err(unavailable) => unavailable,
        };
        let of_id =
            marks.and_then(|owned| self.judged_effects(stage).map(|effects| owned && effects.is_empty()));
        match (self.backlog.extent(stage), of_id) {
            (Observed::Known(extent), Observed::Known(true)) => Observed::Known(extent.stuck_marked.max(1)),
            (_, Observed::Known(true)) => Observed::Known(1),
            (Observed::Known(extent), Observed::Known(false) | Observed::NotAsked(_)) => {
                Observed::Known(extent.stuck_marked)
            }
            (Observed::Known(extent), Observed::Unknown(_)) if extent.stuck_marked > 0 => {
                Observed::Known(extent.stuck_marked)
            }
            (Observed::Known(_), of_id @ Observed::Unknown(_)) => of_id.map(|_| 0),
            (extent, _) => extent.map(|extent| extent.stuck_marked),
        }
    }

    /// Returns the events that are stuck at a stage. The result is unknown if none are
    /// stuck and the database is a lagging replica.
    pub fn stuck_at(&self, stage: &Stage) -> Observed<&'a Extent> {
        self.backlog.extent(stage).and_then(|extent| match extent.stuck {
            0 => self.backlog.caught_up().map(|()| extent),
            _ => self.backlog.replica_lag().map(|_| extent),
        })
    }

    /// Returns the id's marks found by `=` and those found only by `LIKE`. A failed `LIKE`
    /// lookup matters only if `=` found nothing.
    pub fn exact_and_like_marks(&self) -> Observed<(&'a [Mark], &'a [Mark])> {
        let (exact, like) = (self.lookup.marks.clone(), self.lookup.marks_like.clone());
        self.id().and_then(|_| {
            exact.and_then(|exact| match like {
                Observed::Known(like) => Observed::Known((exact, like)),
                _ if !exact.is_empty() => Observed::Known((exact, &[][..])),
                other => other.map(|like| (exact, like)),
            })
        })
    }
}
