//! Assigns each worker the table that it writes to. Compares names, the workers' logs, and the
//! times of rows, records and marks with the same id.

use crate::init::draft::Worker;
use crate::init::event_times::{are_written_together, first_row_times, is_out_of_order};
use crate::init::model::{LinkedTable, Observations, TimesById, WorkerMarks};
use crate::init::naming::{similarity, singular, subject, words};
use crate::init::table_roles::{delays, median};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The minimum score for a worker and its table.
const MIN_SCORE: f64 = 1.0;
/// The score for equal names.
const NAME_SCORE: f64 = 4.0;
/// The score for rows that follow the worker's input, or coincide with its marks.
const TIMING_SCORE: f64 = 2.0;
/// The score for a table that only this worker's log mentions.
const LOG_SCORE: f64 = 1.2;
/// Assignments whose total scores differ by less than this are equally good.
const TIE_MARGIN: f64 = 0.1;
/// The minimum increase in a bid.
const MIN_BID: f64 = 0.000_1;
/// Rows written within this many seconds of the event count as written with it.
const WITH_EVENT_S: f64 = 0.02;

/// A worker's table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assigned {
    /// The index of the table in the list of effects.
    pub table: usize,
    /// The index of another table that is an equally good choice.
    pub alternative: Option<usize>,
}

/// How the times of a table's rows relate to a worker's input and marks.
enum Timing {
    /// The times cannot be compared.
    Unknown,
    /// The rows were written before the worker could read about them.
    TooEarly,
    /// The rows may be the worker's; the score is at most 3, and higher is better.
    Plausible(f64),
}

