//! Finds the table of marks, the outbox, and the table in which every id appears first.

use crate::collect::discovered::{Column, Table, sql_name};
use crate::init::column_roles::{is_outbox, marks_columns, write_time_column};
use crate::init::draft::Marks;
use crate::init::event_times::{earliest, first_row_times, gaps, is_out_of_order};
use crate::init::model::{CorrelationId, IdColumn, LinkedTable, Row, TimesById};
use crate::init::naming::snake;
use crate::init::sql_quoting::unquoted;
use std::collections::BTreeMap;

impl<'a> LinkedTable<'a> {
    /// Links a table that has a column for the id.
    pub fn with_id_column(id: &IdColumn<'a>) -> LinkedTable<'a> {
        let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &id.table.rows {
            if let Some(value) = row.get(&id.column.name) {
                rows.entry(value).or_default().push(row);
            }
        }
        LinkedTable {
            database: id.database,
            table: id.table,
            written_at: write_time_column(id.table),
            id: sql_name(&id.column.name),
            from: id.table.sql.clone(),
            condition: None,
            prefix: "",
            rows,
            comment: format!("column {} holds the id", id.column.name),
        }
    }
}

/// Finds the outbox. `written_at` of the result is the time at which a row was sent.
pub fn find_outbox<'a>(direct: &[LinkedTable<'a>]) -> Option<LinkedTable<'a>> {
    let sent = ["sent", "published", "dispatched", "emitted", "processed"];
    let is_sent = |column: &&Column| {
        let name = snake(&column.name);
        column.is_time() && sent.iter().any(|word| name.contains(word))
    };
    direct.iter().filter(|linked| is_outbox(linked.table)).find_map(|linked| {
        let column = linked.table.columns.iter().find(is_sent)?;
        Some(LinkedTable { written_at: Some(&column.name), ..linked.clone() })
    })
}

/// Finds the table of marks. If there are several, the table with the most typical name wins.
pub fn find_marks<'a>(id: &CorrelationId<'a>) -> Option<(LinkedTable<'a>, Marks)> {
    let words = ["processed", "handled", "inbox", "consumed", "done", "mark", "idempot", "dedup", "progress"];
    let has_typical_name = |table: &Table| words.iter().any(|word| table.name.to_lowercase().contains(word));
    let candidates = id.columns.iter().filter_map(|column| {
        let marks = marks_columns(column.table, &column.column.name)?;
        Some((has_typical_name(column.table), column, marks))
    });
    let best = candidates.max_by_key(|(has_typical_name, column, marks)| {
        (*has_typical_name, marks.event_id.is_some(), column.table.rows.len())
    });
    best.map(|(_, column, marks)| (LinkedTable::with_id_column(column), marks))
}

/// Returns the time of each id's first row in any of the tables.
pub fn first_times<'a>(tables: &[LinkedTable<'a>]) -> TimesById<'a> {
    earliest(tables.iter().flat_map(first_row_times))
}

/// Returns the seconds from `from` to the first row in `table`, for each id that has both, in
/// ascending order.
pub fn delays(table: &LinkedTable, from: &TimesById) -> Vec<f64> {
    gaps(from, &first_row_times(table))
}

/// Returns the median of sorted values.
pub fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

/// Returns the index of the event table, which has the first row of each id, written before a
/// record is sent. Chooses the table of marks only if no other table is as early.
pub fn find_event_table(tables: &[LinkedTable], marks: Option<&str>, sent: &TimesById) -> Option<usize> {
    let first = first_times(tables);
    let usable =
        tables.iter().enumerate().filter(|(_, table)| table.written_at.is_some() && !is_outbox(table.table));
    let rank = |table: &LinkedTable| {
        let delay = median(&delays(table, &first)).unwrap_or(f64::MAX);
        let is_late = is_out_of_order(&first_row_times(table), sent);
        let is_marks = marks == Some(table.table.sql.as_str());
        let column = table.table.column(&unquoted(&table.id));
        let unique = column.is_some_and(|column| column.unique);
        let single = table.rows.values().all(|rows| rows.len() == 1) && !table.rows.is_empty();
        let refers_here =
            |column: &Column| column.refers_to.as_ref().is_some_and(|(to, _)| *to == table.table.name);
        let root = table.id == "id" || tables.iter().any(|other| other.table.columns.iter().any(refers_here));
        let misses = [single, root, unique].iter().filter(|has| !**has).count();
        // Rows within 50 ms of each other count as written together.
        let rounded_delay = (delay * 20.0).floor();
        let kind = (is_late, is_marks, misses);
        (rounded_delay, kind, delay, usize::MAX - table.rows.len())
    };
    let ranked = usable.map(|(index, table)| (rank(table), index));
    let best = ranked.min_by(|(a, _), (b, _)| {
        a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3))
    });
    best.map(|(_, index)| index)
}
