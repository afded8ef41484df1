//! Reads the time and keys of the event itself.

use crate::collect::database::postgres::session::{Params, Session, get, only, quote_ident, required_time};
use crate::evidence::{Event, Reason, ReasonKind};
use crate::pipeline::EventSql;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Reads the event with this id, using the pipeline's `event.sql`. If there are several,
/// reads the oldest.
pub async fn read_event(
    session: &Session,
    event: &EventSql,
    id: &str,
    id_type: &str,
) -> Result<Event, Reason> {
    let (sql, params) = statement(event, id, id_type);
    let rows = session.query("the event", &sql, &params, session.share(4));
    match rows.await?.first() {
        Some(row) => read(row, &event.keys),
        None => Err(no_row()),
    }
}

/// Returns the SQL type of a query's `id` column.
pub(crate) async fn id_type(session: &Session, sql: &str) -> Result<String, Reason> {
    column_type(session, sql, "id").await
}

/// Returns the SQL type of a query's column.
pub(crate) async fn column_type(session: &Session, sql: &str, column: &str) -> Result<String, Reason> {
    // The type is known even without rows.
    let sql = format!("select pg_typeof((select rows.{column} from ({sql}) rows limit 0))::text");
    let subject = format!("the type of {column}");
    let rows = session.query(&subject, &sql, &Params::default(), session.share(4)).await?;
    get(&only(rows, &subject)?, 0)
}

/// Builds the query for the event with one id.
pub(crate) fn statement(event: &EventSql, id: &str, id_type: &str) -> (String, Params) {
    let mut params = Params::default();
    let id = params.bind(id.to_string(), Type::TEXT);
    let (columns, sql) = (columns(event), &event.sql);
    let sql =
        format!("select {columns} from ({sql}) event where event.id = {id}::{id_type} order by 1 limit 1");
    (sql, params)
}

/// Returns the reason to report for an id without an event.
pub(crate) fn no_row() -> Reason {
    Reason::new(ReasonKind::Missing, "no row with this id, so the event's time is unknown")
}

/// Lists the columns that [`read`] expects, as columns of `event`.
pub(crate) fn columns(event: &EventSql) -> String {
    let keys: String = event.keys.iter().map(|key| format!(", event.{}::text", quote_ident(key))).collect();
    format!("event.at::timestamptz{keys}")
}

/// Reads an event from a row that begins with [`columns`].
pub(crate) fn read(row: &Row, names: &[String]) -> Result<Event, Reason> {
    let mut keys = std::collections::BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(value) = get::<Option<String>>(row, i + 1)? {
            keys.insert(name.clone(), value);
        }
    }
    Ok(Event { at: required_time(row, 0, "the event")?, keys })
}
