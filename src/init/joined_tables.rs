//! Links tables without the id through joins: on the key of a table that has the id, or on
//! values in an event's JSON document (`payload->>'customerId'`).

use crate::collect::discovered::{Table, sql_name};
use crate::init::column_roles::{is_outbox, write_time_column};
use crate::init::model::{LinkedTable, Row};
use crate::init::naming::{singular, snake};
use crate::text::sql_literal::literal;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the tables in `others` that can be joined to tables with the id.
pub fn join_tables<'a>(
    direct: &[LinkedTable<'a>],
    others: &[(usize, &'a Table)],
    event_type: Option<(&str, &str)>,
) -> Vec<LinkedTable<'a>> {
    let mut found: Vec<LinkedTable> = Vec::new();
    let others: Vec<_> =
        others.iter().filter(|(_, table)| !table.rows.is_empty() && !is_outbox(table)).collect();
    for (database, table) in &others {
        let in_same_database = |linked: &&LinkedTable| linked.database == *database;
        let linked = || direct.iter().filter(in_same_database);
        let by_key = linked().find_map(|linked| join_by_key(linked, table));
        let by_document = || linked().find_map(|linked| join_by_document(linked, table, event_type));
        found.extend(by_key.or_else(by_document));
    }
    let joined: BTreeSet<String> = found.iter().map(|linked| linked.table.sql.clone()).collect();
    for (_, table) in others.iter().filter(|(_, table)| !joined.contains(&table.sql)) {
        let indirect = found.iter().find_map(|linked| join_to_joined(linked, table));
        found.extend(indirect);
    }
    found
}

/// Joins a table by a column that refers to the unique key of a table with the id.
fn join_by_key<'a>(linked: &LinkedTable<'a>, table: &'a Table) -> Option<LinkedTable<'a>> {
    let (key, column) = key_column(linked.table, table)?;
    let ids = ids_by_value(linked, key);
    let rows = rows_by_id(table, |row| ids.get(row.get(column)?.as_str()).copied());
    let on = format!("n.{} = e.{}", sql_name(column), sql_name(key));
    Some(LinkedTable {
        database: linked.database,
        table,
        written_at: write_time_column(table),
        id: format!("e.{}", linked.id),
        from: format!("{} e\n  join {} n on {on}", linked.from, table.sql),
        condition: linked.condition.clone(),
        prefix: "n.",
        comment: format!("column {column} refers to {}", linked.table.name),
        rows: Some(rows).filter(|rows| !rows.is_empty())?,
    })
}

/// Joins a table by a column that refers to the unique key of a table that was itself joined.
fn join_to_joined<'a>(linked: &LinkedTable<'a>, table: &'a Table) -> Option<LinkedTable<'a>> {
    let (key, column) = key_column(linked.table, table)?;
    let ids = ids_by_value(linked, key);
    let rows = rows_by_id(table, |row| ids.get(row.get(column)?.as_str()).copied());
    Some(LinkedTable {
        database: linked.database,
        table,
        written_at: write_time_column(table),
        id: linked.id.clone(),
        from: format!(
            "{}\n  join {} m on m.{} = n.{}",
            linked.from,
            table.sql,
            sql_name(column),
            sql_name(key)
        ),
        condition: linked.condition.clone(),
        prefix: "m.",
        comment: format!("column {column} refers to {}", linked.table.name),
        rows: Some(rows).filter(|rows| !rows.is_empty())?,
    })
}

/// Returns the unique key of the table `target`, and the column of `table` that refers to it.
fn key_column<'a>(target: &'a Table, table: &'a Table) -> Option<(&'a str, &'a str)> {
    let referring = table.columns.iter().find_map(|column| {
        let (to, key) = column.refers_to.as_ref()?;
        let key = target.column(key)?;
        (*to == target.name).then_some((key.name.as_str(), column.name.as_str()))
    });
    let key = target
        .columns
        .iter()
        .find(|column| column.unique && column.name == "id" && column.sql_type == "uuid");
    referring.or_else(|| {
        let stem = singular(&target.name);
        let named = table.columns.iter().find(|column| {
            let name = snake(&column.name);
            let name = name.strip_suffix("_id").unwrap_or("");
            !name.is_empty() && (stem == name || stem.ends_with(&format!("_{name}")))
        });
        Some((key?.name.as_str(), named?.name.as_str()))
    })
}

