//! Facts about the runbook's diagnostic lines, which healthy components log.

use crate::fact::{Fact, Value};
use crate::situation::Situation;

/// Counts each component's missing lines and describes the state of each line.
pub(super) fn absent(s: &Situation) -> Vec<Fact> {
    let components = s.pipeline.components().map(|(component, _)| component);
    let with_lines = components.filter(|component| s.has_lines(component));
    let absent = |component| s.absent_lines(component).map(|(count, message)| (Value::Count(count), message));
    with_lines.map(|component| Fact::of(component, absent(component), |value| value)).collect()
}
