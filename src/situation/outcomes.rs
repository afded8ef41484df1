//! What has become of the asked event at each stage, and of the events beside it.

use crate::base::states::states;
use crate::evidence::{Effect, Extent, Mark, Seen};
use crate::pipeline::Stage;
use crate::situation::Situation;
use crate::situation::delivery::Taken;
use crate::situation::stages::MarkState;

states! {
    /// How far the event has come at a stage.
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
    /// Who has marked the event at a stage, and the marks themselves.
    pub fn judged_marks(&self, stage: &Stage) -> Seen<(MarkState, Vec<&'a Mark>)> {
        let marks = match stage.marked_by.is_empty() {
            true => Seen::not_asked(format!("{} marks nothing", stage.worker.get_ref())),
            false => self.marks(stage),
        };
        let state = marks.map(|marks| (self.mark_state(stage, &marks), marks));
        let open = |state: MarkState| !matches!(state, MarkState::Owner | MarkState::Done);
        self.judged(stage, state, |(state, _)| open(*state))
    }

    /// Whether its worker received the event and went on without doing anything about it:
    /// its group has passed the record, its log names the event, and there is neither an
    /// effect nor a dead letter.
    pub fn dropped(&self, stage: &Stage) -> Seen<(bool, String)> {
        let behind = |other: &&Stage| other.name == stage.name || self.pipeline.is_behind(other, stage);
        // What came further went on from here, whatever is missing here.
        if self.pipeline.stage.iter().filter(behind).any(|later| self.has_effect(later)) {
            return Seen::Known((false, "it did something about it".to_string()));
        }
        let rows = self.here(stage).and_then(|()| self.effects(stage)).and_then(|_| self.marks(stage));
        rows.and_then(|_| match self.is_marked_by_owner(stage) {
            Some(true) => Seen::Known((false, "it has marked it".to_string())),
            _ => self.went_past(stage),
        })
    }

    /// Whether the worker has received an event of which neither mark nor effect tells.
    fn went_past(&self, stage: &Stage) -> Seen<(bool, String)> {
        let delivery = self.deliveries.of(stage);
        delivery.taken.clone().and_then(|(taken, say)| match taken {
            Taken::Waiting => Seen::Known((false, say)),
            Taken::Passed => delivery.given_up.clone().and_then(|given_up| match given_up {
                true => Seen::Known((false, "it gave it up".to_string())),
                false => self.old_enough(stage).and_then(|()| delivery.received.clone()),
            }),
        })
    }

    /// How far the event has come at a stage: offsets, mark and effect together.
    pub fn stage_progress(&self, stage: &Stage) -> Seen<(StageProgress, String)> {
        if self.has_effect(stage) {
            return Seen::Known((StageProgress::Complete, format!("its row is in {}", stage.effect)));
        }
        match self.here(stage) {
            Seen::Known(()) => {}
            Seen::NotAsked(why) => return self.id().map(|_| (StageProgress::NotReached, why.say)),
            Seen::Unknown(why) => return Seen::Unknown(why),
        }
        if self.is_marked_by_owner(stage) == Some(true) {
            let say = format!("marked, and no row in {}", stage.effect);
            return self.judged_effects(stage).map(|_| (StageProgress::MarkedWithoutEffect, say));
        }
        let delivery = self.deliveries.of(stage);
        delivery.record.clone().and_then(|found| match found {
            None => {
                let say = format!("not on {}", stage.topic_name());
                self.old_enough(stage).map(|()| (StageProgress::NotSent, say))
            }
            Some(_) => delivery.taken.clone().map(|(taken, say)| match taken {
                Taken::Waiting => (StageProgress::Waiting, say),
                Taken::Passed => (StageProgress::PassedUnmarked, say),
            }),
        })
    }

    /// The effect rows of the event that are not older than it, where it is old enough to
    /// have some.
    pub fn judged_effects(&self, stage: &Stage) -> Seen<Vec<&'a Effect>> {
        self.judged(stage, self.effects(stage), Vec::is_empty)
    }

    /// How many events of a stage are marked and lack its effect: of the window, and the
    /// asked one.
    pub fn marked_without_effect(&self, stage: &Stage) -> Seen<u64> {
        // A join marks each of its records, and writes its row with the last.
        let mut joined = self.pipeline.joined(stage).into_iter();
        let marks = joined.try_fold(true, |owned, stage| match self.marks(stage) {
            Seen::Known(marks) => Ok(owned && self.mark_state(stage, &marks) == MarkState::Owner),
            unseen => Err(unseen.map(|_| true)),
        });
        let marks = match marks {
            Ok(owned) => Seen::Known(owned),
            Err(unseen) => unseen,
        };
        let of_id =
            marks.and_then(|owned| self.judged_effects(stage).map(|effects| owned && effects.is_empty()));
        match (self.backlog.extent(stage), of_id) {
            (Seen::Known(extent), Seen::Known(true)) => Seen::Known(extent.stuck_marked.max(1)),
            (_, Seen::Known(true)) => Seen::Known(1),
            (Seen::Known(extent), Seen::Known(false) | Seen::NotAsked(_)) => Seen::Known(extent.stuck_marked),
            (Seen::Known(extent), Seen::Unknown(_)) if extent.stuck_marked > 0 => {
                Seen::Known(extent.stuck_marked)
            }
            (Seen::Known(_), of_id @ Seen::Unknown(_)) => of_id.map(|_| 0),
            (extent, _) => extent.map(|extent| extent.stuck_marked),
        }
    }

    /// How many events are stuck at a stage. What a replica shows of the window is as old
    /// as what it has last replayed.
    pub fn stuck_at(&self, stage: &Stage) -> Seen<&'a Extent> {
        self.backlog.extent(stage).and_then(|extent| match extent.stuck {
            0 => self.backlog.caught_up().map(|()| extent),
            _ => self.backlog.behind().map(|_| extent),
        })
    }

    /// The id's rows, found by `=` and by `LIKE` alone. Where `LIKE` could not be
    /// looked at, it matters only if `=` found nothing.
    pub fn asked_marks(&self) -> Seen<(&'a [Mark], &'a [Mark])> {
        let (exact, like) = (self.asked.marks.clone(), self.asked.marks_like.clone());
        self.id().and_then(|_| {
            exact.and_then(|exact| match like {
                Seen::Known(like) => Seen::Known((exact, like)),
                _ if !exact.is_empty() => Seen::Known((exact, &[][..])),
                other => other.map(|like| (exact, like)),
            })
        })
    }
}
