//! What tables are: which holds the marks, where every id begins, which hold what
//! workers leave, and when that was written.

use crate::collect::discovery::{Column, Table, sql_name};
use crate::init::draft::Marks;
use crate::init::model::{Found, Held, Linked, Row, Times};
use crate::init::names::snake;
use crate::init::shape::{is_outbox, marks_shape, written};
use crate::init::sql_text::plain;
use crate::init::times::{comes_before, earliest, gaps, of_rows};
use std::collections::BTreeMap;

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
