//! Facts about the documented API call: whether it was made, how it was answered, and
//! whether its row exists.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::api_calls::ApiCalls;

/// Builds a fact about the service that answers the call.
fn of_service(s: &Situation, read: impl Fn(&ApiCalls) -> Observed<(Value, String)>) -> Vec<Fact> {
    if s.pipeline.call.is_none() {
        return without_call(s.pipeline.service.iter().map(|service| service.name.clone()));
    }
    s.calls.iter().map(|calls| Fact::of(calls.service, read(calls), |value| value)).collect()
}

/// Builds a fact about the stage whose worker makes the call.
fn of_stage(s: &Situation, read: impl Fn(&ApiCalls) -> Observed<(Value, String)>) -> Vec<Fact> {
    if s.pipeline.call.is_none() {
        return without_call(s.pipeline.stage.iter().map(|stage| s.pipeline.stage_subject(stage)));
    }
    let calls = s.calls.iter();
    calls.map(|calls| Fact::of(s.pipeline.stage_subject(calls.stage), read(calls), |value| value)).collect()
}

/// Builds the fact about subjects in a pipeline that declares no call.
pub(super) fn without_call(subjects: impl Iterator<Item = String>) -> Vec<Fact> {
    let none = || Observed::<(Value, String)>::not_in_pipeline("the pipeline declares no call");
    subjects.map(|subject| Fact::of(subject, none(), |value| value)).collect()
}

pub(super) fn logged(s: &Situation) -> Vec<Fact> {
    of_service(s, |calls| calls.logged.clone().map(|(logged, message)| (logged.into(), message)))
}

pub(super) fn answer(s: &Situation) -> Vec<Fact> {
    of_service(s, |calls| calls.answer.clone().map(|(answer, message)| (answer.into(), message)))
}

pub(super) fn reached(s: &Situation) -> Vec<Fact> {
    of_stage(s, |calls| calls.reached.clone().map(|(reached, message)| (Value::Bool(reached), message)))
}

pub(super) fn answered_without_row(s: &Situation) -> Vec<Fact> {
    of_stage(s, |calls| calls.without_row.clone().map(|(count, message)| (Value::Count(count), message)))
}
