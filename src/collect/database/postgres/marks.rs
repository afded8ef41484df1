//! The id in the marks table: exactly, and then anywhere in a text.

use crate::collect::database::postgres::session::{Bound, Session, get, only, time};
use crate::evidence::{Mark, Why, WhyKind};
use crate::pipeline::{IdForm, Marks, Pipeline};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// `LIKE '%id%'` reads the whole table: it must not take the time of the rest.
const LIKE_AT_MOST: Duration = Duration::from_secs(2);
/// So many of the rows that it finds are of use, for each id.
const LIKE_ROWS: usize = 20;

/// The type of the marks table's id column, as SQL writes it (from
/// `pg_attribute`): the bound id is cast to it, so that indexes are used.
pub async fn id_type(session: &Session, marks: &Marks) -> Result<String, Why> {
    let mut bound = Bound::default();
    let table = bound.bind(marks.table.clone(), Type::TEXT);
    let column = bound.bind(marks.id.clone(), Type::TEXT);
    // to_regclass knows the search path and names with their schema.
    let sql = format!(
        "select to_regclass({table}) is not null,
                (select format_type(atttypid, -1) from pg_attribute
                  where attrelid = to_regclass({table}) and attname = (parse_ident({column}))[1]
                    and attnum > 0 and not attisdropped)"
    );
    let rows = session.ask(&marks.table, &sql, &bound, session.share(4));
    let row = only(rows.await?, &marks.table)?;
    let (table_exists, of): (bool, Option<String>) = (get(&row, 0)?, get(&row, 1)?);
    of.ok_or_else(|| {
        let (table, column) = (&marks.table, &marks.id);
        if table_exists {
            let say = format!("{table}: column \"{column}\" does not exist");
            Why::new(WhyKind::Schema, say).code("42703")
        } else {
            let say = format!("{table}: relation \"{table}\" does not exist");
            Why::new(WhyKind::Schema, say).code("42P01")
        }
    })
}

/// What the id's type is where the marks table does not tell.
pub fn likely_type(pipeline: &Pipeline) -> String {
    match pipeline.id.format {
        IdForm::Uuid => "uuid".into(),
        IdForm::Number => "bigint".into(),
        IdForm::Ulid | IdForm::Text => "text".into(),
    }
}

/// Rows whose id column equals the id, oldest first.
pub async fn exact(session: &Session, marks: &Marks, id: &str, of: &str) -> Result<Vec<Mark>, Why> {
    let mut bound = Bound::default();
    let id = bound.bind(id.to_string(), Type::TEXT);
    let (select, column) = (select(marks), &marks.id);
    let sql = format!("{select} where {column} = {id}::{of} order by 5, 1 limit 1000");
    let rows = session.ask(&marks.table, &sql, &bound, session.share(4));
    rows.await?.iter().map(mark).collect()
}

/// The newest rows that hold one of the ids somewhere in their id or event id, without
/// those that [`exact`] finds; oldest first. The table is read once for all of them.
pub async fn like(session: &Session, marks: &Marks, ids: &[String], of: &str) -> Result<Vec<Mark>, Why> {
    let mut bound = Bound::default();
    let patterns: Vec<String> = ids.iter().map(|id| pattern(id)).collect();
    let patterns = bound.bind(patterns, Type::TEXT_ARRAY);
    let exactly = bound.bind(ids.to_vec(), Type::TEXT_ARRAY);
    let (select, column) = (select(marks), &marks.id);
    let in_event_id = marks.event_id.as_ref();
    let in_event_id =
        in_event_id.map(|of| format!(" or {of}::text like any({patterns})")).unwrap_or_default();
    // A row without an id is none of theirs, and may hold one all the same.
    let sql = format!(
        "{select}
          where ({column}::text like any({patterns}){in_event_id})
            and ({column} = any({exactly}::{of}[])) is not true
          order by 5 desc nulls last, 1 limit {}",
        LIKE_ROWS * ids.len()
    );
    let at_most = session.share(2).min(LIKE_AT_MOST);
    let rows = session.ask(&marks.table, &sql, &bound, at_most).await?;
    rows.iter().rev().map(mark).collect()
}

/// The marks table's columns, as [`mark`] reads them.
pub(crate) fn select(marks: &Marks) -> String {
    let Marks { table, id, event_type, source, processed_at, .. } = marks;
    let event_id = marks.event_id.as_ref().map_or("null", String::as_str);
    format!(
        "select {event_id}::text, {event_type}::text, {id}::text, {source}::text,
                {processed_at}::timestamptz
           from {table}"
    )
}

/// Null is the empty text: a mark without an event id is still a mark.
pub(crate) fn mark(row: &Row) -> Result<Mark, Why> {
    let text = |column| get::<Option<String>>(row, column).map(Option::unwrap_or_default);
    Ok(Mark {
        event_id: text(0)?,
        event_type: text(1)?,
        correlation_id: text(2)?,
        source: get(row, 3)?,
        processed_at: time(row, 4)?,
    })
}

/// `%id%`, the id taken literally.
fn pattern(id: &str) -> String {
    let mut pattern = String::from("%");
    for character in id.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "%"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_literal_in_its_pattern() {
        assert_eq!(pattern(r"50%_a\b"), r"%50\%\_a\\b%");
    }
}
