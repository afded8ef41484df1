//! The data that the pipeline is inferred from: the correlation id, tables, marks and workers.

use crate::collect::discovered::{Cluster, Column, Table};
use crate::evidence::Name;
use crate::init::draft::{Marks, Service, Worker};
use crate::init::naming::snake;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A row of a table: column name → value.
pub type Row = BTreeMap<String, String>;

/// One time per correlation id.
pub type TimesById<'a> = BTreeMap<&'a str, Timestamp>;

/// A column that holds the correlation id.
#[derive(Debug, Clone, Copy)]
pub struct IdColumn<'a> {
    /// The index of the database.
    pub database: usize,
    /// The table.
    pub table: &'a Table,
    /// The column.
    pub column: &'a Column,
}

/// A correlation id and the columns that hold it.
#[derive(Debug, Clone)]
pub struct CorrelationId<'a> {
    /// The column name by which it was found.
    pub name: String,
    /// The columns that hold it.
    pub columns: Vec<IdColumn<'a>>,
    /// The values seen in these columns.
    pub values: BTreeSet<&'a str>,
}

impl CorrelationId<'_> {
    /// Returns its type in PostgreSQL.
    pub fn sql_type(&self) -> &str {
        self.columns.first().map_or("text", |id| id.column.sql_type.as_str())
    }

    /// Returns its display name: the given column's name unless that is just `id`, else the
    /// most common column name.
    pub fn display_name(&self, column: Option<&str>) -> String {
        let is_specific = |name: &&str| *name != "id";
        let names = || self.columns.iter().map(|id| id.column.name.as_str()).filter(is_specific);
        let count = |name: &str| names().filter(|other| *other == name).count();
        // On a tie, the first name wins; columns with the id's own name come first.
        let most_common = names().rev().max_by_key(|name| count(name));
        column.filter(is_specific).or(most_common).unwrap_or(&self.name).to_string()
    }
}

/// A table whose rows can be linked to correlation ids.
#[derive(Debug, Clone)]
pub struct LinkedTable<'a> {
    /// The index of the database.
    pub database: usize,
    /// The table.
    pub table: &'a Table,
    /// The column with the time a row was written.
    pub written_at: Option<&'a str>,
    /// The SQL expression for the id.
    pub id: String,
    /// The SQL `from` clause, without the keyword.
    pub from: String,
    /// The SQL `where` condition, without the keyword.
    pub condition: Option<String>,
    /// The prefix of its own columns in SQL: empty, or an alias and a dot.
    pub prefix: &'static str,
    /// Its rows by id.
    pub rows: BTreeMap<&'a str, Vec<&'a Row>>,
    /// A comment on how it was found.
    pub comment: String,
}

impl<'a> LinkedTable<'a> {
    /// Returns the time of the first row with this id.
    pub fn first_written(&self, id: &str) -> Option<Timestamp> {
        let written_at = self.written_at?;
        let times = self.rows.get(id)?.iter().filter_map(|row| row.get(written_at));
        times.filter_map(|time| time.parse().ok()).min()
    }

    /// Returns the column that holds a status.
    pub fn status_column(&self) -> Option<&'a Column> {
        let names = ["status", "state", "outcome", "result"];
        let words = || self.table.columns.iter().filter(|column| column.is_text());
        let exact = |name: &&str| words().find(|column| snake(&column.name) == **name);
        let exact = names.iter().find_map(exact);
        exact.or_else(|| {
            words().find(|column| names.iter().any(|name| snake(&column.name).ends_with(&format!("_{name}"))))
        })
    }

    /// Returns the statuses seen in its rows.
    pub fn statuses(&self) -> BTreeSet<&str> {
        let rows = self.rows.values().flatten();
        self.status_column()
            .map(|column| rows.filter_map(|row| row.get(&column.name)).map(String::as_str).collect())
            .unwrap_or_default()
    }
}

/// All observations from which the stages are inferred.
pub struct Observations<'a> {
    /// Topics, records and groups of the broker.
    pub cluster: Option<&'a Cluster>,
    /// The correlation id.
    pub id: Option<&'a CorrelationId<'a>>,
    /// The table of marks.
    pub marks: Option<&'a (LinkedTable<'a>, Marks)>,
    /// The table in which every id appears first.
    pub event: Option<&'a LinkedTable<'a>>,
    /// The time of each id's first row.
    pub started: TimesById<'a>,
    /// The outbox; `written_at` is the time at which a row was sent.
    pub outbox: Option<LinkedTable<'a>>,
    /// Tables that workers may write to.
    pub effects: Vec<LinkedTable<'a>>,
    /// The names of the databases; the one with the event comes first.
    pub databases: Vec<&'a str>,
    /// Services that are not workers.
    pub services: &'a [Service],
    /// The workers.
    pub workers: &'a [Worker],
    /// The words in each worker's log.
    pub log_words: BTreeMap<&'a str, BTreeSet<String>>,
}

/// The marks written by one worker.
#[derive(Debug, Default, Clone)]
pub struct WorkerMarks<'a> {
    /// The names that the worker uses in its marks.
    pub sources: BTreeSet<String>,
    /// The event types that it marked, with their counts.
    pub types: BTreeMap<String, usize>,
    /// The times of its marks by id.
    pub times: BTreeMap<&'a str, Vec<Timestamp>>,
}

/// A stage whose position is not known yet.
pub struct StageCandidate<'a> {
    /// The worker that handles its events.
    pub worker: &'a Worker,
    /// The table that the worker writes to.
    pub effect: Option<&'a LinkedTable<'a>>,
    /// Another table that the worker could write to instead.
    pub alternative: Option<&'a LinkedTable<'a>>,
    /// The topic of its events.
    pub topic: Option<&'a Name>,
    /// The marks written by the worker.
    pub marks: WorkerMarks<'a>,
    /// Seconds from the event to the worker's input, and to its effect.
    pub delay: (f64, f64),
}
