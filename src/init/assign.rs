//! Which worker writes which table: by what both are called, by when rows, records
//! and marks of the same id were written, and by what the worker logs.

use crate::init::draft::Worker;
use crate::init::model::{Clues, Linked, Marked, Times};
use crate::init::names::{alike, singular, subject, words};
use crate::init::tables::{delays, median};
use crate::init::times::{at_once, comes_before, of_rows};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A pair of worker and table below this is none.
const ENOUGH: f64 = 1.0;
/// A name that both share.
const NAMED: f64 = 4.0;
/// Rows that follow what the worker reads, or come with its marks.
const TIMED: f64 = 2.0;
/// A worker whose log alone speaks of the table.
const LOGGED: f64 = 1.2;
/// Another pair that is worse by less than this could be as well.
const CLOSE: f64 = 0.1;
/// Nobody bids less more for a table.
const BID: f64 = 0.000_1;
/// Rows written within so many seconds after the event are written with it.
const TOGETHER: f64 = 0.02;

/// A worker's table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assigned {
    /// Its place among the effects.
    pub table: usize,
    /// Another one that fits as well.
    pub or: Option<usize>,
}

/// How a table's rows lie to what a worker reads and marks.
enum Timing {
    /// Nothing tells.
    Unknown,
    /// Written before the worker could know of it.
    Before,
    /// The better the higher, up to 3.
    Fits(f64),
}

