//! Facts about stages: who marked the event, and whether its effect is there.

use crate::evidence::{Effect, Extent, Mark, Seen};
use crate::fact::records::{self, Taken};
use crate::fact::view::{CLOCKS, View};
use crate::fact::{Fact, Value, for_stages};
use crate::pipeline::Stage;

/// What the stage did with the id, once it is old enough to be judged. What is
/// there already is judged at any age.
fn judged<'a, T>(view: &View<'a>, stage: &Stage, seen: Seen<T>, missing: impl Fn(&T) -> bool) -> Seen<T> {
    seen.and_then(|value| match missing(&value) {
        true => view.old_enough(stage).map(|()| value),
        false => Seen::Known(value),
    })
}

pub(super) fn mark(view: &View) -> Vec<Fact> {
    let look = |stage: &Stage| {
        let marks = match stage.marked_by.is_empty() {
            true => Seen::not_asked(format!("{} marks nothing", stage.worker.get_ref())),
            false => view.marks(stage),
        };
        let word = marks.map(|marks| {
            let word = mark_word(view, stage, &marks);
            (word, marks)
        });
        judged(view, stage, word, |(word, _)| !matches!(*word, "owner" | "done"))
    };
    for_stages(view, |stage| {
        look(stage).map(|(word, marks)| {
            let say = match marks.last() {
                Some(mark) => format!("{} {}", stage.event, marked(mark)),
                None => format!("{} never", stage.event),
            };
            (Value::Word(word), say)
        })
    })
}

fn mark_word(view: &View, stage: &Stage, marks: &[&Mark]) -> &'static str {
    let source_is = |mark: &Mark, name: &str| mark.source.as_deref() == Some(name);
    let owned = |mark: &&&Mark| stage.marked_by.iter().any(|owner| source_is(mark, owner));
    let has_effect = view.has_effect(stage);
    match marks.iter().find(owned).or(marks.last()) {
        None if has_effect => "done",
        None => "absent",
        Some(mark) if !is_fresh(view, mark) => "stale",
        Some(mark) if owned(&mark) => "owner",
        Some(_) if has_effect => "done",
        Some(mark) if source_is(mark, stage.emitter.get_ref()) => "emitter",
        Some(mark) if view.pipeline.parts().any(|(part, _)| source_is(mark, part)) => "other",
        Some(_) => "foreign",
    }
}

/// The worker received the event and went on without doing anything about it:
/// its group has passed the record, its log names the event, and there is
/// neither an effect nor a dead letter.
pub(super) fn dropped(view: &View) -> Vec<Fact> {
    for_stages(view, |stage| dropped_by(view, stage))
}

fn dropped_by(view: &View, stage: &Stage) -> Seen<(Value, String)> {
    let behind = |other: &&Stage| other.name == stage.name || view.pipeline.is_behind(other, stage);
    // What came further went on from here, whatever is missing here.
    if view.pipeline.stage.iter().filter(behind).any(|later| view.has_effect(later)) {
        return Seen::Known((Value::Bool(false), "it did something about it".to_string()));
    }
    let rows = view.here(stage).and_then(|()| view.effects(stage)).and_then(|_| view.marks(stage));
    rows.and_then(|marks| match marks.iter().any(|mark| is_owners(stage, mark)) {
        true => Seen::Known((Value::Bool(false), "it has marked it".to_string())),
        false => went_past(view, stage),
    })
}

/// Whether a mark is not older than the event.
pub(super) fn is_fresh(view: &View, mark: &Mark) -> bool {
    match (mark.processed_at, view.event_at()) {
        (Some(processed), Some(event)) => {
            processed.saturating_add(CLOCKS).is_ok_and(|processed| processed >= event)
        }
        _ => true,
    }
}

/// Whether a stage's own worker has made the mark.
pub(super) fn is_owners(stage: &Stage, mark: &Mark) -> bool {
    mark.source.as_ref().is_some_and(|source| stage.marked_by.contains(source))
}

/// Whether the worker has received an event of which neither mark nor effect tells.
fn went_past(view: &View, stage: &Stage) -> Seen<(Value, String)> {
    let worker = stage.worker.get_ref();
    records::taken(view, stage).and_then(|(taken, say)| match taken {
        Taken::Waiting => Seen::Known((Value::Bool(false), say)),
        Taken::Passed => records::is_dead_letter(view, worker).and_then(|given_up| {
            if given_up {
                return Seen::Known((Value::Bool(false), "it gave it up".to_string()));
            }
            view.old_enough(stage).and_then(|()| received_and_left(view, worker))
        }),
    })
}

/// Whether the log of a worker names the event, and what it says of it last.
fn received_and_left(view: &View, worker: &str) -> Seen<(Value, String)> {
    let log = view.id().and_then(|id| view.log(worker).map(|log| (id, log)));
    log.and_then(|(id, log)| match log.records.iter().rev().find(|record| record.names(id)) {
        Some(record) => {
            let last = crate::fact::logs::message(&record.text);
            let say = format!("received and passed by; last {}: {last}", record.at.strftime("%H:%M:%S"));
            Seen::Known((Value::Bool(true), say))
        }
        None => Seen::from(view.covers_event(worker, log))
            .map(|()| (Value::Bool(false), format!("the log of {worker} does not name the event"))),
    })
}

