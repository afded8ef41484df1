//! Takes the lines of a log, from wherever they come, and keeps the relevant records.

use crate::collect::logs::filter::{Criteria, Selection};
use crate::collect::logs::multiline::{Numbered, RecordAssembler};
use crate::collect::runtime::docker::log_lines::Line;
use crate::evidence::{Log, LogSource, Name, Reach};
use jiff::Timestamp;
use regex::Regex;

/// What was read of a log.
#[derive(Clone, Default)]
pub(super) struct Stats {
    /// Log entries as the engine counts them for `tail`. A long line counts as several entries.
    pub(super) entries: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

/// The state of reading one log.
pub(super) struct Intake<'a> {
    criteria: &'a Criteria,
    records: RecordAssembler,
    selection: Selection<'a>,
    pub(super) stats: Stats,
}

impl<'a> Intake<'a> {
    /// `started` matches the line that the worker logs when it starts.
    pub(super) fn new(criteria: &'a Criteria, started: Option<&'a Regex>) -> Self {
        Intake {
            criteria,
            records: RecordAssembler::default(),
            selection: Selection::new(criteria, started),
            stats: Stats::default(),
        }
    }

    pub(super) fn add(&mut self, line: Line) {
        self.stats.from = self.stats.from.into_iter().chain(line.at).min();
        self.stats.to = self.stats.to.into_iter().chain(line.at).max();
        if let Some(record) = self.records.add(line) {
            self.add_record(record);
        }
    }

    fn add_record(&mut self, record: Numbered) {
        self.stats.records += 1;
        self.selection.add(record);
    }

    /// Returns the log. `reach` decides from the statistics and the wanted time how far back it was read.
    pub(super) fn finish(
        mut self,
        container: Name,
        source: LogSource,
        reach: impl FnOnce(&Stats, Timestamp) -> Reach,
    ) -> Log {
        for record in std::mem::take(&mut self.records).finish() {
            self.add_record(record);
        }
        let Intake { criteria, selection, stats, .. } = self;
        let (records, dropped) = selection.finish();
        Log {
            container,
            read: stats.records,
            bytes: stats.bytes,
            from: stats.from,
            to: stats.to,
            wanted: criteria.since,
            reach: reach(&stats, criteria.since),
            estimated_bytes: None,
            records,
            cut: dropped.any,
            cut_of_event: dropped.about_event,
            source: Some(source),
        }
    }
}
