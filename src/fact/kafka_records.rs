//! Facts about Kafka records: the requested event's records on its stages' topics, and dead
//! letters.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value, for_stages, for_workers};
use crate::pipeline::Stage;
use crate::situation::Situation;
use crate::situation::delivery::{Consumption, describe_found, describe_read};

pub(super) fn present(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        let topic = stage.topic_name();
        match s.deliveries.of(stage).record.clone() {
            Observed::Known(Some(found)) => {
                Observed::Known((Value::Bool(true), describe_found(s, topic, found)))
            }
            // If the stage's effect exists, the record existed or was not needed.
            _ if s.has_effect(stage) => Observed::not_asked("its effect exists"),
            absent => absent
                .and_then(|_| s.recorded())
                .and_then(|()| s.arrival(stage))
                .and_then(|()| s.old_enough(stage))
                .and_then(|()| emitter_has_finished(s, stage))
                .map(|()| {
                    let message =
                        format!("the event's record is not on {topic} ({})", describe_read(s, topic));
                    (Value::Bool(false), message)
                }),
        }
    })
}

/// Returns `Known` unless the stage's emitter is a worker that has not marked the event as processed yet: it has
/// not come as far as sending the next record.
fn emitter_has_finished(s: &Situation, stage: &Stage) -> Observed<()> {
    let emitter = stage.emitter.get_ref();
    let unfinished = s.pipeline.stages_of(emitter).find(|own| s.is_marked_by_owner(own) == Some(false));
    match unfinished {
        Some(own) => Observed::not_asked(format!("{emitter} has not marked {} yet", own.event)),
        None => Observed::Known(()),
    }
}

pub(super) fn consumed(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        let delivery = s.deliveries.of(stage);
        if s.has_effect(stage) {
            return Observed::not_asked("its effect exists");
        }
        if delivery.given_up == Observed::Known(true) {
            return Observed::not_asked("its worker sent it to the dead letter topic");
        }
        delivery.consumption.clone().and_then(|(consumption, message)| match consumption {
            Consumption::Passed => Observed::Known((Value::Bool(true), message)),
            Consumption::Waiting => s.old_enough(stage).map(|()| (Value::Bool(false), message)),
        })
    })
}

/// Reports whether the dead letter topic exists on its broker.
pub(super) fn dead_letter_topic_exists(s: &Situation) -> Vec<Fact> {
    let Some(declared) = &s.pipeline.dead_letters else { return Vec::new() };
    let broker = s.pipeline.broker(s.pipeline.broker_of_topic(&declared.topic));
    let fact = s.deliveries.dead_letter_topic_exists.clone().map(|exists| {
        let message = match exists {
            true => format!("{} exists", declared.topic),
            false => format!("{} does not exist: records that a worker gives up on are lost", declared.topic),
        };
        (Value::Bool(exists), message)
    });
    broker.into_iter().map(|broker| Fact::of(broker.service.get_ref(), fact.clone(), |value| value)).collect()
}

pub(super) fn dead_of_event(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.id().and_then(|_| s.deliveries.dead_letters.clone()).and_then(|_| {
            let mut stages = s.pipeline.stages_of(&worker.name);
            if s.deliveries.has_given_up(s, worker) && stages.any(|stage| s.has_effect(stage)) {
                let message = "dead-lettered once, but its effect exists now".to_string();
                return Observed::Known((Value::Count(0), message));
            }
            s.deliveries
                .dead_letters_of(s, worker, true)
                .map(|(count, message)| (Value::Count(count), message))
        })
    })
}

pub(super) fn dead_of_window(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.deliveries.dead_letters.clone().and_then(|_| match s.deliveries.has_given_up(s, worker) {
            true => Observed::not_asked("the requested event is one of them"),
            // `dead.of_event` covers the dead letters of the requested event.
            false => s
                .deliveries
                .dead_letters_of(s, worker, false)
                .map(|(count, message)| (Value::Count(count), message)),
        })
    })
}
