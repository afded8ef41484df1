//! Facts about clocks: those of the systems beside the one of this machine.

use crate::base::observed::Seen;
use crate::base::reason::{Why, WhyKind};
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::clock::describe;

pub(super) fn ahead(s: &Situation) -> Vec<Fact> {
    let all = s.clocks.all().iter().map(|(system, clock)| {
        // What was not seen at all is said of the system, not of its clock.
        let clock = match clock {
            Seen::Unknown(why) => Seen::NotAsked(Why::new(WhyKind::Missing, why.say.as_str())),
            other => other.clone(),
        };
        Fact::of(system.as_str(), clock, |clock| {
            (Value::Count(clock.surely_ahead_ms().unsigned_abs()), describe(clock))
        })
    });
    all.collect()
}
