//! Facts about what changed: a container beside its image's tag, its compose
//! file, its addresses, and the event's time.

use crate::base::observed::Seen;
use crate::base::states::State;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::changes::{Change, Told};

fn for_components<T: State>(s: &Situation, told: impl Fn(&Change) -> Told<T>) -> Vec<Fact> {
    let fact = |change: &Change| {
        let told: Seen<(Value, String)> = told(change).map(|(state, say)| (state.into(), say));
        Fact::of(change.part, told, |told| told)
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
    for_components(s, |change| s.runs_since(change.part))
}