/// How far the event has come at each stage: offsets, mark and effect together.
pub(super) fn progress(view: &View) -> Vec<Fact> {
    for_stages(view, |stage| progress_at(view, stage).map(|(word, say)| (Value::Word(word), say)))
}

fn progress_at(view: &View, stage: &Stage) -> Seen<(&'static str, String)> {
    if view.has_effect(stage) {
        return Seen::Known(("complete", format!("its row is in {}", stage.effect)));
    }
    match view.here(stage) {
        Seen::Known(()) => {}
        Seen::NotAsked(why) => return view.id().map(|_| ("not-reached", why.say)),
        Seen::Unknown(why) => return Seen::Unknown(why),
    }
    if view.marks(stage).known().is_some_and(|marks| marks.iter().any(|mark| is_owners(stage, mark))) {
        return effects(view, stage)
            .map(|_| ("marked-without-effect", format!("marked, and no row in {}", stage.effect)));
    }
    let found = records::record_of(view, stage);
    found.and_then(|found| match found {
        None => view.old_enough(stage).map(|()| ("not-sent", format!("not on {}", stage.topic_name()))),
        Some(_) => records::taken(view, stage).map(|(taken, say)| match taken {
            Taken::Waiting => ("waiting", say),
            Taken::Passed => ("passed-unmarked", say),
        }),
    })
}

fn marked(mark: &Mark) -> String {
    let at = mark.processed_at.map(|at| format!("{} ", at.strftime("%H:%M:%S"))).unwrap_or_default();
    format!("{at}by {}", mark.source.as_deref().unwrap_or("nobody named"))
}

fn effects<'a>(view: &View<'a>, stage: &Stage) -> Seen<Vec<&'a Effect>> {
    judged(view, stage, view.effects(stage), Vec::is_empty)
}

pub(super) fn effect(view: &View) -> Vec<Fact> {
    for_stages(view, |stage| {
        effects(view, stage).map(|effects| {
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

pub(super) fn effect_status(view: &View) -> Vec<Fact> {
    let look = |stage: &Stage| {
        effects(view, stage).and_then(|effects| match effects.last() {
            Some(effect) => Seen::Known(*effect),
            None => Seen::not_asked(format!("no row in {}", stage.effect)),
        })
    };
    for_stages(view, |stage| {
        look(stage).map(|effect| {
            let status = effect.status.as_deref().unwrap_or_default();
            let word = match () {
                () if stage.waiting_status.iter().any(|waiting| waiting == status) => "waiting",
                () if stage.good_status.is_empty() => "good",
                () if stage.good_status.iter().any(|good| good == status) => "good",
                () => "bad",
            };
            (Value::Word(word), format!("{} is {status}", stage.effect))
        })
    })
}

pub(super) fn marked_without_effect(view: &View) -> Vec<Fact> {
    let look = |stage: &Stage| {
        // A join marks each of its records, and writes its row with the last.
        let mut joined = view.pipeline.joined(stage).into_iter();
        let marks = joined.try_fold(true, |owned, stage| match view.marks(stage) {
            Seen::Known(marks) => Ok(owned && mark_word(view, stage, &marks) == "owner"),
            unseen => Err(unseen.map(|_| true)),
        });
        let marks = match marks {
            Ok(owned) => Seen::Known(owned),
            Err(unseen) => unseen,
        };
        let of_id = marks.and_then(|owned| effects(view, stage).map(|effects| owned && effects.is_empty()));
        match (view.extent(stage), of_id) {
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
    for_stages(view, |stage| {
        let say = |count| format!("{count} marked without a row in {}", stage.effect);
        look(stage).map(|count| (Value::Count(count), say(count)))
    })
}

pub(super) fn stuck(view: &View) -> Vec<Fact> {
    // What a replica shows of the window is as old as what it has last replayed.
    let look = |stage: &Stage| {
        view.extent(stage).and_then(|extent| match extent.stuck {
            0 => view.caught_up().map(|()| extent),
            _ => view.lag_is_known().map(|()| extent),
        })
    };
    for_stages(view, |stage| {
        look(stage).map(|extent| (Value::Count(extent.stuck), stuck_in_words(view, stage, extent)))
    })
}

fn stuck_in_words(view: &View, stage: &Stage, extent: &Extent) -> String {
    let least = if extent.limited { "at least " } else { "" };
    let since = extent.since.map(|at| format!(" since {}", at.strftime("%H:%M"))).unwrap_or_default();
    let events = view.pipeline.count(extent.events);
    format!("{least}{} of {events} without a row in {}{since}", extent.stuck, stage.effect)
}
