//! The event itself: when it happened, and the keys that lead on from it.

use super::session::{Bound, Session, get, quoted, required_time};
use crate::evidence::{Event, Why, WhyKind};
use crate::pipeline::EventSql;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// The event of the id, by the pipeline's `event.sql`; the oldest, if there are several.
pub async fn look(session: &Session, event: &EventSql, id: &str, of: &str) -> Result<Event, Why> {
    let mut bound = Bound::default();
    let id = bound.bind(id.to_string(), Type::TEXT);
    let keys: String = event.keys.iter().map(|key| format!(", event.{}::text", quoted(key))).collect();
    let sql = format!(
        "select event.at::timestamptz{keys} from ({}) event
          where event.id = {id}::{of} order by 1 limit 1",
        event.sql
    );
    let rows = session.ask("the event", &sql, &bound, session.share(4));
    match rows.await?.first() {
        Some(row) => read(row, &event.keys),
        None => Err(Why::new(WhyKind::Missing, "no row of this id: when it happened is not known")),
    }
}

fn read(row: &Row, names: &[String]) -> Result<Event, Why> {
    let mut keys = std::collections::BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(value) = get::<Option<String>>(row, i + 1)? {
            keys.insert(name.clone(), value);
        }
    }
    Ok(Event { at: required_time(row, 0, "the event")?, keys })
}
