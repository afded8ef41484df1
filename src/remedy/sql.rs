//! SQL to review: marks to remove, records to read.

use crate::base::name::MAIN_DATABASE;
use crate::cli::{address_variable, quoted};
use crate::evidence::{Instance, InstanceState, Mapped};
use crate::pipeline::Stage;
use crate::pipeline::sql::record_lines;
use crate::remedy::Remedy;
use crate::situation::Situation;

/// `psql` at a database that was read: in its container, if the
/// address led there, else by the address in its variable.
pub(crate) fn psql(view: &Situation, database: &str) -> String {
    let container = container(view, database);
    let there = container.zip(place(view, database)).filter(|(container, place)| led_to(place, container));
    let address =
        there.and_then(|(container, place)| Some((container, url::Url::parse(place.address).ok()?)));
    match address {
        Some((container, address)) => {
            let name = address.path().trim_start_matches('/');
            let user = quoted(address.username());
            format!("docker exec -i {} psql -U {user} -d {}", quoted(&container.name), quoted(name))
        }
        None => format!("psql \"${}\"", address_variable(database)),
    }
}

/// `psql` as the server's superuser: in its container, where that runs, as its
/// operating system's user of that name.
pub(crate) fn psql_as_superuser(view: &Situation) -> String {
    match container(view, MAIN_DATABASE).filter(|container| container.state == InstanceState::Running) {
        Some(container) => format!("docker exec -u postgres {} psql", quoted(&container.name)),
        None => psql(view, MAIN_DATABASE),
    }
}

/// The container of a database's server.
fn container<'a>(view: &Situation<'a>, database: &str) -> Option<&'a Instance> {
    let service = view.pipeline.database(database)?.service.get_ref();
    view.workloads.container(service).known().copied().flatten()
}

/// Where a database was read.
struct Place<'a> {
    address: &'a str,
    mapped: Option<&'a Mapped>,
}

fn place<'a>(view: &Situation<'a>, database: &str) -> Option<Place<'a>> {
    let database = *view.evidence.database(database).known()?;
    Some(Place { address: &database.address, mapped: database.mapped.as_ref() })
}

/// Whether the address that was read is this container: mapped to it, or a port
/// that it publishes here.
fn led_to(place: &Place, container: &Instance) -> bool {
    if let Some(mapped) = place.mapped {
        return mapped.by.split_whitespace().any(|word| word == container.name);
    }
    let Ok(address) = url::Url::parse(place.address) else { return false };
    let here = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    here && container.addresses.ports.iter().any(|port| port.host == address.port().unwrap_or(5432))
}

/// Removes the marks of stuck events, in a transaction that shows what it does.
/// A row that its emitter wrote is the event itself: it stays, and is given back
/// to the emitter.
pub(crate) fn remove_marks(remedy: &Remedy) -> Option<String> {
    let marks = remedy.view.pipeline.marks.as_ref()?;
    let statements: Vec<String> = remedy
        .stages()
        .into_iter()
        .filter_map(|stage| {
            let ids = literals(&remedy.stuck_ids(stage, true))?;
            let emitter = literal(stage.emitter.get_ref());
            let (table, source) = (&marks.table, &marks.source);
            let change = match stage.recorded_by_emitter {
                true => format!("update {table} set {source} = {emitter}"),
                false => format!("delete from {table}"),
            };
            Some(format!(
                "-- {} has no row in {}\n{change}\n where {} = {} and {} in ({ids})\n   \
                 and {source} is distinct from {emitter}\n returning *;\n",
                stage.event,
                stage.effect,
                marks.event_type,
                literal(&stage.event),
                marks.id
            ))
        })
        .collect();
    (!statements.is_empty()).then(|| format!("begin;\n{}commit;\n", statements.concat()))
}

/// Headers, key and value of each id's record, as the console producer reads
/// them: `name:value,…<tab>key<tab>value`.
pub(crate) fn records(stage: &Stage, ids: &[String]) -> Option<String> {
    let record = stage.record_sql.as_deref()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let ids = literals(ids)?;
    Some(record_lines(&record, &ids))
}

fn literals(ids: &[String]) -> Option<String> {
    let literals: Vec<String> = ids.iter().map(|id| literal(id)).collect();
    (!literals.is_empty()).then(|| literals.join(", "))
}

/// A text literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_ends_where_it_should() {
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literals(&["a".into(), "b".into()]).unwrap(), "'a', 'b'");
        assert_eq!(literals(&[]), None);
    }
}
