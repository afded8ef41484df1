//! Tables that do not have the id themselves: reached by what an event's document
//! names (`payload->>'customerId'`), or by the key of a table that was reached.

use crate::collect::discovery::{Table, sql_name};
use crate::init::model::{Linked, Row};
use crate::init::names::{singular, snake};
use crate::init::shape::{is_outbox, written};
use std::collections::{BTreeMap, BTreeSet};

/// The tables that can be reached from those that have the id.
pub fn further<'a>(
    direct: &[Linked<'a>],
    others: &[(usize, &'a Table)],
    event_type: Option<(&str, &str)>,
) -> Vec<Linked<'a>> {
    let mut found: Vec<Linked> = Vec::new();
    let others: Vec<_> =
        others.iter().filter(|(_, table)| !table.rows.is_empty() && !is_outbox(table)).collect();
    for (database, table) in &others {
        let of_same = |linked: &&Linked| linked.database == *database;
        let by_key = direct.iter().filter(of_same).find_map(|linked| by_key(linked, table));
        let by_document =
            || direct.iter().filter(of_same).find_map(|linked| by_document(linked, table, event_type));
        found.extend(by_key.or_else(by_document));
    }
    let reached: BTreeSet<String> = found.iter().map(|linked| linked.table.sql.clone()).collect();
    for (_, table) in others.iter().filter(|(_, table)| !reached.contains(&table.sql)) {
        let one = found.iter().find_map(|linked| by_key_of_reached(linked, table));
        found.extend(one);
    }
    found
}

/// A column that names the unique key of a table that has the id.
fn by_key<'a>(linked: &Linked<'a>, table: &'a Table) -> Option<Linked<'a>> {
    let (key, column) = key_column(linked.table, table)?;
    let ids = ids_by(linked, key);
    let rows = rows_by(table, |row| ids.get(row.get(column)?.as_str()).copied());
    let on = format!("n.{} = e.{}", sql_name(column), sql_name(key));
    Some(Linked {
        database: linked.database,
        table,
        written: written(table),
        id: format!("e.{}", linked.id),
        from: format!("{} e\n  join {} n on {on}", linked.from, table.sql),
        condition: linked.condition.clone(),
        prefix: "n.",
        how: format!("its column {column} names a row of {}", linked.table.name),
        rows: Some(rows).filter(|rows| !rows.is_empty())?,
    })
}

/// The same of a table that was itself reached by a join.
fn by_key_of_reached<'a>(linked: &Linked<'a>, table: &'a Table) -> Option<Linked<'a>> {
    let (key, column) = key_column(linked.table, table)?;
    let ids = ids_by(linked, key);
    let rows = rows_by(table, |row| ids.get(row.get(column)?.as_str()).copied());
    Some(Linked {
        database: linked.database,
        table,
        written: written(table),
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
        how: format!("its column {column} names a row of {}", linked.table.name),
        rows: Some(rows).filter(|rows| !rows.is_empty())?,
    })
}

/// The unique key of one table, and the column of another that names it.
fn key_column<'a>(of: &'a Table, table: &'a Table) -> Option<(&'a str, &'a str)> {
    let referring = table.columns.iter().find_map(|column| {
        let (to, key) = column.refers_to.as_ref()?;
        let key = of.column(key)?;
        (*to == of.name).then_some((key.name.as_str(), column.name.as_str()))
    });
    let key = of.columns.iter().find(|column| column.unique && column.name == "id" && column.of == "uuid");
    referring.or_else(|| {
        let stem = singular(&of.name);
        let named = table.columns.iter().find(|column| {
            let name = snake(&column.name);
            let name = name.strip_suffix("_id").unwrap_or("");
            !name.is_empty() && (stem == name || stem.ends_with(&format!("_{name}")))
        });
        Some((key?.name.as_str(), named?.name.as_str()))
    })
}

/// The ids by the value of another column.
fn ids_by<'a>(linked: &Linked<'a>, key: &str) -> BTreeMap<&'a str, &'a str> {
    let pairs = linked.rows.iter().flat_map(|(id, rows)| {
        rows.iter().filter_map(|row| Some((row.get(key)?.as_str(), *id))).collect::<Vec<_>>()
    });
    pairs.collect()
}

fn rows_by<'a>(
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

/// Columns that a document of the event names: `student_id` by `studentId`.
fn by_document<'a>(
    linked: &Linked<'a>,
    table: &'a Table,
    event_type: Option<(&str, &str)>,
) -> Option<Linked<'a>> {
    let document = linked.table.columns.iter().find(|column| column.of == "jsonb")?;
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
    let rows = rows_by(table, |row| ids.get(&key(row)?).copied());
    if pairs.is_empty() || rows.is_empty() || ids.len() * 2 < documents.len() {
        return None;
    }
    let json = sql_name(&document.name);
    let on = pairs.iter().map(|(name, column)| {
        format!("n.{}::text = e.{json}->>'{}'", sql_name(column), name.replace('\'', "''"))
    });
    let on: Vec<String> = on.collect();
    let condition =
        of_type.map(|(column, value)| format!("e.{} = '{}'", sql_name(column), value.replace('\'', "''")));
    Some(Linked {
        database: linked.database,
        table,
        written: written(table),
        id: format!("e.{}", linked.id),
        from: format!("{} e\n  join {} n on {}", linked.from, table.sql, on.join(" and ")),
        condition,
        prefix: "n.",
        rows,
        how: format!("{} of {} names its {}", document.name, linked.table.name, listed(&pairs)),
    })
}

fn listed(pairs: &[(&String, &str)]) -> String {
    pairs.iter().map(|(_, column)| *column).collect::<Vec<_>>().join(" and ")
}
