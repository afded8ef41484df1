//! Facts about clocks: those of the systems beside the one of this machine.

use crate::base::name::MAIN_BROKER;
use crate::evidence::{Clock, Seen, WhyKind};
use crate::fact::view::View;
use crate::fact::{Fact, Value};
use crate::runbook::scope::SYSTEMS;

/// Each system's clock, as far as it tells one.
pub fn all(view: &View) -> Vec<(&'static str, Seen<Clock>)> {
    SYSTEMS.iter().copied().zip([docker(view), kafka(view), postgres(view), http(view)]).collect()
}

fn told(clock: Option<Clock>) -> Seen<Clock> {
    match clock {
        Some(clock) => Seen::Known(clock),
        None => Seen::not_asked("it has told no time"),
    }
}

fn docker(view: &View) -> Seen<Clock> {
    view.evidence.runtime().and_then(|docker| told(docker.clock))
}

fn postgres(view: &View) -> Seen<Clock> {
    view.postgres().and_then(|rows| told(rows.clock))
}

/// Of several services the one that is furthest off.
fn http(view: &View) -> Seen<Clock> {
    view.evidence.http.as_ref().and_then(|http| {
        let answers = http.health.values().filter_map(Seen::known);
        let clocks = answers.filter_map(|answer| answer.clock);
        told(clocks.max_by_key(|clock| clock.surely_ahead_ms().abs()))
    })
}

/// A broker does not tell its time; a record of the future does.
fn kafka(view: &View) -> Seen<Clock> {
    let seen = || view.evidence.brokers.values().filter_map(Seen::known);
    let letters = seen().filter_map(|broker| broker.dead_letters.known()).flat_map(|letters| &letters.found);
    let was_read = |topic: &str| seen().any(|broker| broker.searches.contains_key(topic));
    let records = view.event.into_iter().flat_map(|event| &event.records);
    let records = records.filter(|(topic, _)| was_read(topic)).flat_map(|(_, records)| records);
    let found = records.chain(letters);
    let newest = found.filter_map(|record| record.at).max();
    let ahead = newest.map(|at| at.duration_since(view.evidence.taken).as_millis());
    // Records may be as young as the run is long.
    let ahead = ahead.and_then(|ms| i64::try_from(ms).ok()).filter(|ms| *ms > DURING_THE_RUN_MS);
    match ahead {
        Some(ahead_ms) => Seen::Known(Clock { ahead_ms, within_ms: DURING_THE_RUN_MS }),
        None => view
            .evidence
            .broker(MAIN_BROKER)
            .and_then(|_| Seen::not_asked("the broker tells no time, and no record of the future was seen")),
    }
}

const DURING_THE_RUN_MS: i64 = 2_000;

pub(super) fn ahead(view: &View) -> Vec<Fact> {
    let of_system = |(system, clock): (&'static str, Seen<Clock>)| {
        // What was not seen at all is said of the system, not of its clock.
        let clock = match clock {
            Seen::Unknown(why) => Seen::NotAsked(crate::evidence::Why::new(WhyKind::Missing, why.say)),
            other => other,
        };
        Fact::of(system, clock, |clock| {
            (Value::Count(clock.surely_ahead_ms().unsigned_abs()), in_words(clock))
        })
    };
    all(view).into_iter().map(of_system).collect()
}

/// A clock beside this machine's, in words.
pub fn in_words(clock: Clock) -> String {
    let seconds = |ms: i64| {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let seconds = ms.unsigned_abs() as f64 / 1000.0;
        seconds
    };
    let (ahead, within) = (seconds(clock.ahead_ms), seconds(clock.within_ms));
    match clock.surely_ahead_ms() {
        0 => format!("as this machine's, within {within:.3} s"),
        1.. => format!("its clock is {ahead:.1} s ahead of this machine's"),
        _ => format!("its clock is {ahead:.1} s behind this machine's"),
    }
}