impl<'a> Observations<'a> {
    /// Assigns a table to each worker so that the total score is maximal. Each table is used only
    /// once.
    pub fn assign_tables(&self, marks: &[WorkerMarks<'a>]) -> Vec<Option<Assigned>> {
        let groups = self.tables_written_together();
        let workers = || self.workers.iter().zip(marks);
        let scores: Vec<Vec<(f64, usize)>> =
            workers().map(|(worker, marks)| self.group_scores(worker, marks, &groups)).collect();
        let values: Vec<Vec<f64>> =
            scores.iter().map(|row| row.iter().map(|(score, _)| score - MIN_SCORE).collect()).collect();
        let chosen = best_assignment(&values, groups.len());
        let table = |worker: usize, group: usize| Some(scores.get(worker)?.get(group)?.1);
        let assigned = chosen.iter().enumerate().map(|(worker, group)| {
            let alternative =
                find_alternative(&values, &chosen, worker).and_then(|group| table(worker, group));
            Some(Assigned { table: table(worker, (*group)?)?, alternative })
        });
        let mut assigned: Vec<Option<Assigned>> = assigned.collect();
        self.assign_remaining(&mut assigned, marks, &groups);
        assigned
    }

    /// Groups tables whose rows were written together, and therefore by the same worker. In each
    /// group, tables with one row per id come first.
    pub fn tables_written_together(&self) -> Vec<Vec<usize>> {
        let times: Vec<TimesById> = self.effects.iter().map(first_row_times).collect();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (table, own) in times.iter().enumerate() {
            let is_with = |group: &&mut Vec<usize>| {
                group
                    .iter()
                    .filter_map(|other| times.get(*other))
                    .any(|other| are_written_together(own, other))
            };
            match groups.iter_mut().find(is_with) {
                Some(group) => group.push(table),
                None => groups.push(vec![table]),
            }
        }
        let has_several_rows = |table: &usize| {
            self.effects.get(*table).is_some_and(|linked| linked.rows.values().any(|rows| rows.len() > 1))
        };
        groups.iter_mut().for_each(|group| group.sort_by_key(has_several_rows));
        groups
    }

    /// Returns the best score of each group for a worker, and the table with that score.
    fn group_scores(
        &self,
        worker: &Worker,
        marks: &WorkerMarks<'a>,
        groups: &[Vec<usize>],
    ) -> Vec<(f64, usize)> {
        let score = |table: &usize| Some((self.score(worker, marks, self.effects.get(*table)?), *table));
        let best = |group: &Vec<usize>| {
            let all = group.iter().filter_map(score);
            all.reduce(|best, other| if other.0 > best.0 { other } else { best }).unwrap_or_default()
        };
        groups.iter().map(best).collect()
    }

    /// Rates how likely the worker is to write to the table.
    fn score(&self, worker: &Worker, marks: &WorkerMarks<'a>, effect: &LinkedTable<'a>) -> f64 {
        let types = marks.types.keys().map(|name| similarity(name, &effect.table.name)).fold(0.0, f64::max);
        let name_score = similarity(&worker.name, &effect.table.name).max(types / 2.0) * NAME_SCORE;
        match self.timing(worker, marks, effect) {
            // The worker may update the table's rows after another worker has inserted them.
            Timing::TooEarly if is_named_after(worker, effect) => name_score,
            Timing::TooEarly => 0.0,
            Timing::Unknown if self.is_written_with_event(effect) => name_score,
            Timing::Unknown => name_score + self.log_score(worker, effect),
            Timing::Plausible(score) => name_score + self.log_score(worker, effect) + score,
        }
    }

    fn timing(&self, worker: &Worker, marks: &WorkerMarks<'a>, effect: &LinkedTable<'a>) -> Timing {
        let rows = first_row_times(effect);
        let inputs: Vec<TimesById> = worker.topics.iter().map(|topic| self.record_times(topic)).collect();
        if is_out_of_order(&self.input_times(worker), &rows) {
            return Timing::TooEarly;
        }
        let gap_to_marks = median_gap(&rows, |id| marks.times.get(id).into_iter().flatten().copied());
        if let Some(gap) = gap_to_marks {
            // Rows from one transaction have the same time.
            let same_transaction = if gap < 0.000_001 { 1.0 } else { 0.0 };
            return Timing::Plausible(TIMING_SCORE / (1.0 + 2.0 * gap) + same_transaction);
        }
        let gap_to_input = median_gap(&rows, |id| inputs.iter().filter_map(|input| input.get(id).copied()));
        gap_to_input.map_or(Timing::Unknown, |gap| Timing::Plausible(TIMING_SCORE / (1.0 + gap / 5.0)))
    }

    fn is_written_with_event(&self, effect: &LinkedTable) -> bool {
        median(&delays(effect, &self.started)).is_none_or(|delay| delay <= WITH_EVENT_S)
    }

    /// Returns the score for a mention of the table in the worker's log, divided by the number of
    /// workers that mention it.
    fn log_score(&self, worker: &Worker, effect: &LinkedTable) -> f64 {
        let name: Vec<String> = words(&effect.table.name).iter().map(|word| singular(word)).collect();
        let mentions = |log: &BTreeSet<String>| name.iter().all(|word| log.contains(word));
        let count = self.log_words.values().filter(|log| mentions(log)).count();
        match self.log_words.get(worker.name.as_str()).is_some_and(mentions) {
            true => LOG_SCORE / count as f64,
            false => 0.0,
        }
    }

    /// Pairs the remaining workers and tables in chronological order, if there are as many workers
    /// as tables and no pair is impossible.
    fn assign_remaining(
        &self,
        assigned: &mut [Option<Assigned>],
        marks: &[WorkerMarks<'a>],
        groups: &[Vec<usize>],
    ) {
        let workers = self.remaining_workers(assigned);
        let tables = self.remaining_tables(assigned, groups);
        let is_possible = |(index, table): (&usize, &usize)| {
            let worker = self.workers.get(*index).zip(marks.get(*index));
            worker.zip(self.effects.get(*table)).is_some_and(|((worker, marks), effect)| {
                !matches!(self.timing(worker, marks, effect), Timing::TooEarly)
            })
        };
        if workers.len() == tables.len() && workers.iter().zip(&tables).all(is_possible) {
            for (index, table) in workers.into_iter().zip(tables) {
                if let Some(assigned) = assigned.get_mut(index) {
                    *assigned = Some(Assigned { table, alternative: None });
                }
            }
        }
    }

    /// Returns the workers without a table, ordered by the delay of their input. Returns none if
    /// there are several and one of them has no input.
    fn remaining_workers(&self, assigned: &[Option<Assigned>]) -> Vec<usize> {
        let free = self.workers.iter().zip(assigned).zip(0..);
        let free = free.filter(|((worker, assigned), _)| {
            assigned.is_none() && self.outbox_relayed_by(&worker.name).is_none()
        });
        let free: Vec<(Option<f64>, usize)> =
            free.map(|((worker, _), index)| (self.input_delay(worker), index)).collect();
        if let [(_, only)] = free.as_slice() {
            return vec![*only];
        }
        let delayed: Option<Vec<(f64, usize)>> =
            free.into_iter().map(|(delay, index)| Some((delay?, index))).collect();
        in_order(delayed.unwrap_or_default())
    }

    /// Returns the unassigned tables that were written after the event, in chronological order.
    fn remaining_tables(&self, assigned: &[Option<Assigned>], groups: &[Vec<usize>]) -> Vec<usize> {
        let used: BTreeSet<usize> = assigned.iter().flatten().map(|assigned| assigned.table).collect();
        let unused = groups.iter().filter(|group| group.iter().all(|table| !used.contains(table)));
        let with_delay = |table: usize| {
            let delay = median(&delays(self.effects.get(table)?, &self.started))?;
            (delay > WITH_EVENT_S).then_some((delay, table))
        };
        in_order(unused.filter_map(|group| with_delay(group.first().copied()?)).collect())
    }
}

/// Returns the indexes, sorted by their delays.
fn in_order(mut delayed: Vec<(f64, usize)>) -> Vec<usize> {
    delayed.sort_by(|a, b| a.0.total_cmp(&b.0));
    delayed.into_iter().map(|(_, index)| index).collect()
}

/// Reports whether a table and a worker have the same name, apart from generic words and grammatical number.
fn is_named_after(worker: &Worker, effect: &LinkedTable) -> bool {
    singular(&subject(&worker.name)) == singular(&subject(&effect.table.name))
}

/// Returns the median, in seconds, of the gaps between each row and the nearest time for its id.
fn median_gap<'a, I: Iterator<Item = Timestamp>>(
    rows: &TimesById<'a>,
    times: impl Fn(&'a str) -> I,
) -> Option<f64> {
    let gap = |(id, at): (&&'a str, &Timestamp)| {
        times(id).map(|time| at.duration_since(time).as_secs_f64().abs()).reduce(f64::min)
    };
    let mut gaps: Vec<f64> = rows.iter().filter_map(gap).collect();
    gaps.sort_by(f64::total_cmp);
    median(&gaps)
}

/// Assigns groups to workers so that the sum of the values is maximal (auction algorithm). A worker
/// gets no group if none is worth its price.
fn best_assignment(values: &[Vec<f64>], groups: usize) -> Vec<Option<usize>> {
    let mut prices = vec![0.0; groups];
    let mut owners: BTreeMap<usize, usize> = BTreeMap::new();
    let mut bidders: Vec<usize> = (0..values.len()).rev().collect();
    while let Some(worker) = bidders.pop() {
        let all = values.get(worker).into_iter().flatten().zip(&prices).map(|(value, price)| value - price);
        let mut gains: Vec<(f64, usize)> = all.zip(0..).filter(|(gain, _)| *gain > 0.0).collect();
        gains.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some((gain, group)) = gains.first().copied() else { continue };
        let next = gains.get(1).map_or(0.0, |(gain, _)| *gain);
        if let Some(price) = prices.get_mut(group) {
            *price += gain - next + MIN_BID;
        }
        bidders.extend(owners.insert(group, worker));
    }
    let owned: BTreeMap<usize, usize> = owners.into_iter().map(|(group, worker)| (worker, group)).collect();
    (0..values.len()).map(|worker| owned.get(&worker).copied()).collect()
}

/// Returns another group that a worker could get with almost no loss of total value: a free group,
/// or a group whose owner could take the worker's group in exchange.
fn find_alternative(values: &[Vec<f64>], chosen: &[Option<usize>], worker: usize) -> Option<usize> {
    let value = |worker: usize, group: usize| values.get(worker).and_then(|row| row.get(group)).copied();
    let own = chosen.get(worker).copied().flatten()?;
    let is_alternative = |other: &usize| {
        let Some((now, then)) = value(worker, own).zip(value(worker, *other)) else { return false };
        let owner = chosen.iter().position(|group| *group == Some(*other));
        let (owner_now, owner_then) = match owner {
            Some(owner) => (value(owner, *other).unwrap_or_default(), value(owner, own).unwrap_or_default()),
            None => (0.0, 0.0),
        };
        then > 0.0
            && (owner.is_none() || owner_then > 0.0)
            && now + owner_now - then - owner_then < TIE_MARGIN
    };
    (0..values.get(worker)?.len()).filter(|other| *other != own).find(is_alternative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignment_maximizes_total_value() {
        // Both groups suit the first worker, but only one of them suits the second.
        assert_eq!(best_assignment(&[vec![1.0, 0.9], vec![0.8, -1.0]], 2), [Some(1), Some(0)]);
        // A group with a negative value is not assigned.
        assert_eq!(best_assignment(&[vec![-0.5], vec![0.3]], 1), [None, Some(0)]);
        // If two bidders are equal, only one of them gets the group.
        let chosen = best_assignment(&[vec![1.0], vec![1.0]], 1);
        assert_eq!(chosen.iter().flatten().count(), 1);
        assert_eq!(best_assignment(&[], 0), []);
    }

    #[test]
    fn finds_equally_good_alternative() {
        let values = [vec![1.0, 1.0], vec![1.0, 1.0]];
        assert_eq!(find_alternative(&values, &[Some(0), Some(1)], 0), Some(1));
        let values = [vec![1.0, 1.0], vec![-1.0, 1.0]];
        assert_eq!(find_alternative(&values, &[Some(0), Some(1)], 0), None);
    }
}
