//! Facts about stages: who marked the event, and whether its effect is there.

use crate::base::states::states;
use crate::evidence::{Effect, Extent, Mark, Seen};
use crate::fact::{Fact, Value, for_stages};
use crate::pipeline::Stage;
use crate::situation::Situation;
use crate::situation::delivery::Taken;
use crate::situation::stages::{MarkState, status_of};

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

pub(super) fn mark(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        let marks = match stage.marked_by.is_empty() {
            true => Seen::not_asked(format!("{} marks nothing", stage.worker.get_ref())),
            false => s.marks(stage),
        };
        let state = marks.map(|marks| (s.mark_state(stage, &marks), marks));
        let open = |state: MarkState| !matches!(state, MarkState::Owner | MarkState::Done);
        s.judged(stage, state, |(state, _)| open(*state)).map(|(state, marks)| {
            let say = match marks.last() {
                Some(mark) => format!("{} {}", stage.event, marked(mark)),
                None => format!("{} never", stage.event),
            };
            (state.into(), say)
        })
    })
}

/// The worker received the event and went on without doing anything about it:
/// its group has passed the record, its log names the event, and there is
/// neither an effect nor a dead letter.
pub(super) fn dropped(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| dropped_by(s, stage).map(|(dropped, say)| (Value::Bool(dropped), say)))
}

fn dropped_by(s: &Situation, stage: &Stage) -> Seen<(bool, String)> {
    let behind = |other: &&Stage| other.name == stage.name || s.pipeline.is_behind(other, stage);
    // What came further went on from here, whatever is missing here.
    if s.pipeline.stage.iter().filter(behind).any(|later| s.has_effect(later)) {
        return Seen::Known((false, "it did something about it".to_string()));
    }
    let rows = s.here(stage).and_then(|()| s.effects(stage)).and_then(|_| s.marks(stage));
    rows.and_then(|_| match s.is_marked_by_owner(stage) {
        Some(true) => Seen::Known((false, "it has marked it".to_string())),
        _ => went_past(s, stage),
    })
}

/// Whether the worker has received an event of which neither mark nor effect tells.
fn went_past(s: &Situation, stage: &Stage) -> Seen<(bool, String)> {
    let delivery = s.deliveries.of(stage);
    delivery.taken.clone().and_then(|(taken, say)| match taken {
        Taken::Waiting => Seen::Known((false, say)),
        Taken::Passed => delivery.given_up.clone().and_then(|given_up| match given_up {
            true => Seen::Known((false, "it gave it up".to_string())),
            false => s.old_enough(stage).and_then(|()| delivery.received.clone()),
        }),
    })
}

/// How far the event has come at each stage: offsets, mark and effect together.
pub(super) fn progress(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| progress_at(s, stage).map(|(progress, say)| (progress.into(), say)))
}

fn progress_at(s: &Situation, stage: &Stage) -> Seen<(StageProgress, String)> {
    if s.has_effect(stage) {
        return Seen::Known((StageProgress::Complete, format!("its row is in {}", stage.effect)));
    }
    match s.here(stage) {
        Seen::Known(()) => {}
        Seen::NotAsked(why) => return s.id().map(|_| (StageProgress::NotReached, why.say)),
        Seen::Unknown(why) => return Seen::Unknown(why),
    }
    if s.is_marked_by_owner(stage) == Some(true) {
        let say = format!("marked, and no row in {}", stage.effect);
        return effects(s, stage).map(|_| (StageProgress::MarkedWithoutEffect, say));
    }
    let delivery = s.deliveries.of(stage);
    delivery.record.clone().and_then(|found| match found {
        None => {
            let say = format!("not on {}", stage.topic_name());
            s.old_enough(stage).map(|()| (StageProgress::NotSent, say))
        }
        Some(_) => delivery.taken.clone().map(|(taken, say)| match taken {
            Taken::Waiting => (StageProgress::Waiting, say),
            Taken::Passed => (StageProgress::PassedUnmarked, say),
        }),
    })
}

