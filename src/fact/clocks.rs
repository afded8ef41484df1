//! Facts about the clocks of the systems compared with this machine's clock.

use crate::base::observed::Observed;
use crate::base::unavailable_reason::{Reason, ReasonKind};
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::clock::describe;

pub(super) fn ahead(s: &Situation) -> Vec<Fact> {
    let all = s.clocks.all().iter().map(|(system, clock)| {
        // An unavailable system is reported elsewhere, so its clock is marked as not asked here.
        let clock = match clock {
            Observed::Unknown(why) => {
                Observed::NotAsked(Reason::new(ReasonKind::Missing, why.message.as_str()))
            }
            other => other.clone(),
        };
        Fact::of(system.as_str(), clock, |clock| {
            (Value::Count(clock.surely_ahead_ms().unsigned_abs()), describe(clock))
        })
    });
    all.collect()
}
