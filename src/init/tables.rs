//! What tables are: which holds the marks, where every id begins, which hold what
//! workers leave, and when that was written.

use crate::collect::discovery::{Column, Table, says_written, sql_name};
use crate::init::draft::Marks;
use crate::init::effect::plain;
use crate::init::ids::{Found, Held};
use crate::init::names::snake;
use crate::init::times::{Times, comes_before, earliest, gaps, of_rows};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A row as it was seen.
pub type Row = BTreeMap<String, String>;

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
    /// A table that has the id itself.
    pub fn directly(held: &Held<'a>) -> Linked<'a> {
        let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &held.table.rows {
            if let Some(id) = row.get(&held.column.name) {
                rows.entry(id).or_default().push(row);
            }
        }
        Linked {
            database: held.database,
            table: held.table,
            written: written(held.table),
            id: sql_name(&held.column.name),
            from: held.table.sql.clone(),
            condition: None,
            prefix: "",
            rows,
            how: format!("its column {} has the id", held.column.name),
        }
    }

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

/// The column that says when a row was written: one that sounds so, else one that
/// ends like a time and is not about something else, else the only one.
pub fn written(table: &Table) -> Option<&str> {
    let times = || table.columns.iter().filter(|column| column.is_time());
    let sounds = |column: &&Column| says_written(&column.name);
    let has = |column: &Column, list: &[&str]| {
        let name = snake(&column.name);
        list.iter().any(|word| name.contains(word))
    };
    let future = ["schedule", "expire", "expiry", "due", "next", "valid", "until", "deadline"];
    let other = ["deleted", "updated", "start", "end"];
    let past = |column: &&Column| {
        let name = snake(&column.name);
        let ends =
            ["_at", "_on", "_date", "_time", "_timestamp", "_ts"].iter().any(|end| name.ends_with(end));
        ends && !has(column, &future) && !has(column, &other)
    };
    let only = || times().next().filter(|column| times().count() == 1 && !has(column, &future));
    times().find(sounds).or_else(|| times().find(past)).or_else(only).map(|column| column.name.as_str())
}

/// Whether it holds what is still to be sent.
pub fn is_outbox(table: &Table) -> bool {
    let sent = ["sent_at", "published_at", "dispatched_at", "emitted_at", "published", "sent"];
    let has =
        |names: &[&str]| table.columns.iter().any(|column| names.contains(&snake(&column.name).as_str()));
    table.name.to_lowercase().contains("outbox")
        || (has(&sent) && has(&["payload", "body", "message", "topic"]))
}

/// The table of what is still to be sent; written is what was sent, when it was.
pub fn outbox<'a>(direct: &[Linked<'a>]) -> Option<Linked<'a>> {
    let sent = ["sent", "published", "dispatched", "emitted", "processed"];
    let is_sent = |column: &&Column| {
        let name = snake(&column.name);
        column.is_time() && sent.iter().any(|word| name.contains(word))
    };
    direct.iter().filter(|linked| is_outbox(linked.table)).find_map(|linked| {
        let column = linked.table.columns.iter().find(is_sent)?;
        Some(Linked { written: Some(&column.name), ..linked.clone() })
    })
}

const TYPES: [&str; 11] = [
    "event_type",
    "message_type",
    "event_name",
    "event",
    "type",
    "kind",
    "job_type",
    "step",
    "stage",
    "action",
    "topic",
];
const SOURCES: [&str; 12] = [
    "source",
    "handler",
    "worker",
    "consumer",
    "processed_by",
    "handled_by",
    "done_by",
    "service",
    "subscriber",
    "consumer_group",
    "group_id",
    "actor",
];
const MESSAGES: [&str; 5] = ["event_id", "message_id", "msg_id", "message_uuid", "idempotency_key"];

/// The columns of a table of marks, if it can be one.
pub fn marks_shape(table: &Table, id: &str) -> Option<Marks> {
    if is_outbox(table) {
        return None;
    }
    let named = |names: &[&str], fits: fn(&Column) -> bool| {
        let column = |name: &&str| {
            table
                .columns
                .iter()
                .find(|column| snake(&column.name) == **name && column.name != id && fits(column))
        };
        names.iter().find_map(column).map(|column| sql_name(&column.name))
    };
    Some(Marks {
        table: table.sql.clone(),
        database: None,
        id: sql_name(id),
        event_id: named(&MESSAGES, Column::can_be_id),
        event_type: named(&TYPES, Column::is_word)?,
        source: named(&SOURCES, Column::is_word)?,
        processed_at: sql_name(written(table)?),
    })
}

/// The table of marks: of several the one that sounds most like it.
pub fn marks<'a>(found: &Found<'a>) -> Option<(Linked<'a>, Marks)> {
    let words = ["processed", "handled", "inbox", "consumed", "done", "mark", "idempot", "dedup", "progress"];
    let sounds = |table: &Table| words.iter().any(|word| table.name.to_lowercase().contains(word));
    let shaped = found.held.iter().filter_map(|held| {
        let marks = marks_shape(held.table, &held.column.name)?;
        Some((sounds(held.table), held, marks))
    });
    let best =
        shaped.max_by_key(|(sounds, held, marks)| (*sounds, marks.event_id.is_some(), held.table.rows.len()));
    best.map(|(_, held, marks)| (Linked::directly(held), marks))
}

/// By id, the earliest time of any of its rows.
pub fn beginnings<'a>(tables: &[Linked<'a>]) -> Times<'a> {
    earliest(tables.iter().flat_map(of_rows))
}

/// Seconds from one to the other time, of each id that has both.
pub fn delays(table: &Linked, from: &Times) -> Vec<f64> {
    gaps(from, &of_rows(table))
}

/// The middle one.
pub fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

/// The table where every id begins: whose rows are the first of their ids, and there
/// before a record is sent. Marks only where nothing else is as early.
pub fn event(tables: &[Linked], marks: Option<&str>, sent: &Times) -> Option<usize> {
    let begin = beginnings(tables);
    let usable =
        tables.iter().enumerate().filter(|(_, table)| table.written.is_some() && !is_outbox(table.table));
    let rank = |table: &Linked| {
        let lead = median(&delays(table, &begin)).unwrap_or(f64::MAX);
        let is_late = comes_before(&of_rows(table), sent);
        let is_marks = marks == Some(table.table.sql.as_str());
        let column = table.table.column(&plain(&table.id));
        let unique = column.is_some_and(|column| column.unique);
        let single = table.rows.values().all(|rows| rows.len() == 1) && !table.rows.is_empty();
        let named =
            |column: &Column| column.refers_to.as_ref().is_some_and(|(to, _)| *to == table.table.name);
        let root = table.id == "id" || tables.iter().any(|other| other.table.columns.iter().any(named));
        let misses = [single, root, unique].iter().filter(|has| !**has).count();
        // What lies within a twentieth of a second is written at once.
        let about = (lead * 20.0).floor();
        let kind = (is_late, is_marks, misses);
        (about, kind, lead, usize::MAX - table.rows.len())
    };
    let ranked = usable.map(|(place, table)| (rank(table), place));
    let best = ranked.min_by(|(a, _), (b, _)| {
        a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3))
    });
    best.map(|(_, place)| place)
}
