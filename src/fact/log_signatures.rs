//! Facts about error signatures in logs.

use crate::fact::{Fact, Value};
use crate::runbook::log_signature::Signature;
use crate::situation::Situation;

/// Reports whether each log is clear of a signature, quoting the newest match.
pub(super) fn clear(s: &Situation, signature: &Signature) -> Vec<Fact> {
    let clear =
        |component| s.is_clear_of(component, signature).map(|(clear, message)| (Value::Bool(clear), message));
    s.logs.components().map(|component| Fact::of(component, clear(component), |value| value)).collect()
}
