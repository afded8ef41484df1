//! Times that the requests to a broker share, and what is said when one runs out.

use crate::evidence::{Name, Seen, Why};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The thread ends its calls this long before the deadline, so that the report
/// is still in time.
pub(crate) const MARGIN: Duration = Duration::from_millis(150);

/// How long it then has to say what it has not reached, before it is left behind.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(50);

/// How often it looks whether the event's time has come.
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// Mostly they do not: records are looked for from so long before the event first.
pub(crate) const AT_ONCE: SignedDuration = SignedDuration::from_millis(500);

/// The same reason for every name.
pub(crate) fn all_unknown<T>(names: &BTreeSet<Name>, why: &Why) -> BTreeMap<Name, Seen<T>> {
    let unknown = |name: &Name| (name.clone(), Seen::Unknown(why.clone()));
    names.iter().map(unknown).collect()
}
