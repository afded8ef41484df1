//! Facts of the user's own.

use crate::fact::Fact;
use crate::runbook::own::OwnFact;
use crate::situation::Situation;

/// Its value about its subject.
pub(super) fn derive(s: &Situation, fact: &OwnFact) -> Vec<Fact> {
    let subjects = fact.scopes().iter().flat_map(|scope| scope.subjects(s.pipeline));
    let told = s.custom_value(fact);
    subjects.map(|subject| Fact::of(subject, told.clone(), |told| told)).collect()
}
