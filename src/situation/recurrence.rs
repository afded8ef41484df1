//! Whether an error recurs, so that a pause does not mean that it is over.

use jiff::{SignedDuration, Timestamp};

/// Records of one kind that are closer together than this belong to one occurrence.
const SAME_OCCURRENCE: SignedDuration = SignedDuration::from_secs(1);

/// Errors that are further apart than this have nothing to do with each other.
const MAX_INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// Reports whether an error that occurred at these times, newest first, may occur again: at `now`, the time of its
/// next occurrence has not passed. Three occurrences make an interval.
pub fn may_recur(times: impl Iterator<Item = Timestamp>, now: Timestamp) -> bool {
    let mut times: Vec<Timestamp> = times.collect();
    times.dedup_by(|older, newer| newer.duration_since(*older) <= SAME_OCCURRENCE);
    let [newest, before, first, ..] = times.as_slice() else { return false };
    let interval = newest.duration_since(*before).max(before.duration_since(*first));
    // The intervals are not quite equal.
    let latest = interval.saturating_add(interval / 2);
    interval <= MAX_INTERVAL && now.duration_since(*newest) <= latest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_may_recur_until_its_time_has_passed() {
        let may_recur_at = |seconds: &[i64], now: i64| {
            let at = |second: i64| Timestamp::from_second(second).unwrap();
            may_recur(seconds.iter().rev().map(|second| at(*second)), at(now))
        };
        assert!(may_recur_at(&[100, 121, 142], 160));
        assert!(!may_recur_at(&[100, 121, 142], 175));
        // The longer of the two intervals counts.
        assert!(may_recur_at(&[100, 130, 140], 180));
        // Several records of one occurrence, and two occurrences, make no interval.
        assert!(!may_recur_at(&[100, 100, 101], 102));
        assert!(!may_recur_at(&[100, 121], 125));
        // Too rare.
        assert!(!may_recur_at(&[0, 1_000, 2_000], 2_010));
    }
}