/// Maps each value of the column `key` to its id.
fn ids_by_value<'a>(linked: &LinkedTable<'a>, key: &str) -> BTreeMap<&'a str, &'a str> {
    let pairs = linked.rows.iter().flat_map(|(id, rows)| {
        rows.iter().filter_map(|row| Some((row.get(key)?.as_str(), *id))).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// Groups the rows of a table by the id that `id_of` returns.
fn rows_by_id<'a>(
    table: &'a Table,
    id_of: impl Fn(&'a Row) -> Option<&'a str>,
) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &table.rows {
        if let Some(id) = id_of(row) {
            rows.entry(id).or_default().push(row);
        }
    }
    rows
}

/// Joins a table by columns with the same names as fields of the event's JSON document, such
/// as `student_id` and `studentId`.
fn join_by_document<'a>(
    linked: &LinkedTable<'a>,
    table: &'a Table,
    event_type: Option<(&str, &str)>,
) -> Option<LinkedTable<'a>> {
    let document = linked.table.columns.iter().find(|column| column.sql_type == "jsonb")?;
    let of_type = event_type.filter(|(column, _)| linked.table.column(column).is_some());
    let documents: Vec<(&str, serde_json::Map<String, serde_json::Value>)> = linked
        .rows
        .iter()
        .flat_map(|(id, rows)| rows.iter().map(move |row| (*id, *row)))
        .filter(|(_, row)| {
            of_type.is_none_or(|(column, value)| row.get(column).is_some_and(|is| is == value))
        })
        .filter_map(|(id, row)| Some((id, serde_json::from_str(row.get(&document.name)?).ok()?)))
        .collect();
    let names: BTreeSet<&String> = documents.iter().flat_map(|(_, document)| document.keys()).collect();
    let pairs: Vec<(&String, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let column = table.columns.iter().find(|column| snake(&column.name) == snake(name))?;
            (column.can_be_id() && column.name.contains('_')).then_some((name, column.name.as_str()))
        })
        .collect();
    let ids: BTreeMap<Vec<&str>, &str> = documents
        .iter()
        .filter_map(|(id, document)| {
            let values: Option<Vec<&str>> =
                pairs.iter().map(|(name, _)| document.get(*name)?.as_str()).collect();
            Some((values?, *id))
        })
        .collect();
    let key = |row: &'a Row| -> Option<Vec<&'a str>> {
        pairs.iter().map(|(_, column)| row.get(*column).map(String::as_str)).collect()
    };
    let rows = rows_by_id(table, |row| ids.get(&key(row)?).copied());
    if pairs.is_empty() || rows.is_empty() || ids.len() * 2 < documents.len() {
        return None;
    }
    let json = sql_name(&document.name);
    let on = pairs
        .iter()
        .map(|(name, column)| format!("n.{}::text = e.{json}->>{}", sql_name(column), literal(name)));
    let on: Vec<String> = on.collect();
    let condition = of_type.map(|(column, value)| format!("e.{} = {}", sql_name(column), literal(value)));
    Some(LinkedTable {
        database: linked.database,
        table,
        written_at: write_time_column(table),
        id: format!("e.{}", linked.id),
        from: format!("{} e\n  join {} n on {}", linked.from, table.sql, on.join(" and ")),
        condition,
        prefix: "n.",
        rows,
        comment: format!("{} in {} contains {}", document.name, linked.table.name, column_list(&pairs)),
    })
}

fn column_list(pairs: &[(&String, &str)]) -> String {
    pairs.iter().map(|(_, column)| *column).collect::<Vec<_>>().join(" and ")
}
