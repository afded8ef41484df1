//! SQL to review: marks to remove, records to read.

use super::{Remedy, quoted};
use crate::fact::view::View;
use crate::pipeline::Stage;

/// `psql` at the pipeline's database: in its container, where it has one, else
/// by the address in `POSTGRES_URL`.
pub(super) fn psql(view: &View) -> String {
    let service = view.pipeline.postgres.service.get_ref();
    let rows = view.evidence.postgres.known();
    let address = rows.and_then(|rows| url::Url::parse(&rows.address).ok());
    let container = view.container(service).known().copied().flatten();
    match (container, address) {
        (Some(container), Some(address)) => {
            let database = address.path().trim_start_matches('/');
            let user = quoted(address.username());
            format!("docker exec -i {} psql -U {user} -d {}", quoted(&container.name), quoted(database))
        }
        _ => "psql \"$POSTGRES_URL\"".to_string(),
    }
}

/// Removes the marks of stuck events. In a transaction that shows what it does.
pub(super) fn remove_marks(remedy: &Remedy) -> Option<String> {
    let marks = &remedy.view.pipeline.marks;
    let deletes: Vec<String> = remedy
        .stages()
        .into_iter()
        .filter_map(|stage| {
            let ids = remedy.stuck_ids(stage, true);
            let ids = literals(&ids)?;
            Some(format!(
                "-- {} has no row in {}\ndelete from {}\n where {} = {} and {} in ({ids})\n returning *;\n",
                stage.event,
                stage.effect,
                marks.table,
                marks.event_type,
                literal(&stage.event),
                marks.id
            ))
        })
        .collect();
    (!deletes.is_empty()).then(|| format!("begin;\n{}commit;\n", deletes.concat()))
}

/// Headers, key and value of each id's record, as the console producer reads
/// them: `name:value,…<tab>key<tab>value`.
pub(super) fn records(stage: &Stage, ids: &[String]) -> Option<String> {
    let record = stage.record_sql.as_deref()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let ids = literals(ids)?;
    Some(format!(
        "select (select string_agg(h.key || ':' || h.value, ',') from jsonb_each_text(r.headers) h) \
         || chr(9) || r.key || chr(9) || r.value from ({record}) r where r.id in ({ids})"
    ))
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