fn marked(mark: &Mark) -> String {
    let at = mark.processed_at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
    format!("{at}by {}", mark.source.as_deref().unwrap_or("nobody named"))
}

fn effects<'a>(s: &Situation<'a>, stage: &Stage) -> Seen<Vec<&'a Effect>> {
    s.judged(stage, s.effects(stage), Vec::is_empty)
}

pub(super) fn effect(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        effects(s, stage).map(|effects| {
            let say = match effects.last() {
                Some(effect) => {
                    let status = effect.status.as_deref().map(|s| format!(" {s}")).unwrap_or_default();
                    format!("{}{status} {}", stage.effect, effect.at.strftime("%H:%M:%S"))
                }
                None => format!("no row in {}", stage.effect),
            };
            (Value::Count(effects.len() as u64), say)
        })
    })
}

pub(super) fn effect_status(s: &Situation) -> Vec<Fact> {
    let look = |stage: &Stage| {
        effects(s, stage).and_then(|effects| match effects.last() {
            Some(effect) => Seen::Known(*effect),
            None => Seen::not_asked(format!("no row in {}", stage.effect)),
        })
    };
    for_stages(s, |stage| {
        look(stage).map(|effect| {
            let status = effect.status.as_deref().unwrap_or_default();
            (status_of(stage, status).into(), format!("{} is {status}", stage.effect))
        })
    })
}

pub(super) fn marked_without_effect(s: &Situation) -> Vec<Fact> {
    let look = |stage: &Stage| {
        // A join marks each of its records, and writes its row with the last.
        let mut joined = s.pipeline.joined(stage).into_iter();
        let marks = joined.try_fold(true, |owned, stage| match s.marks(stage) {
            Seen::Known(marks) => Ok(owned && s.mark_state(stage, &marks) == MarkState::Owner),
            unseen => Err(unseen.map(|_| true)),
        });
        let marks = match marks {
            Ok(owned) => Seen::Known(owned),
            Err(unseen) => unseen,
        };
        let of_id = marks.and_then(|owned| effects(s, stage).map(|effects| owned && effects.is_empty()));
        match (s.backlog.extent(stage), of_id) {
            (Seen::Known(extent), Seen::Known(true)) => Seen::Known(extent.stuck_marked.max(1)),
            (_, Seen::Known(true)) => Seen::Known(1),
            (Seen::Known(extent), Seen::Known(false) | Seen::NotAsked(_)) => Seen::Known(extent.stuck_marked),
            (Seen::Known(extent), Seen::Unknown(_)) if extent.stuck_marked > 0 => {
                Seen::Known(extent.stuck_marked)
            }
            (Seen::Known(_), of_id @ Seen::Unknown(_)) => of_id.map(|_| 0),
            (extent, _) => extent.map(|extent| extent.stuck_marked),
        }
    };
    for_stages(s, |stage| {
        let say = |count| format!("{count} marked without a row in {}", stage.effect);
        look(stage).map(|count| (Value::Count(count), say(count)))
    })
}

pub(super) fn stuck(s: &Situation) -> Vec<Fact> {
    // What a replica shows of the window is as old as what it has last replayed.
    let look = |stage: &Stage| {
        s.backlog.extent(stage).and_then(|extent| match extent.stuck {
            0 => s.backlog.caught_up().map(|()| extent),
            _ => s.backlog.behind().map(|_| extent),
        })
    };
    for_stages(s, |stage| {
        look(stage).map(|extent| (Value::Count(extent.stuck), stuck_in_words(s, stage, extent)))
    })
}

fn stuck_in_words(s: &Situation, stage: &Stage, extent: &Extent) -> String {
    let least = if extent.limited { "at least " } else { "" };
    let since = extent.since.map(|at| format!(" since {}", at.strftime("%H:%M"))).unwrap_or_default();
    let events = s.pipeline.count(extent.events);
    format!("{least}{} of {events} without a row in {}{since}", extent.stuck, stage.effect)
}
