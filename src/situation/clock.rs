//! Each system's clock beside the one of this machine, and which times may be compared.

use crate::base::name::MAIN_BROKER;
pub use crate::base::system::ClockOf;
use crate::evidence::{Clock, Seen};
use crate::situation::source::Source;
use jiff::{SignedDuration, Timestamp};

/// Clocks of different machines may differ by this much, although nobody knows.
pub const CLOCKS: SignedDuration = SignedDuration::from_secs(5);

/// The clocks, as far as they tell their time.
#[derive(Debug, Clone)]
pub struct Clocks {
    /// When it was looked, by this machine's clock.
    pub taken: Timestamp,
    /// When it was looked, by the engine's clock: the ages of containers and log
    /// records are counted from here.
    pub docker_now: Timestamp,
    /// When it was looked, by the database's clock: the ages of rows are counted from here.
    pub database_now: Timestamp,
    all: [(ClockOf, Seen<Clock>); 4],
}

impl Clocks {
    /// The clocks of the evidence, with `newest`: the time of the newest record of the
    /// event, which tells of the broker's.
    pub fn build(source: Source, newest: Option<Timestamp>) -> Self {
        let taken = source.evidence.taken;
        let docker = source.runtime().and_then(|docker| told(docker.clock));
        let postgres = source.database().and_then(|rows| told(rows.clock));
        let by = |clock: &Seen<Clock>| {
            let ahead = SignedDuration::from_millis(clock.known().map_or(0, |clock| clock.ahead_ms));
            taken.checked_add(ahead).unwrap_or(taken)
        };
        Clocks {
            taken,
            docker_now: by(&docker),
            database_now: by(&postgres),
            all: [
                (ClockOf::Docker, docker),
                (ClockOf::Kafka, kafka(source, newest)),
                (ClockOf::Postgres, postgres),
                (ClockOf::Http, http(source)),
            ],
        }
    }

    /// Each system's clock, in the order of [`ClockOf`].
    pub fn all(&self) -> &[(ClockOf, Seen<Clock>)] {
        &self.all
    }

    /// By how much a clock is surely ahead (or, negative, behind), in milliseconds.
    pub fn surely_ahead_ms(&self, of: ClockOf) -> i64 {
        let clock = self.all.iter().find(|(system, _)| *system == of);
        clock.and_then(|(_, clock)| clock.known()).map_or(0, |clock| clock.surely_ahead_ms())
    }

    /// By how much times of these two systems may be apart before their order means
    /// anything: wider where a clock is known to be wrong.
    pub fn apart(&self, one: ClockOf, other: ClockOf) -> SignedDuration {
        let off = [one, other].map(|of| self.surely_ahead_ms(of).saturating_abs());
        CLOCKS.saturating_add(SignedDuration::from_millis(off[0].saturating_add(off[1])))
    }
}

fn told(clock: Option<Clock>) -> Seen<Clock> {
    match clock {
        Some(clock) => Seen::Known(clock),
        None => Seen::not_asked("it has told no time"),
    }
}

/// Of several services the one that is furthest off.
fn http(source: Source) -> Seen<Clock> {
    source.http().and_then(|http| {
        let answers = http.health.values().filter_map(Seen::known);
        let clocks = answers.filter_map(|answer| answer.clock);
        told(clocks.max_by_key(|clock| clock.surely_ahead_ms().abs()))
    })
}

/// A broker does not tell its time; a record of the future does.
fn kafka(source: Source, newest: Option<Timestamp>) -> Seen<Clock> {
    let seen = source.brokers().filter_map(Seen::known);
    let letters = seen.filter_map(|broker| broker.dead_letters.known()).flat_map(|letters| &letters.found);
    let newest = letters.filter_map(|letter| letter.at).chain(newest).max();
    let ahead = newest.map(|at| at.duration_since(source.evidence.taken).as_millis());
    // Records may be as young as the run is long.
    let ahead = ahead.and_then(|ms| i64::try_from(ms).ok()).filter(|ms| *ms > DURING_THE_RUN_MS);
    match ahead {
        Some(ahead_ms) => Seen::Known(Clock { ahead_ms, within_ms: DURING_THE_RUN_MS }),
        None => source
            .broker(MAIN_BROKER)
            .and_then(|_| Seen::not_asked("the broker tells no time, and no record of the future was seen")),
    }
}

const DURING_THE_RUN_MS: i64 = 2_000;

/// A clock beside this machine's, in words.
pub fn describe(clock: Clock) -> String {
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
