//! The current time, and how far before an event its records and logs are read.

use crate::base::error::Mistake;
use jiff::{SignedDuration, Timestamp};
use std::time::SystemTime;

/// The assumed clock difference between hosts. Records and logs are read from this long
/// before the event.
pub(crate) const LOOK_BACK: SignedDuration = SignedDuration::from_secs(60);

/// Checks that this machine's clock is in the range that times are computed in.
pub fn check_clock() -> Result<(), Mistake> {
    check_time(SystemTime::now())
}

fn check_time(now: SystemTime) -> Result<(), Mistake> {
    match Timestamp::try_from(now) {
        Ok(_) => Ok(()),
        Err(_) => {
            let mistake = Mistake::new("this machine's clock", "shows a time after the year 9999");
            Err(mistake.help("set the clock, and run the program again"))
        }
    }
}

/// Returns the current time in whole milliseconds, the precision of the report.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rejects_a_clock_after_the_year_9999() {
        let after = |seconds| check_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(after(1_800_000_000), Ok(()));
        assert!(after(253_402_300_800).is_err());
        assert!(after(i64::MAX.unsigned_abs()).is_err());
    }
}
