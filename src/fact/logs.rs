//! Facts about what logs say.

use crate::fact::{Fact, Value};
use crate::runbook::signature::Signature;
use crate::situation::Situation;

/// Whether each log is clear of a signature; the newest record of it is quoted.
pub(super) fn clear(s: &Situation, signature: &Signature) -> Vec<Fact> {
    let clear = |part| s.clear_of(part, signature).map(|(clear, say)| (Value::Bool(clear), say));
    s.logs.parts().map(|part| Fact::of(part, clear(part), |told| told)).collect()
}
