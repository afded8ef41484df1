//! Which column is the correlation id: the one that runs through the tables, the
//! records and the logs, and that is another for every event.

use crate::collect::discovery::{Cluster, Survey, Table};
use crate::init::model::{Found, Held};
use crate::init::names::{singular, snake};
use crate::init::shape::{is_outbox, marks_shape};
use std::collections::BTreeSet;

/// The tables of all databases that were seen.
pub fn tables(survey: &Survey) -> Vec<(usize, &Table)> {
    let known = survey.databases.iter().enumerate();
    let known = known.filter_map(|(number, database)| Some((number, database.tables.known()?)));
    known.flat_map(|(number, tables)| tables.iter().map(move |table| (number, table))).collect()
}

/// The most likely correlation id, and the names of those that come next.
pub fn find(survey: &Survey) -> (Option<Found<'_>>, Vec<String>) {
    let tables = tables(survey);
    let names: BTreeSet<&str> = tables
        .iter()
        .flat_map(|(_, table)| &table.columns)
        .filter(|column| column.can_be_id() && is_reference(&column.name))
        .map(|column| column.name.as_str())
        .collect();
    let mut found: Vec<(f64, Found)> = names
        .into_iter()
        .map(|name| candidate(name, &tables))
        .map(|one| (score(&one, survey), one))
        .collect();
    // Of empty tables only their form tells.
    found.retain(|(score, one)| *score >= 1.0 && one.held.len() >= 2);
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut found = found.into_iter().map(|(_, one)| one);
    let best = found.next();
    let is_of_it =
        |one: &Found| best.iter().flat_map(|best| &best.held).any(|held| held.column.name == one.name);
    let others = found.filter(|one| !is_of_it(one)).map(|one| one.name).take(3).collect();
    (best, others)
}

fn is_reference(name: &str) -> bool {
    let name = snake(name);
    ["_id", "_no", "_number", "_ref", "_key", "_code", "_uuid", "_reference"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// All columns that hold it: of its name, those that a foreign key or their table's
/// name tells, and those whose values are its values.
fn candidate<'a>(name: &str, tables: &[(usize, &'a Table)]) -> Found<'a> {
    let all = || {
        let columns = |(database, table): &(usize, &'a Table)| {
            let (database, table) = (*database, *table);
            table.columns.iter().map(move |column| Held { database, table, column })
        };
        tables.iter().flat_map(columns).filter(|held| held.column.can_be_id())
    };
    let mut held: Vec<Held> = all().filter(|held| held.column.name == name).collect();
    let targets: Vec<_> = held.iter().filter_map(|held| held.column.refers_to.clone()).collect();
    let stem = snake(name).trim_end_matches("_id").to_string();
    let is_target = |one: &Held| {
        let referred =
            targets.iter().any(|(table, column)| one.table.name == *table && one.column.name == *column);
        let named = one.column.name == "id" && singular(&one.table.name) == stem && one.column.unique;
        referred || named
    };
    add(&mut held, all().filter(is_target));
    let values = values_of(&held);
    // Small numbers are everywhere.
    let telling = values.iter().filter(|value| value.len() >= 6).count() >= 3;
    let shares = |one: &Held| {
        let own: BTreeSet<&str> = one.table.values(&one.column.name).collect();
        let shared = own.intersection(&values).count();
        shared >= 3 && shared * 3 >= own.len()
    };
    if telling {
        add(&mut held, all().filter(shares));
    }
    let values = values_of(&held);
    Found { name: name.to_string(), held, values }
}

/// Each table once.
fn add<'a>(held: &mut Vec<Held<'a>>, more: impl Iterator<Item = Held<'a>>) {
    for one in more {
        let is_there =
            held.iter().any(|other| other.database == one.database && other.table.sql == one.table.sql);
        if !is_there {
            held.push(one);
        }
    }
}

fn values_of<'a>(held: &[Held<'a>]) -> BTreeSet<&'a str> {
    held.iter().flat_map(|one| one.table.values(&one.column.name)).collect()
}

fn score(found: &Found, survey: &Survey) -> f64 {
    let with_rows = found.held.iter().filter(|held| !held.table.rows.is_empty()).count();
    let tables = with_rows as f64 + (found.held.len() - with_rows) as f64 / 2.0;
    let own_for_each = found.held.iter().any(|held| {
        let values: Vec<&str> = held.table.values(&held.column.name).collect();
        let distinct: BTreeSet<&&str> = values.iter().collect();
        !is_outbox(held.table) && !values.is_empty() && distinct.len() * 10 >= values.len() * 9
    });
    let name = found.name.to_lowercase();
    let named = ["correlation", "trace_id", "saga"].iter().any(|word| name.contains(word));
    let marked = found.held.iter().any(|held| marks_shape(held.table, &held.column.name).is_some());
    // Somebody who acts is not what happens.
    let person = ["user", "customer", "tenant", "account", "student", "product", "item"];
    let person = person.iter().any(|word| name.contains(word));
    let on_records = survey.kafka.known().map_or(0.0, |cluster| on_records(found, cluster));
    let event_id = ["event_id", "message_id", "idempotency_key"].contains(&name.as_str());
    let yes = |it: bool, weight: f64| if it { weight } else { 0.0 };
    tables + on_records + yes(own_for_each, 3.0) + yes(named, 3.0) + yes(marked, 3.0) + in_logs(found, survey)
        - yes(person, 3.0)
        - yes(event_id, 4.0)
}

/// Six if every record has it as its key or in a header, two if in its value.
fn on_records(found: &Found, cluster: &Cluster) -> f64 {
    let records: Vec<_> = cluster.topics.values().flat_map(|topic| &topic.records).collect();
    let is = |value: &str| value.len() >= 4 && found.values.contains(value);
    let of = |record: &&crate::collect::discovery::Record| {
        if is(&record.key) || record.headers.values().any(|value| is(value)) {
            6.0
        } else if record.fields.iter().any(|(_, value)| is(value)) {
            2.0
        } else {
            0.0
        }
    };
    let sum: f64 = records.iter().map(of).sum();
    if records.is_empty() { 0.0 } else { sum / records.len() as f64 }
}

/// Three if at least two parts log it.
fn in_logs(found: &Found, survey: &Survey) -> f64 {
    let values: Vec<&&str> = found.values.iter().filter(|value| value.len() >= 6).take(60).collect();
    let logs = |part: &&crate::collect::discovery::Part| {
        part.log.iter().any(|line| values.iter().any(|value| line.contains(**value)))
    };
    if survey.parts.iter().filter(logs).count() >= 2 { 3.0 } else { 0.0 }
}
