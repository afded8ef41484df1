//! The clock of each system compared with this machine's clock, and which times can be compared.

use crate::base::name::MAIN_BROKER;
pub use crate::base::system_kinds::ClockOf;
use crate::evidence::{Clock, Observed, ReasonKind};
use crate::situation::inputs::Inputs;
use jiff::{SignedDuration, Timestamp};

/// Clocks of different machines may differ by this much unnoticed.
pub const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The clocks of all systems that report a time.
#[derive(Debug, Clone)]
pub struct Clocks {
    /// When the evidence was collected, by this machine's clock.
    pub observed_at: Timestamp,
    /// The same time by the container engine's clock. Ages of containers and log records
    /// are relative to it.
    pub docker_now: Timestamp,
    /// The same time by the database's clock. Ages of rows are relative to it.
    pub database_now: Timestamp,
    all: [(ClockOf, Observed<Clock>); 4],
}

impl Clocks {
    /// Reads the clocks from the evidence. `newest` is the time of the event's newest
    /// record, which may reveal that the broker's clock is ahead.
    pub fn build(inputs: Inputs, newest: Option<Timestamp>) -> Self {
        let observed_at = inputs.evidence.observed_at;
        let docker = inputs.runtime().and_then(|docker| match docker.clock {
            Some(clock) => Observed::Known(clock),
            None => Observed::unknown(ReasonKind::Failed, "the Docker Engine's time could not be read"),
        });
        let postgres = inputs.database().and_then(|rows| observed_clock(rows.clock));
        let by = |clock: &Observed<Clock>| {
            let ahead = SignedDuration::from_millis(clock.known().map_or(0, |clock| clock.ahead_ms));
            observed_at.checked_add(ahead).unwrap_or(observed_at)
        };
        Clocks {
            observed_at,
            docker_now: by(&docker),
            database_now: by(&postgres),
            all: [
                (ClockOf::Docker, docker),
                (ClockOf::Kafka, kafka(inputs, newest)),
                (ClockOf::Postgres, postgres),
                (ClockOf::Http, http(inputs)),
            ],
        }
    }

    /// Returns each system's clock, in the order of [`ClockOf`].
    pub fn all(&self) -> &[(ClockOf, Observed<Clock>)] {
        &self.all
    }

    /// Returns the minimum number of milliseconds by which a clock is ahead (negative if it
    /// is behind).
    pub fn surely_ahead_ms(&self, of: ClockOf) -> i64 {
        let clock = self.all.iter().find(|(system, _)| *system == of);
        clock.and_then(|(_, clock)| clock.known()).map_or(0, |clock| clock.surely_ahead_ms())
    }

    /// Returns how far apart two systems' times must be for their order to be meaningful. The
    /// tolerance is wider if one of the clocks is known to be wrong.
    pub fn tolerance(&self, one: ClockOf, other: ClockOf) -> SignedDuration {
        let off = [one, other].map(|of| self.surely_ahead_ms(of).saturating_abs());
        MAX_CLOCK_SKEW.saturating_add(SignedDuration::from_millis(off[0].saturating_add(off[1])))
    }
}

fn observed_clock(clock: Option<Clock>) -> Observed<Clock> {
    match clock {
        Some(clock) => Observed::Known(clock),
        None => Observed::not_asked("the system reported no time"),
    }
}

/// Returns the service clock that is furthest off.
fn http(inputs: Inputs) -> Observed<Clock> {
    inputs.http().and_then(|http| {
        let answers = http.health.values().filter_map(Observed::known);
        let clocks = answers.filter_map(|answer| answer.clock);
        observed_clock(clocks.max_by_key(|clock| clock.surely_ahead_ms().abs()))
    })
}

/// Brokers do not report their time, but a record dated in the future shows that the
/// broker's clock is ahead.
fn kafka(inputs: Inputs, newest: Option<Timestamp>) -> Observed<Clock> {
    let seen = inputs.brokers().filter_map(Observed::known);
    let letters = seen.filter_map(|broker| broker.dead_letters.known()).flat_map(|letters| &letters.found);
    let newest = letters.filter_map(|letter| letter.at).chain(newest).max();
    let ahead = newest.map(|at| at.duration_since(inputs.evidence.observed_at).as_millis());
    // A record may have been produced during the run.
    let ahead = ahead.and_then(|ms| i64::try_from(ms).ok()).filter(|ms| *ms > MAX_RUN_MS);
    match ahead {
        Some(ahead_ms) => Observed::Known(Clock { ahead_ms, within_ms: MAX_RUN_MS }),
        None => inputs.broker(MAIN_BROKER).and_then(|_| {
            Observed::not_asked("brokers report no time, and no record is dated in the future")
        }),
    }
}

const MAX_RUN_MS: i64 = 2_000;

/// Describes how a clock differs from this machine's clock.
pub fn describe(clock: Clock) -> String {
    let seconds = |ms: i64| {
        #[expect(clippy::cast_precision_loss, reason = "only displayed")]
        let seconds = ms.unsigned_abs() as f64 / 1000.0;
        seconds
    };
    let (ahead, within) = (seconds(clock.ahead_ms), seconds(clock.within_ms));
    match clock.surely_ahead_ms() {
        0 => format!("matches this machine's clock to within {within:.3} s"),
        1.. => format!("its clock is {ahead:.1} s ahead of this machine's"),
        _ => format!("its clock is {ahead:.1} s behind this machine's"),
    }
}
