//! Custom facts.

use crate::fact::Fact;
use crate::runbook::custom_fact::CustomFact;
use crate::situation::Situation;

/// Builds the custom fact for each of its subjects.
pub(super) fn derive(s: &Situation, fact: &CustomFact) -> Vec<Fact> {
    let subjects = fact.scopes().iter().flat_map(|scope| scope.subjects(s.pipeline));
    let observed = s.custom_value(fact);
    subjects.map(|subject| Fact::of(subject, observed.clone(), |value| value)).collect()
}
