//! Facts about the diagnostic lines of the runbook: what a healthy way leaves in the logs.

use crate::fact::{Fact, Value};
use crate::situation::Situation;

/// Per part: how many of its lines are absent; each line with its state in words.
pub(super) fn absent(s: &Situation) -> Vec<Fact> {
    let parts = s.pipeline.parts().map(|(part, _)| part);
    let with_lines = parts.filter(|part| s.has_lines(part));
    let absent = |part| s.absent_lines(part).map(|(count, say)| (Value::Count(count), say));
    with_lines.map(|part| Fact::of(part, absent(part), |told| told)).collect()
}
