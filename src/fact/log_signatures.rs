//! Facts about errors in logs.

use crate::evidence::Observed;
use crate::fact::{Fact, Value};
use crate::pipeline::Worker;
use crate::runbook::log_kinds::LogKinds;
use crate::runbook::log_signature::Signature;
use crate::situation::Situation;
use crate::situation::log_signatures::OpenError;

/// Reports whether each log is clear of a signature, quoting the newest match.
pub(super) fn clear(s: &Situation, signatures: &LogKinds, signature: &Signature) -> Vec<Fact> {
    let fact = |component| {
        let found = s.open_error(component, signatures, signature);
        log_fact(component, found, |is_open| Value::Bool(!is_open))
    };
    s.logs.components().map(fact).collect()
}

/// Reports whether each log has an error of no known kind about the event, quoting the newest one.
pub(super) fn unrecognised_error(s: &Situation) -> Vec<Fact> {
    let fact = |component| log_fact(component, s.unrecognised_error(component), Value::Bool);
    s.logs.components().map(fact).collect()
}

/// Reports whether the newest reason for which each worker failed on a stuck event has been mended since.
pub(super) fn mended(s: &Situation) -> Vec<Fact> {
    let fact = |worker: &Worker| {
        let found = s.logs.of(&worker.name).map(|_| s.mended_error(&worker.name));
        Fact::of(&worker.name, found, |found| match found {
            Some(quote) => (Value::Bool(true), quote),
            None => (Value::Bool(false), "nothing of that kind".to_string()),
        })
    };
    s.pipeline.worker.iter().map(fact).collect()
}

/// Builds the fact for the error that is open in a log, or for a log without one.
fn log_fact(component: &str, found: Observed<OpenError>, value: impl Fn(bool) -> Value) -> Fact {
    let names_event = matches!(&found, Observed::Known(OpenError::Found { names_event: true, .. }));
    let fact = Fact::of(component, found, |found| match found {
        OpenError::Found { quote, .. } => (value(true), quote),
        OpenError::None(message) => (value(false), message),
    });
    Fact { names_event, ..fact }
}
