//! What is known of the id, the tables and the workers while a pipeline is guessed.

use crate::collect::discovery::{Cluster, Column, Table};
use crate::evidence::Name;
use crate::init::draft::{Marks, Service, Worker};
use crate::init::names::snake;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A row as it was seen.
pub type Row = BTreeMap<String, String>;

/// A time for each id.
pub type Times<'a> = BTreeMap<&'a str, Timestamp>;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// Which database.
    pub database: usize,
    /// The table.
    pub table: &'a Table,
    /// The column.
    pub column: &'a Column,
}

/// A correlation id: its name, and the columns that hold it.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The column's name, where it has one of its own.
    pub name: String,
    /// Where it is.
    pub held: Vec<Held<'a>>,
    /// Its values that were seen.
    pub values: BTreeSet<&'a str>,
}

impl Found<'_> {
    /// Its type, as PostgreSQL writes it.
    pub fn of(&self) -> &str {
        self.held.first().map_or("text", |held| held.column.of.as_str())
    }

    /// What it is called: as in this column, unless that is called `id` only, else as in
    /// most tables.
    pub fn called(&self, column: Option<&str>) -> String {
        let says = |name: &&str| *name != "id";
        let names = || self.held.iter().map(|held| held.column.name.as_str()).filter(says);
        let often = |name: &str| names().filter(|other| *other == name).count();
        // Of several as often the first: those of the found name come first.
        let most = names().rev().max_by_key(|name| often(name));
        column.filter(says).or(most).unwrap_or(&self.name).to_string()
    }
}

/// A table whose rows belong to ids.
#[derive(Debug, Clone)]
pub struct Linked<'a> {
    /// Which database.
    pub database: usize,
    /// The table.
    pub table: &'a Table,
    /// The column that says when a row was written.
    pub written: Option<&'a str>,
    /// What stands for the id in SQL.
    pub id: String,
    /// What stands after `from`.
    pub from: String,
    /// What a row must fulfil.
    pub condition: Option<String>,
    /// What stands before its own columns: nothing, or an alias and a dot.
    pub prefix: &'static str,
    /// Its rows by id.
    pub rows: BTreeMap<&'a str, Vec<&'a Row>>,
    /// How it was found.
    pub how: String,
}

impl<'a> Linked<'a> {
    /// When the first row of an id was written.
    pub fn first(&self, id: &str) -> Option<Timestamp> {
        let written = self.written?;
        let times = self.rows.get(id)?.iter().filter_map(|row| row.get(written));
        times.filter_map(|time| time.parse().ok()).min()
    }

    /// The column of a status.
    pub fn status(&self) -> Option<&'a Column> {
        let names = ["status", "state", "outcome", "result"];
        let words = || self.table.columns.iter().filter(|column| column.is_word());
        let exact = |name: &&str| words().find(|column| snake(&column.name) == **name);
        let exact = names.iter().find_map(exact);
        exact.or_else(|| {
            words().find(|column| names.iter().any(|name| snake(&column.name).ends_with(&format!("_{name}"))))
        })
    }

    /// The statuses that were seen.
    pub fn statuses(&self) -> BTreeSet<&str> {
        let rows = self.rows.values().flatten();
        self.status()
            .map(|column| rows.filter_map(|row| row.get(&column.name)).map(String::as_str).collect())
            .unwrap_or_default()
    }
}

/// All that the stages are guessed from.
pub struct Clues<'a> {
    /// What the broker shows.
    pub cluster: Option<&'a Cluster>,
    /// The id.
    pub found: Option<&'a Found<'a>>,
    /// The table of marks.
    pub marks: Option<&'a (Linked<'a>, Marks)>,
    /// The table where every id begins.
    pub event: Option<&'a Linked<'a>>,
    /// When each id began.
    pub begun: Times<'a>,
    /// What is still to be sent, written when it was.
    pub outbox: Option<Linked<'a>>,
    /// What workers may leave.
    pub effects: Vec<Linked<'a>>,
    /// The names of the databases, the event's first.
    pub databases: Vec<&'a str>,
    /// The services that are no workers.
    pub services: &'a [Service],
    /// The workers.
    pub workers: &'a [Worker],
    /// The words that their logs speak of, by worker.
    pub said: BTreeMap<&'a str, BTreeSet<String>>,
}

/// What a worker's marks say.
#[derive(Debug, Default, Clone)]
pub struct Marked<'a> {
    /// What they call him.
    pub sources: BTreeSet<String>,
    /// The types that he has marked, and how often.
    pub types: BTreeMap<String, usize>,
    /// When, by id.
    pub times: BTreeMap<&'a str, Vec<Timestamp>>,
}

/// A stage before it has its place.
pub struct Candidate<'a> {
    /// Who handles its events.
    pub worker: &'a Worker,
    /// What he leaves.
    pub effect: Option<&'a Linked<'a>>,
    /// Another table that he could leave as well.
    pub or: Option<&'a Linked<'a>>,
    /// The topic of its events.
    pub topic: Option<&'a Name>,
    /// What he has marked.
    pub marked: Marked<'a>,
    /// Seconds after the event: what he reads, and what he leaves.
    pub delay: (f64, f64),
}
