//! Time limits for the Kafka driver, and a helper for data not reached in time.

use crate::evidence::{Name, Observed, Reason};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The Kafka thread ends its calls this long before the deadline, so that the report
/// is on time.
pub(crate) const DEADLINE_MARGIN: Duration = Duration::from_millis(150);

/// After ending its calls, the thread has this long to report missing results before it is abandoned.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_millis(50);

/// How often the thread checks whether the event's time is known.
pub(crate) const EVENT_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The usual clock difference between hosts. The search for records starts this long before
/// the event.
pub(crate) const USUAL_CLOCK_SKEW: SignedDuration = SignedDuration::from_millis(500);

/// Marks every name as unknown for the same reason.
pub(crate) fn all_unknown<T>(names: &BTreeSet<Name>, why: &Reason) -> BTreeMap<Name, Observed<T>> {
    let unknown = |name: &Name| (name.clone(), Observed::Unknown(why.clone()));
    names.iter().map(unknown).collect()
}
