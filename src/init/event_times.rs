//! Compares times per correlation id. Only rows, records and marks with the same id are
//! compared, because an average over all ids does not show what came first.

use crate::collect::discovered::{DiscoveredTopic, Record};
use crate::init::model::{LinkedTable, TimesById};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Tolerated clock difference in seconds. Containers on one host share a clock, but record
/// timestamps have only millisecond precision.
const CLOCK_TOLERANCE_S: f64 = 0.002;
/// The number of ids that must have equal times before their rows count as written together.
const MIN_EQUAL_TIMES: usize = 3;

/// Returns the time of each id's first row.
pub fn first_row_times<'a>(linked: &LinkedTable<'a>) -> TimesById<'a> {
    linked.rows.keys().filter_map(|id| Some((*id, linked.first_written(id)?))).collect()
}

/// Returns the time of each id's first record.
pub fn first_record_times<'a>(topic: &DiscoveredTopic, ids: &BTreeSet<&'a str>) -> TimesById<'a> {
    let all = topic.records.iter().filter_map(|record| Some((id_of(record, ids)?, record.at?)));
    earliest(all)
}

/// Returns the earliest time for each id.
pub fn earliest<'a>(all: impl Iterator<Item = (&'a str, Timestamp)>) -> TimesById<'a> {
    let mut first = TimesById::new();
    for (id, at) in all {
        let earliest = first.entry(id).or_insert(at);
        *earliest = at.min(*earliest);
    }
    first
}

/// Returns the seconds from `from` to `to` for each id that has both, in ascending order.
pub fn gaps(from: &TimesById, to: &TimesById) -> Vec<f64> {
    let gap = |(id, from): (&&str, &Timestamp)| Some(to.get(id)?.duration_since(*from).as_secs_f64());
    let mut gaps: Vec<f64> = from.iter().filter_map(gap).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

/// Reports whether `effect` precedes its supposed `cause` for more than a third of the ids. For a
/// few ids this is normal, because something was sent or written twice.
pub fn is_out_of_order(cause: &TimesById, effect: &TimesById) -> bool {
    let gaps = gaps(cause, effect);
    gaps.iter().filter(|gap| **gap < -CLOCK_TOLERANCE_S).count() * 3 > gaps.len()
}

/// Reports whether both have exactly the same time for every id, as rows from one transaction do.
pub fn are_written_together(one: &TimesById, other: &TimesById) -> bool {
    let gaps = gaps(one, other);
    gaps.len() >= MIN_EQUAL_TIMES && gaps.iter().all(|gap| *gap == 0.0)
}

/// Returns the known id in a record's key, headers or fields.
fn id_of<'a>(record: &Record, ids: &BTreeSet<&'a str>) -> Option<&'a str> {
    let known = |value: &str| ids.get(value).copied();
    let header = || record.headers.values().find_map(|value| known(value));
    let field = || record.fields.iter().find_map(|(_, value)| known(value));
    known(&record.key).or_else(header).or_else(field)
}
