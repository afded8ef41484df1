//! Finds the correlation id: a column whose values appear in several tables, in records and in
//! logs, and differ from event to event.

use crate::collect::discovered::{Cluster, Component, Discovery, Record, Table};
use crate::init::column_roles::{is_outbox, marks_columns};
use crate::init::model::{CorrelationId, IdColumn};
use crate::init::naming::{singular, snake};
use std::collections::BTreeSet;

/// Returns the tables of all available databases, each with the index of its database.
pub fn all_tables(discovery: &Discovery) -> Vec<(usize, &Table)> {
    let databases = discovery.databases.iter().enumerate();
    let databases = databases.filter_map(|(number, database)| Some((number, database.tables.known()?)));
    databases.flat_map(|(number, tables)| tables.iter().map(move |table| (number, table))).collect()
}

/// Returns the most likely correlation id, and the names of up to three other candidates.
pub fn find_correlation_id(discovery: &Discovery) -> (Option<CorrelationId<'_>>, Vec<String>) {
    let tables = all_tables(discovery);
    let names: BTreeSet<&str> = tables
        .iter()
        .flat_map(|(_, table)| &table.columns)
        .filter(|column| column.can_be_id() && is_reference(&column.name))
        .map(|column| column.name.as_str())
        .collect();
    let mut candidates: Vec<(f64, CorrelationId)> = names
        .into_iter()
        .map(|name| candidate(name, &tables))
        .map(|candidate| (score(&candidate, discovery), candidate))
        .collect();
    // The threshold is low because empty tables are scored only by their columns.
    candidates.retain(|(score, candidate)| *score >= 1.0 && candidate.columns.len() >= 2);
    candidates.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut candidates = candidates.into_iter().map(|(_, candidate)| candidate);
    let best = candidates.next();
    let is_part_of_best =
        |name: &str| best.iter().flat_map(|best| &best.columns).any(|id| id.column.name == name);
    let others = candidates.map(|candidate| candidate.name).filter(|name| !is_part_of_best(name));
    let others = others.take(3).collect();
    (best, others)
}

/// Reports whether a column name has a suffix that is typical of ids.
fn is_reference(name: &str) -> bool {
    let name = snake(name);
    ["_id", "_no", "_number", "_ref", "_key", "_code", "_uuid", "_reference"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Collects the columns that hold the id called `name`: those with that name, those that they
/// reference (by foreign key or table name), and those with the same values.
fn candidate<'a>(name: &str, tables: &[(usize, &'a Table)]) -> CorrelationId<'a> {
    let all = || {
        let columns = |(database, table): &(usize, &'a Table)| {
            let (database, table) = (*database, *table);
            table.columns.iter().map(move |column| IdColumn { database, table, column })
        };
        tables.iter().flat_map(columns).filter(|id| id.column.can_be_id())
    };
    let mut columns: Vec<IdColumn> = all().filter(|id| id.column.name == name).collect();
    let targets: Vec<_> = columns.iter().filter_map(|id| id.column.refers_to.clone()).collect();
    let stem = snake(name).trim_end_matches("_id").to_string();
    let is_target = |id: &IdColumn| {
        let referred =
            targets.iter().any(|(table, column)| id.table.name == *table && id.column.name == *column);
        let named = id.column.name == "id" && singular(&id.table.name) == stem && id.column.unique;
        referred || named
    };
    add_new_tables(&mut columns, all().filter(is_target));
    let values = values_of(&columns);
    // Short values, such as small numbers, match by chance.
    let is_distinctive = values.iter().filter(|value| value.len() >= 6).count() >= 3;
    let shares_values = |id: &IdColumn| {
        let own: BTreeSet<&str> = id.table.values(&id.column.name).collect();
        let shared = own.intersection(&values).count();
        shared >= 3 && shared * 3 >= own.len()
    };
    if is_distinctive {
        add_new_tables(&mut columns, all().filter(shares_values));
    }
    let values = values_of(&columns);
    CorrelationId { name: name.to_string(), columns, values }
}

/// Adds the columns whose tables are not in the list yet.
fn add_new_tables<'a>(columns: &mut Vec<IdColumn<'a>>, more: impl Iterator<Item = IdColumn<'a>>) {
    for id in more {
        let is_listed =
            columns.iter().any(|other| other.database == id.database && other.table.sql == id.table.sql);
        if !is_listed {
            columns.push(id);
        }
    }
}

fn values_of<'a>(columns: &[IdColumn<'a>]) -> BTreeSet<&'a str> {
    columns.iter().flat_map(|id| id.table.values(&id.column.name)).collect()
}

/// Rates how likely a candidate is to be the correlation id.
fn score(id: &CorrelationId, discovery: &Discovery) -> f64 {
    let with_rows = id.columns.iter().filter(|column| !column.table.rows.is_empty()).count();
    let tables = with_rows as f64 + (id.columns.len() - with_rows) as f64 / 2.0;
    let is_distinct = id.columns.iter().any(|column| {
        let values: Vec<&str> = column.table.values(&column.column.name).collect();
        let distinct: BTreeSet<&&str> = values.iter().collect();
        !is_outbox(column.table) && !values.is_empty() && distinct.len() * 10 >= values.len() * 9
    });
    let name = id.name.to_lowercase();
    let named = ["correlation", "trace_id", "saga"].iter().any(|word| name.contains(word));
    let marked = id.columns.iter().any(|column| marks_columns(column.table, &column.column.name).is_some());
    // The id of a person or product outlives the event.
    let entity = ["user", "customer", "tenant", "account", "student", "product", "item"];
    let entity = entity.iter().any(|word| name.contains(word));
    let records = discovery.kafka.known().map_or(0.0, |cluster| record_score(id, cluster));
    let message_id = ["event_id", "message_id", "idempotency_key"].contains(&name.as_str());
    let weight = |applies: bool, weight: f64| if applies { weight } else { 0.0 };
    tables
        + records
        + weight(is_distinct, 3.0)
        + weight(named, 3.0)
        + weight(marked, 3.0)
        + log_score(id, discovery)
        - weight(entity, 3.0)
        - weight(message_id, 4.0)
}

/// Returns the average score of all records. An id scores 6 in the key or a header, and 2 in the
/// value.
fn record_score(id: &CorrelationId, cluster: &Cluster) -> f64 {
    let records: Vec<&Record> = cluster.topics.values().flat_map(|topic| &topic.records).collect();
    let is_id = |value: &str| value.len() >= 4 && id.values.contains(value);
    let score = |record: &&Record| {
        if is_id(&record.key) || record.headers.values().any(|value| is_id(value)) {
            6.0
        } else if record.fields.iter().any(|(_, value)| is_id(value)) {
            2.0
        } else {
            0.0
        }
    };
    let sum: f64 = records.iter().map(score).sum();
    if records.is_empty() { 0.0 } else { sum / records.len() as f64 }
}

/// Returns 3 if at least two components log the id, else 0.
fn log_score(id: &CorrelationId, discovery: &Discovery) -> f64 {
    let values: Vec<&&str> = id.values.iter().filter(|value| value.len() >= 6).take(60).collect();
    let logs_id = |component: &&Component| {
        component.log.iter().any(|line| values.iter().any(|value| line.contains(**value)))
    };
    if discovery.components.iter().filter(logs_id).count() >= 2 { 3.0 } else { 0.0 }
}
