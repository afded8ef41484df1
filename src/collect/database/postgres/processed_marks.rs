//! Searches the marks table for an id: exact matches first, then substrings.

use crate::collect::database::postgres::session::{CATALOG_TIMEOUT, Params, Session, get, only, time};
use crate::evidence::{Mark, Reason, ReasonKind};
use crate::pipeline::{IdForm, Marks, Pipeline};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Statement timeout for `LIKE '%id%'`, which scans the whole table.
const LIKE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of substring matches per id.
const LIKE_ROWS: usize = 20;

/// Returns the SQL type of the marks table's id column, from `pg_attribute`. Queries cast the id to
/// this type so that they can use an index.
pub async fn id_type(session: &Session, marks: &Marks) -> Result<String, Reason> {
    let mut params = Params::default();
    let table = params.bind(marks.table.clone(), Type::TEXT);
    let column = params.bind(marks.id.clone(), Type::TEXT);
    // to_regclass applies the search path and accepts schema-qualified names.
    let sql = format!(
        "select to_regclass({table}) is not null,
                (select format_type(atttypid, -1) from pg_attribute
                  where attrelid = to_regclass({table}) and attname = (parse_ident({column}))[1]
                    and attnum > 0 and not attisdropped)"
    );
    let rows = session.query(&marks.table, &sql, &params, session.share(4));
    let row = only(rows.await?, &marks.table)?;
    let (table_exists, id_type): (bool, Option<String>) = (get(&row, 0)?, get(&row, 1)?);
    id_type.ok_or_else(|| {
        let (table, column) = (&marks.table, &marks.id);
        if table_exists {
            let message = format!("{table}: column \"{column}\" does not exist");
            Reason::new(ReasonKind::Schema, message).code("42703")
        } else {
            let message = format!("{table}: relation \"{table}\" does not exist");
            Reason::new(ReasonKind::Schema, message).code("42P01")
        }
    })
}

/// Returns the id type implied by the id format, in case the table's type is unknown.
pub fn default_id_type(pipeline: &Pipeline) -> String {
    match pipeline.id.format {
        IdForm::Uuid => "uuid".into(),
        IdForm::Number => "bigint".into(),
        IdForm::Ulid | IdForm::Text => "text".into(),
    }
}

/// Reads the rows whose id column equals the id, oldest first.
pub async fn exact_matches(
    session: &Session,
    marks: &Marks,
    id: &str,
    id_type: &str,
) -> Result<Vec<Mark>, Reason> {
    let mut params = Params::default();
    let id = params.bind(id.to_string(), Type::TEXT);
    let (select, column) = (select(marks), &marks.id);
    let sql = format!("{select} where {column} = {id}::{id_type} order by 5, 1 limit 1000");
    let rows = session.query(&marks.table, &sql, &params, session.share(4));
    rows.await?.iter().map(read_mark).collect()
}

/// Reads the newest rows whose id or event id contains one of the ids, except exact
/// matches. Returns them oldest first, after a single scan of the table.
pub async fn substring_matches(
    session: &Session,
    marks: &Marks,
    ids: &[String],
    id_type: &str,
) -> Result<Vec<Mark>, Reason> {
    let mut params = Params::default();
    let patterns: Vec<String> = ids.iter().map(|id| pattern(id)).collect();
    let patterns = params.bind(patterns, Type::TEXT_ARRAY);
    let exact = params.bind(ids.to_vec(), Type::TEXT_ARRAY);
    let (select, column) = (select(marks), &marks.id);
    let in_event_id = marks.event_id.as_ref();
    let in_event_id =
        in_event_id.map(|event_id| format!(" or {event_id}::text like any({patterns})")).unwrap_or_default();
    // A row with a null id is not an exact match, but its event id may contain an id.
    let sql = format!(
        "{select}
          where ({column}::text like any({patterns}){in_event_id})
            and ({column} = any({exact}::{id_type}[])) is not true
          order by 5 desc nulls last, 1 limit {}",
        LIKE_ROWS * ids.len()
    );
    let statement_timeout = session.share(2).min(LIKE_TIMEOUT);
    let rows = session.query(&marks.table, &sql, &params, statement_timeout).await?;
    rows.iter().rev().map(read_mark).collect()
}

/// Builds the select list and `from` clause that [`read_mark`] expects.
pub(crate) fn select(marks: &Marks) -> String {
    let Marks { table, id, event_type, source, processed_at, .. } = marks;
    let event_id = marks.event_id.as_ref().map_or("null", String::as_str);
    format!(
        "select {event_id}::text, {event_type}::text, {id}::text, {source}::text,
                {processed_at}::timestamptz
           from {table}"
    )
}

/// Reads a mark from a row. Null becomes the empty string, because a mark without an event
/// id is still a mark.
pub(crate) fn read_mark(row: &Row) -> Result<Mark, Reason> {
    let text = |column| get::<Option<String>>(row, column).map(Option::unwrap_or_default);
    Ok(Mark {
        event_id: text(0)?,
        event_type: text(1)?,
        correlation_id: text(2)?,
        source: get(row, 3)?,
        processed_at: time(row, 4)?,
    })
}

/// Reports whether an index begins with the marks table's id column. Without one, each lookup scans
/// the whole table.
pub async fn has_id_index(session: &Session, marks: &Marks) -> Result<bool, Reason> {
    let mut params = Params::default();
    let table = params.bind(marks.table.clone(), Type::TEXT);
    let column = params.bind(marks.id.clone(), Type::TEXT);
    let sql = format!(
        "select exists (select from pg_index i
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
           where i.indrelid = to_regclass({table}) and a.attname = {column} and i.indisvalid)"
    );
    let subject = "the marks table's indexes";
    get(&only(session.query(subject, &sql, &params, CATALOG_TIMEOUT).await?, subject)?, 0)
}

/// Builds the pattern `%id%` with the wildcards in the id escaped.
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
    fn escapes_wildcards_in_id() {
        assert_eq!(pattern(r"50%_a\b"), r"%50\%\_a\\b%");
    }
}
