//! Facts about clocks: those of the systems beside the one of this machine.

use crate::evidence::{Seen, Why, WhyKind};
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
        let tell = |clock| (Value::Count(ahead_ms(clock)), describe(clock));
        Fact::of(system.as_str(), clock, tell)
    });
    all.collect()
}

fn ahead_ms(clock: crate::evidence::Clock) -> u64 {
    clock.surely_ahead_ms().unsigned_abs()
}
