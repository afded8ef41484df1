//! Clocks of other systems relative to this machine's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The offset of another system's clock from this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// How far the clock is ahead, in milliseconds; negative if it is behind.
    pub ahead_ms: i64,
    /// Error bound of the offset in milliseconds, from the round-trip time and the clock's resolution.
    pub within_ms: i64,
}

impl Clock {
    /// Computes the offset of a clock that showed `there` at some point between two local times. The
    /// clock's resolution is `step_ms`.
    pub fn between(asked: Timestamp, there: Timestamp, answered: Timestamp, step_ms: i64) -> Clock {
        let (asked, answered) = (asked.as_millisecond(), answered.as_millisecond());
        let half = (answered - asked).max(0) / 2;
        // A clock with whole-second resolution rounds down, so half a step is added.
        let ahead_ms = there.as_millisecond() + step_ms / 2 - (asked + half);
        Clock { ahead_ms, within_ms: half + 1 + step_ms / 2 }
    }

    /// Returns the part of the offset that is certain despite the error bound, in milliseconds:
    /// positive if the clock is ahead, negative if it is behind, otherwise 0.
    pub fn surely_ahead_ms(self) -> i64 {
        match self.ahead_ms {
            ahead if ahead > self.within_ms => ahead - self.within_ms,
            behind if behind < -self.within_ms => behind + self.within_ms,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_bound_covers_round_trip_and_resolution() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let same = Clock::between(at(1_000), at(1_010), at(1_020), 0);
        assert_eq!((same.ahead_ms, same.surely_ahead_ms()), (0, 0));
        let ahead = Clock::between(at(1_000), at(61_010), at(1_020), 0);
        assert_eq!((ahead.ahead_ms, ahead.surely_ahead_ms()), (60_000, 59_989));
        // A Date header with the current second is consistent with an exact clock.
        let header = Clock::between(at(1_990), at(1_000), at(1_994), 1_000);
        assert_eq!(header.surely_ahead_ms(), 0);
        assert!(Clock::between(at(9_990), at(1_000), at(9_994), 1_000).surely_ahead_ms() < -7_500);
    }
}
