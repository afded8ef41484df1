//! Facts about the documented API call: asked, answered, and what came of it.

use crate::base::observed::Seen;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::calls::Calls;

/// A fact about the service that answers the call.
fn of_service(s: &Situation, tell: impl Fn(&Calls) -> Seen<(Value, String)>) -> Vec<Fact> {
    s.calls.iter().map(|calls| Fact::of(calls.service, tell(calls), |told| told)).collect()
}

/// A fact about the stage whose worker makes the call.
fn of_stage(s: &Situation, tell: impl Fn(&Calls) -> Seen<(Value, String)>) -> Vec<Fact> {
    let calls = s.calls.iter();
    calls.map(|calls| Fact::of(s.pipeline.stage_subject(calls.stage), tell(calls), |told| told)).collect()
}

pub(super) fn logged(s: &Situation) -> Vec<Fact> {
    of_service(s, |calls| calls.logged.clone().map(|(logged, say)| (logged.into(), say)))
}

pub(super) fn answer(s: &Situation) -> Vec<Fact> {
    of_service(s, |calls| calls.answer.clone().map(|(answer, say)| (answer.into(), say)))
}

pub(super) fn reached(s: &Situation) -> Vec<Fact> {
    of_stage(s, |calls| calls.reached.clone().map(|(reached, say)| (Value::Bool(reached), say)))
}

pub(super) fn answered_without_row(s: &Situation) -> Vec<Fact> {
    of_stage(s, |calls| calls.without_row.clone().map(|(count, say)| (Value::Count(count), say)))
}
