//! Facts about stages: who marked the event, and whether its effect exists.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value, for_stages};
use crate::pipeline::Stage;
use crate::situation::Situation;
use crate::situation::stages::status_of;

pub(super) fn mark(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        s.judged_marks(stage).map(|(state, marks)| {
            let message = match marks.last() {
                Some(mark) => format!("{} {}", stage.event, mark.describe()),
                None => format!("{} never marked", stage.event),
            };
            (state.into(), message)
        })
    })
}

pub(super) fn dropped(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| s.dropped(stage).map(|(dropped, message)| (Value::Bool(dropped), message)))
}

pub(super) fn progress(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| s.stage_progress(stage).map(|(progress, message)| (progress.into(), message)))
}

pub(super) fn effect(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        s.judged_effects(stage).map(|effects| {
            let message = match effects.last() {
                Some(effect) => {
                    let status = effect.status.as_deref().map(|s| format!(" {s}")).unwrap_or_default();
                    format!("{}{status} {}", stage.effect, effect.at.strftime("%H:%M:%S"))
                }
                None => format!("no row in {}", stage.effect),
            };
            (Value::Count(effects.len() as u64), message)
        })
    })
}

pub(super) fn effect_status(s: &Situation) -> Vec<Fact> {
    let newest = |stage: &Stage| {
        s.judged_effects(stage).and_then(|effects| match effects.last() {
            Some(effect) => Observed::Known(*effect),
            None => Observed::not_asked(format!("no row in {}", stage.effect)),
        })
    };
    for_stages(s, |stage| {
        newest(stage).map(|effect| {
            let status = effect.status.as_deref().unwrap_or_default();
            (status_of(stage, status).into(), format!("{} is {status}", stage.effect))
        })
    })
}

pub(super) fn marked_without_effect(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        let message = |count| format!("{count} marked without a row in {}", stage.effect);
        s.marked_without_effect(stage).map(|count| (Value::Count(count), message(count)))
    })
}

pub(super) fn stuck(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        s.stuck_at(stage).map(|extent| {
            let least = if extent.limited { "at least " } else { "" };
            let since = extent.since.map(|at| format!(" since {}", at.strftime("%H:%M"))).unwrap_or_default();
            let (stuck, events) = (extent.stuck, s.pipeline.count(extent.events));
            let message = format!("{least}{stuck} of {events} without a row in {}{since}", stage.effect);
            (Value::Count(stuck), message)
        })
    })
}
