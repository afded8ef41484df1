//! When things happened, id by id. Rows, records and marks are compared of the same
//! id only: the middle of all does not tell what came first.

use crate::collect::discovery::{Record, TopicSeen};
use crate::init::model::{Linked, Times};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Containers of one host share its clock; records tell milliseconds only.
const CLOCK: f64 = 0.002;
/// Rows of so many ids that have all the same times are written at once.
const TELLING: usize = 3;

/// The first row of each id.
pub fn of_rows<'a>(linked: &Linked<'a>) -> Times<'a> {
    linked.rows.keys().filter_map(|id| Some((*id, linked.first(id)?))).collect()
}

/// The first record of each id.
pub fn of_records<'a>(topic: &TopicSeen, ids: &BTreeSet<&'a str>) -> Times<'a> {
    let all = topic.records.iter().filter_map(|record| Some((id_of(record, ids)?, record.at?)));
    earliest(all)
}

/// The earliest time of each id.
pub fn earliest<'a>(all: impl Iterator<Item = (&'a str, Timestamp)>) -> Times<'a> {
    let mut first = Times::new();
    for (id, at) in all {
        let earliest = first.entry(id).or_insert(at);
        *earliest = at.min(*earliest);
    }
    first
}

/// Seconds from one to the other, of each id that has both; the smallest first.
pub fn gaps(from: &Times, to: &Times) -> Vec<f64> {
    let gap = |(id, from): (&&str, &Timestamp)| Some(to.get(id)?.duration_since(*from).as_secs_f64());
    let mut gaps: Vec<f64> = from.iter().filter_map(gap).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

/// Whether something comes before what it would have to follow: of more than a
/// third of the ids, as some are sent or written a second time.
pub fn comes_before(cause: &Times, effect: &Times) -> bool {
    let gaps = gaps(cause, effect);
    gaps.iter().filter(|gap| **gap < -CLOCK).count() * 3 > gaps.len()
}

/// Whether both have the very same time for all ids: one transaction has written both.
pub fn at_once(one: &Times, other: &Times) -> bool {
    let gaps = gaps(one, other);
    gaps.len() >= TELLING && gaps.iter().all(|gap| *gap == 0.0)
}

/// The id that a record names.
fn id_of<'a>(record: &Record, ids: &BTreeSet<&'a str>) -> Option<&'a str> {
    let known = |value: &str| ids.get(value).copied();
    let header = || record.headers.values().find_map(|value| known(value));
    let field = || record.fields.iter().find_map(|(_, value)| known(value));
    known(&record.key).or_else(header).or_else(field)
}
