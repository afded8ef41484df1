//! The event itself: when it happened, and the keys that lead on from it.

use crate::collect::database::postgres::session::{Bound, Session, get, only, quoted, required_time};
use crate::evidence::{Event, Why, WhyKind};
use crate::pipeline::EventSql;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// The event of the id, by the pipeline's `event.sql`; the oldest, if there are several.
pub async fn look(session: &Session, event: &EventSql, id: &str, of: &str) -> Result<Event, Why> {
    let (sql, bound) = statement(event, id, of);
    let rows = session.ask("the event", &sql, &bound, session.share(4));
    match rows.await?.first() {
        Some(row) => read(row, &event.keys),
        None => Err(no_row()),
    }
}

/// The type of the `id` of a statement's rows, as SQL writes it.
pub(crate) async fn id_type(session: &Session, sql: &str) -> Result<String, Why> {
    type_of(session, sql, "id").await
}

/// The type of a column of a statement's rows.
pub(crate) async fn type_of(session: &Session, sql: &str, column: &str) -> Result<String, Why> {
    // Of no row the type is told all the same.
    let sql = format!("select pg_typeof((select rows.{column} from ({sql}) rows limit 0))::text");
    let what = format!("the type of {column}");
    let rows = session.ask(&what, &sql, &Bound::default(), session.share(4)).await?;
    get(&only(rows, &what)?, 0)
}

/// The event of one id.
pub(crate) fn statement(event: &EventSql, id: &str, of: &str) -> (String, Bound) {
    let mut bound = Bound::default();
    let id = bound.bind(id.to_string(), Type::TEXT);
    let (columns, sql) = (columns(event), &event.sql);
    let sql = format!("select {columns} from ({sql}) event where event.id = {id}::{of} order by 1 limit 1");
    (sql, bound)
}

/// There is no event of an id.
pub(crate) fn no_row() -> Why {
    Why::new(WhyKind::Missing, "no row of this id: when it happened is not known")
}

/// The columns that [`read`] reads, of the rows `event`.
pub(crate) fn columns(event: &EventSql) -> String {
    let keys: String = event.keys.iter().map(|key| format!(", event.{}::text", quoted(key))).collect();
    format!("event.at::timestamptz{keys}")
}

/// An event of a row that begins with [`columns`].
pub(crate) fn read(row: &Row, names: &[String]) -> Result<Event, Why> {
    let mut keys = std::collections::BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(value) = get::<Option<String>>(row, i + 1)? {
            keys.insert(name.clone(), value);
        }
    }
    Ok(Event { at: required_time(row, 0, "the event")?, keys })
}
