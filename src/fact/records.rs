//! Facts about records: the asked event's on the topics of its stages, and dead letters.

use crate::base::observed::Seen;
use crate::fact::{Fact, Value, for_stages, for_workers};
use crate::situation::Situation;
use crate::situation::delivery::{Taken, describe_found, describe_read};

pub(super) fn present(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        let topic = stage.topic_name();
        match s.deliveries.of(stage).record.clone() {
            Seen::Known(Some(found)) => Seen::Known((Value::Bool(true), describe_found(s, topic, found))),
            // What had its effect was there, or was not needed.
            _ if s.has_effect(stage) => Seen::not_asked("its effect is there"),
            absent => absent.and_then(|_| s.here(stage)).and_then(|()| s.old_enough(stage)).map(|()| {
                let say = format!("the event's record is not on {topic} ({})", describe_read(s, topic));
                (Value::Bool(false), say)
            }),
        }
    })
}

pub(super) fn is_taken(s: &Situation) -> Vec<Fact> {
    for_stages(s, |stage| {
        let delivery = s.deliveries.of(stage);
        if s.has_effect(stage) {
            return Seen::not_asked("its effect is there");
        }
        if delivery.given_up == Seen::Known(true) {
            return Seen::not_asked("its worker has given it up");
        }
        delivery.taken.clone().and_then(|(taken, say)| match taken {
            Taken::Passed => Seen::Known((Value::Bool(true), say)),
            Taken::Waiting => s.old_enough(stage).map(|()| (Value::Bool(false), say)),
        })
    })
}

pub(super) fn dead_of_event(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.id().and_then(|_| s.deliveries.dead_letters.clone()).and_then(|_| {
            let mut stages = s.pipeline.stage.iter().filter(|stage| *stage.worker.get_ref() == worker.name);
            if s.deliveries.has_given_up(s, worker) && stages.any(|stage| s.has_effect(stage)) {
                let say = "given up once, and its effect is there since".to_string();
                return Seen::Known((Value::Count(0), say));
            }
            s.deliveries.dead_of(s, worker, true).map(|(count, say)| (Value::Count(count), say))
        })
    })
}

pub(super) fn dead_of_window(s: &Situation) -> Vec<Fact> {
    for_workers(s, |worker| {
        s.deliveries.dead_letters.clone().and_then(|_| match s.deliveries.has_given_up(s, worker) {
            true => Seen::not_asked("the asked event is one of them"),
            // The asked event's own have a fact of their own.
            false => s.deliveries.dead_of(s, worker, false).map(|(count, say)| (Value::Count(count), say)),
        })
    })
}
