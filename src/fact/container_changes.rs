//! Facts about changes, found by comparing each container with its image tag, its compose file, its
//! addresses and the time of the event.

use crate::base::observed::Observed;
use crate::base::state_enum::State;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::container_changes::{Change, ObservedState};

fn for_components<T: State>(s: &Situation, read: impl Fn(&Change) -> ObservedState<T>) -> Vec<Fact> {
    let fact = |change: &Change| {
        let value: Observed<(Value, String)> = read(change).map(|(state, message)| (state.into(), message));
        Fact::of(change.component, value, |value| value)
    };
    s.changes.iter().map(fact).collect()
}

pub(super) fn image(s: &Situation) -> Vec<Fact> {
    for_components(s, |change| change.image.clone())
}

pub(super) fn config(s: &Situation) -> Vec<Fact> {
    for_components(s, |change| change.config.clone())
}

pub(super) fn addresses(s: &Situation) -> Vec<Fact> {
    for_components(s, |change| change.addresses.clone())
}

pub(super) fn database(s: &Situation) -> Vec<Fact> {
    for_components(s, |change| change.database.clone())
}

pub(super) fn since(s: &Situation) -> Vec<Fact> {
    for_components(s, |change| s.runs_since(change.component))
}
