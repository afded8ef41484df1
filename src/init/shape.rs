//! What a table is by its columns alone: an outbox, marks, and when its rows are written.

use crate::collect::discovery::{Column, Table, says_written, sql_name};
use crate::init::draft::Marks;
use crate::init::names::snake;

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