impl<'a> Clues<'a> {
    /// For each worker the table that it writes, each table once: as fits best for all
    /// of them together.
    pub fn assign(&self, marked: &[Marked<'a>]) -> Vec<Option<Assigned>> {
        let groups = self.written_at_once();
        let workers = || self.workers.iter().zip(marked);
        let fits: Vec<Vec<(f64, usize)>> =
            workers().map(|(worker, marked)| self.fits(worker, marked, &groups)).collect();
        let worth: Vec<Vec<f64>> =
            fits.iter().map(|row| row.iter().map(|(fit, _)| fit - ENOUGH).collect()).collect();
        let chosen = matched(&worth, groups.len());
        let table = |worker: usize, group: usize| Some(fits.get(worker)?.get(group)?.1);
        let assigned = chosen.iter().enumerate().map(|(worker, group)| {
            let or = close(&worth, &chosen, worker).and_then(|group| table(worker, group));
            Some(Assigned { table: table(worker, (*group)?)?, or })
        });
        let mut assigned: Vec<Option<Assigned>> = assigned.collect();
        self.assign_the_rest(&mut assigned, marked, &groups);
        assigned
    }

    /// The tables whose rows are written at once, those with one row for each id first:
    /// nobody but one worker has written them.
    pub fn written_at_once(&self) -> Vec<Vec<usize>> {
        let times: Vec<Times> = self.effects.iter().map(of_rows).collect();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, own) in times.iter().enumerate() {
            let with = |group: &&mut Vec<usize>| {
                group.iter().filter_map(|other| times.get(*other)).any(|other| at_once(own, other))
            };
            match groups.iter_mut().find(with) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        let several = |place: &usize| {
            self.effects.get(*place).is_some_and(|linked| linked.rows.values().any(|rows| rows.len() > 1))
        };
        groups.iter_mut().for_each(|group| group.sort_by_key(several));
        groups
    }

    /// Of each group how well it fits a worker, and which table of it does.
    fn fits(&self, worker: &Worker, marked: &Marked<'a>, groups: &[Vec<usize>]) -> Vec<(f64, usize)> {
        let of = |place: &usize| Some((self.fit(worker, marked, self.effects.get(*place)?), *place));
        let best = |group: &Vec<usize>| {
            let all = group.iter().filter_map(of);
            all.reduce(|best, other| if other.0 > best.0 { other } else { best }).unwrap_or_default()
        };
        groups.iter().map(best).collect()
    }

    fn fit(&self, worker: &Worker, marked: &Marked<'a>, effect: &Linked<'a>) -> f64 {
        let types = marked.types.keys().map(|of| alike(of, &effect.table.name)).fold(0.0, f64::max);
        let named = alike(&worker.name, &effect.table.name).max(types / 2.0) * NAMED;
        match self.timing(worker, marked, effect) {
            // It may change what somebody else has begun, if it is called so.
            Timing::Before if is_named_after(worker, effect) => named,
            Timing::Before => 0.0,
            Timing::Unknown if self.is_with_the_event(effect) => named,
            Timing::Unknown => named + self.logged(worker, effect),
            Timing::Fits(fit) => named + self.logged(worker, effect) + fit,
        }
    }

    fn timing(&self, worker: &Worker, marked: &Marked<'a>, effect: &Linked<'a>) -> Timing {
        let rows = of_rows(effect);
        let inputs: Vec<Times> = worker.topics.iter().map(|topic| self.records(topic)).collect();
        if comes_before(&self.input(worker), &rows) {
            return Timing::Before;
        }
        let by_marks = closest(&rows, |id| marked.times.get(id).into_iter().flatten().copied());
        if let Some(gap) = by_marks {
            // What one transaction writes has one time.
            let at_once = if gap < 0.000_001 { 1.0 } else { 0.0 };
            return Timing::Fits(TIMED / (1.0 + 2.0 * gap) + at_once);
        }
        let followed = closest(&rows, |id| inputs.iter().filter_map(|input| input.get(id).copied()));
        followed.map_or(Timing::Unknown, |gap| Timing::Fits(TIMED / (1.0 + gap / 5.0)))
    }

    fn is_with_the_event(&self, effect: &Linked) -> bool {
        median(&delays(effect, &self.begun)).is_none_or(|delay| delay <= TOGETHER)
    }

    /// Whether its log speaks of the table; the less, the more others' logs do.
    fn logged(&self, worker: &Worker, effect: &Linked) -> f64 {
        let name: Vec<String> = words(&effect.table.name).iter().map(|word| singular(word)).collect();
        let speaks = |said: &BTreeSet<String>| name.iter().all(|word| said.contains(word));
        let others = self.said.values().filter(|said| speaks(said)).count();
        match self.said.get(worker.name.as_str()).is_some_and(speaks) {
            true => LOGGED / others as f64,
            false => 0.0,
        }
    }

    /// Where as many workers as tables are left, and both have their order.
    fn assign_the_rest(
        &self,
        assigned: &mut [Option<Assigned>],
        marked: &[Marked<'a>],
        groups: &[Vec<usize>],
    ) {
        let workers = self.left_in_order(assigned);
        let tables = self.unused_in_order(assigned, groups);
        let fits = |(place, table): (&usize, &usize)| {
            let worker = self.workers.get(*place).zip(marked.get(*place));
            worker.zip(self.effects.get(*table)).is_some_and(|((worker, marked), effect)| {
                !matches!(self.timing(worker, marked, effect), Timing::Before)
            })
        };
        if workers.len() == tables.len() && workers.iter().zip(&tables).all(fits) {
            for (place, table) in workers.into_iter().zip(tables) {
                if let Some(assigned) = assigned.get_mut(place) {
                    *assigned = Some(Assigned { table, or: None });
                }
            }
        }
    }

    /// The workers without a table, by when they read of an event; of several that
    /// read nothing there is no order.
    fn left_in_order(&self, assigned: &[Option<Assigned>]) -> Vec<usize> {
        let free = self.workers.iter().zip(assigned).zip(0..);
        let free = free
            .filter(|((worker, assigned), _)| assigned.is_none() && self.outbox_of(&worker.name).is_none());
        let free: Vec<(Option<f64>, usize)> =
            free.map(|((worker, _), place)| (self.input_delay(worker), place)).collect();
        if let [(_, only)] = free.as_slice() {
            return vec![*only];
        }
        let ordered: Option<Vec<(f64, usize)>> =
            free.into_iter().map(|(delay, place)| Some((delay?, place))).collect();
        in_order(ordered.unwrap_or_default())
    }

    /// The tables of nobody that were written after the event, in that order.
    fn unused_in_order(&self, assigned: &[Option<Assigned>], groups: &[Vec<usize>]) -> Vec<usize> {
        let used: BTreeSet<usize> = assigned.iter().flatten().map(|one| one.table).collect();
        let unused = groups.iter().filter(|group| group.iter().all(|table| !used.contains(table)));
        let dated = |table: usize| {
            let delay = median(&delays(self.effects.get(table)?, &self.begun))?;
            (delay > TOGETHER).then_some((delay, table))
        };
        in_order(unused.filter_map(|group| dated(group.first().copied()?)).collect())
    }
}

fn in_order(mut all: Vec<(f64, usize)>) -> Vec<usize> {
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter().map(|(_, place)| place).collect()
}

/// Whether a table is called as the worker, but for the number.
fn is_named_after(worker: &Worker, effect: &Linked) -> bool {
    singular(&subject(&worker.name)) == singular(&subject(&effect.table.name))
}

/// The middle of the smallest distances between a row and the times of its id.
fn closest<'a, I: Iterator<Item = Timestamp>>(rows: &Times<'a>, times: impl Fn(&'a str) -> I) -> Option<f64> {
    let gap = |(id, at): (&&'a str, &Timestamp)| {
        times(id).map(|time| at.duration_since(time).as_secs_f64().abs()).reduce(f64::min)
    };
    let mut gaps: Vec<f64> = rows.iter().filter_map(gap).collect();
    gaps.sort_by(f64::total_cmp);
    median(&gaps)
}

/// Each worker's group, so that the sum of all is as high as can be: they bid for them
/// as at an auction. A worker to whom nothing is worth its price goes without.
fn matched(worth: &[Vec<f64>], groups: usize) -> Vec<Option<usize>> {
    let mut prices = vec![0.0; groups];
    let mut owners: BTreeMap<usize, usize> = BTreeMap::new();
    let mut bidders: Vec<usize> = (0..worth.len()).rev().collect();
    while let Some(worker) = bidders.pop() {
        let all = worth.get(worker).into_iter().flatten().zip(&prices).map(|(worth, price)| worth - price);
        let mut gains: Vec<(f64, usize)> = all.zip(0..).filter(|(gain, _)| *gain > 0.0).collect();
        gains.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some((gain, group)) = gains.first().copied() else { continue };
        let next = gains.get(1).map_or(0.0, |(gain, _)| *gain);
        if let Some(price) = prices.get_mut(group) {
            *price += gain - next + BID;
        }
        bidders.extend(owners.insert(group, worker));
    }
    let owned: BTreeMap<usize, usize> = owners.into_iter().map(|(group, worker)| (worker, group)).collect();
    (0..worth.len()).map(|worker| owned.get(&worker).copied()).collect()
}

/// A group that a worker could have as well: nobody's, or another's that could have
/// its own.
fn close(worth: &[Vec<f64>], chosen: &[Option<usize>], worker: usize) -> Option<usize> {
    let of = |worker: usize, group: usize| worth.get(worker).and_then(|row| row.get(group)).copied();
    let own = chosen.get(worker).copied().flatten()?;
    let as_well = |other: &usize| {
        let Some((now, then)) = of(worker, own).zip(of(worker, *other)) else { return false };
        let owner = chosen.iter().position(|group| *group == Some(*other));
        let (its, would) = match owner {
            Some(owner) => (of(owner, *other).unwrap_or_default(), of(owner, own).unwrap_or_default()),
            None => (0.0, 0.0),
        };
        then > 0.0 && (owner.is_none() || would > 0.0) && now + its - then - would < CLOSE
    };
    (0..worth.get(worker)?.len()).filter(|other| *other != own).find(as_well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_go_to_whom_they_fit_all_together() {
        // The first worker fits both, the second only one of them.
        assert_eq!(matched(&[vec![1.0, 0.9], vec![0.8, -1.0]], 2), [Some(1), Some(0)]);
        // What fits nobody stays.
        assert_eq!(matched(&[vec![-0.5], vec![0.3]], 1), [None, Some(0)]);
        // Of two that fit alike one has it.
        let chosen = matched(&[vec![1.0], vec![1.0]], 1);
        assert_eq!(chosen.iter().flatten().count(), 1);
        assert_eq!(matched(&[], 0), []);
    }

    #[test]
    fn another_table_that_fits_as_well_is_told() {
        let worth = [vec![1.0, 1.0], vec![1.0, 1.0]];
        assert_eq!(close(&worth, &[Some(0), Some(1)], 0), Some(1));
        let worth = [vec![1.0, 1.0], vec![-1.0, 1.0]];
        assert_eq!(close(&worth, &[Some(0), Some(1)], 0), None);
    }
}
