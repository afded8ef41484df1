//! Trouble that has been mended since: what failed then would succeed now. An event that was given up before
//! stays where it is until it is sent again.

use crate::situation::Situation;
use crate::situation::clock::MAX_CLOCK_SKEW;
use crate::situation::logs::{Trouble, in_one_line};
use crate::text::log::LogRecord;
use jiff::Timestamp;
use regex::Regex;
use std::sync::LazyLock;

/// A column or table that a statement did not find, as PostgreSQL's message names it.
static MISSING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:column \\?"([^"\\]+)\\?" of )?relation \\?"([^"\\]+)\\?" does not exist"#)
        .expect("a constant pattern")
});

impl Situation<'_> {
    /// Returns why an error would not recur, if that is known: what it did not find exists now, or events that came
    /// later have passed. `lasting` tells whether such an error concerns all events until it is mended.
    pub fn mended(
        &self,
        component: &str,
        lasting: bool,
        text: &str,
        at: Option<Timestamp>,
    ) -> Option<String> {
        self.exists_now(text)
            .or_else(|| at.filter(|_| lasting).and_then(|at| self.later_success(component, at)))
    }

    /// Returns the newest error of a worker that has been mended since, and the reason. `None` if no event waits
    /// for it to be sent again.
    pub fn mended_error(&self, worker: &str) -> Option<String> {
        let id = self.id();
        let mut stages = self.pipeline.stages_of(worker);
        let waits = match id.known() {
            Some(_) => stages.any(|stage| self.lacks_effect(stage)),
            None => stages.any(|stage| self.backlog.has_stuck(stage)),
        };
        if !waits {
            return None;
        }
        let log = self.logs.of(worker);
        let in_log = log.known().and_then(|log| {
            let of_event = |trouble: &&Trouble| id.known().is_none_or(|id| trouble.record.names(id));
            let troubles = log.all_troubles().filter(|trouble| !trouble.healed).filter(of_event);
            let mut newest: Vec<&Trouble> = troubles.collect();
            newest.sort_by_key(|trouble| std::cmp::Reverse(trouble.record.at));
            newest.into_iter().find_map(|trouble| {
                let why = self.mended(worker, trouble.lasting, &trouble.quote, trouble.record.at)?;
                Some(format!("{}{}; {why}", trouble.record.time_of_day(), trouble.quote))
            })
        });
        let in_letter = || {
            let (at, time, reason) = self.deliveries.dead_letter_reason(self, worker)?;
            let found = self.logs.signatures.of(&LogRecord::parse(reason));
            let lasting = found.iter().any(|found| self.logs.signatures[found.signature].lasting);
            let why = self.mended(worker, lasting, reason, time)?;
            Some(format!("{at}{}; {why}", in_one_line(reason)))
        };
        in_log.or_else(in_letter)
    }

    fn exists_now(&self, text: &str) -> Option<String> {
        let tables = self.inputs.database().known()?.columns.as_ref()?.known()?;
        let missing = MISSING.captures(text)?;
        let table = missing.get(2)?.as_str();
        let columns = tables.get(table.rsplit('.').next().unwrap_or(table))?;
        match missing.get(1).map(|column| column.as_str()) {
            None => Some(format!("mended since: {table} exists now")),
            Some(column) if columns.iter().any(|other| other == column) => {
                Some(format!("mended since: {table} has the column {column} now"))
            }
            Some(_) => None,
        }
    }

    /// Returns when a later event got past this worker, if none that came after it is stuck there, and the worker
    /// does not try again: it has sent dead letters.
    fn later_success(&self, worker: &str, at: Timestamp) -> Option<String> {
        let gave_up = match self.id().known() {
            Some(_) => self.deliveries.dead_letter_of(self, worker).is_some(),
            None => self.deliveries.has_dead_letters(),
        };
        if !gave_up || self.has_replicas(worker) {
            return None;
        }
        self.pipeline.stages_of(worker).find_map(|stage| {
            let extent = *self.backlog.extent(stage).known()?;
            let good = extent.last_good.filter(|good| good.duration_since(at) > MAX_CLOCK_SKEW)?;
            let none_after = extent.newest.iter().all(|stuck| stuck.at < good);
            let time = good.strftime("%H:%M:%S");
            (extent.stuck > 0 && none_after).then(|| format!("mended since: a later event passed at {time}"))
        })
    }

    fn has_replicas(&self, worker: &str) -> bool {
        self.workloads.get(worker).is_some_and(|workload| workload.replicas.known().is_some())
    }
}
