//! Clocks of other machines.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A clock beside that of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// By how much it is ahead, in milliseconds; negative: behind.
    pub ahead_ms: i64,
    /// How far that may be off, in milliseconds: the time that asking took, and
    /// the steps in which the clock is told.
    pub within_ms: i64,
}

impl Clock {
    /// A clock that showed `there` at some time between two moments of this
    /// machine; it tells its time in steps of `step_ms`.
    pub fn between(asked: Timestamp, there: Timestamp, answered: Timestamp, step_ms: i64) -> Clock {
        let (asked, answered) = (asked.as_millisecond(), answered.as_millisecond());
        let half = (answered - asked).max(0) / 2;
        // A clock that tells whole seconds shows the last one that has begun.
        let ahead_ms = there.as_millisecond() + step_ms / 2 - (asked + half);
        Clock { ahead_ms, within_ms: half + 1 + step_ms / 2 }
    }

    /// By how much it is surely ahead (or, negative, behind), in milliseconds.
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
    fn a_clock_is_as_exact_as_it_was_asked() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let same = Clock::between(at(1_000), at(1_010), at(1_020), 0);
        assert_eq!((same.ahead_ms, same.surely_ahead_ms()), (0, 0));
        let ahead = Clock::between(at(1_000), at(61_010), at(1_020), 0);
        assert_eq!((ahead.ahead_ms, ahead.surely_ahead_ms()), (60_000, 59_989));
        // A Date header of this very second says nothing against it.
        let header = Clock::between(at(1_990), at(1_000), at(1_994), 1_000);
        assert_eq!(header.surely_ahead_ms(), 0);
        assert!(Clock::between(at(9_990), at(1_000), at(9_994), 1_000).surely_ahead_ms() < -7_500);
    }
}
