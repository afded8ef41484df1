//! Recognizes outboxes, tables of marks, and write times by the names of columns.

use crate::collect::discovered::{Column, Table, is_write_time, sql_name};
use crate::init::draft::Marks;
use crate::init::naming::snake;

/// Returns the column with the time at which a row was written: a column named like a write time,
/// or else like any other past time, or else the only time column.
pub fn write_time_column(table: &Table) -> Option<&str> {
    let times = || table.columns.iter().filter(|column| column.is_time());
    let has_write_time_name = |column: &&Column| is_write_time(&column.name);
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
    times()
        .find(has_write_time_name)
        .or_else(|| times().find(past))
        .or_else(only)
        .map(|column| column.name.as_str())
}

/// Reports whether a table is an outbox, which holds messages to be sent.
pub fn is_outbox(table: &Table) -> bool {
    let sent = ["sent_at", "published_at", "dispatched_at", "emitted_at", "published", "sent"];
    let has =
        |names: &[&str]| table.columns.iter().any(|column| names.contains(&snake(&column.name).as_str()));
    table.name.to_lowercase().contains("outbox")
        || (has(&sent) && has(&["payload", "body", "message", "topic"]))
}

const TYPE_COLUMNS: [&str; 11] = [
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
const SOURCE_COLUMNS: [&str; 12] = [
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
const MESSAGE_ID_COLUMNS: [&str; 5] = ["event_id", "message_id", "msg_id", "message_uuid", "idempotency_key"];

/// Returns the columns of a table of marks, or `None` if the table cannot be one.
pub fn marks_columns(table: &Table, id: &str) -> Option<Marks> {
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
        event_id: named(&MESSAGE_ID_COLUMNS, Column::can_be_id),
        event_type: named(&TYPE_COLUMNS, Column::is_text)?,
        source: named(&SOURCE_COLUMNS, Column::is_text)?,
        processed_at: sql_name(write_time_column(table)?),
    })
}
