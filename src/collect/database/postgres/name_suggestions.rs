//! Suggests table and column names to replace names that the database does not know.

use crate::collect::database::postgres::other_schemas::schemas_with;
use crate::collect::database::postgres::session::{CATALOG_TIMEOUT, Params, Rejection, Session, get};
use crate::text::suggestion::nearest;
use tokio_postgres::types::Type;

/// Maximum number of names listed in a suggestion.
const MAX_SHOWN: usize = 12;

/// Returns a suggestion for fixing the rejected `sql`, if the database provides one.
pub async fn suggestion(session: &Session, rejection: &Rejection, sql: &str) -> Option<String> {
    match rejection.code.as_str() {
        "42P01" => table(session, &name_in(&rejection.message)?).await,
        "42703" => match rejection.hint.as_deref().and_then(name_in) {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None => column(session, &name_in(&rejection.message)?, sql).await,
        },
        _ => rejection.hint.clone(),
    }
}

/// Suggests the most similar table, or a schema that has a table with this name.
pub async fn table(session: &Session, wrong: &str) -> Option<String> {
    let name = wrong.rsplit('.').next().unwrap_or(wrong);
    if let Some(schema) = schemas_with(session, name).await.ok()?.first() {
        return Some(format!("the table is in schema {schema}: write {schema}.{name}"));
    }
    let sql = "select relname::text from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')
        and pg_table_is_visible(oid) and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
        order by 1 limit 1000";
    let tables = names(session, sql, &Params::default()).await?;
    nearest_or_list("tables", name, &tables)
}

/// Suggests the most similar column in the tables that the SQL mentions.
pub async fn column(session: &Session, wrong: &str, sql: &str) -> Option<String> {
    let words = sql.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_string);
    let mut params = Params::default();
    let words = params.bind(words.collect::<Vec<_>>(), Type::TEXT_ARRAY);
    let query = format!(
        "select distinct attname::text from pg_attribute join pg_class on pg_class.oid = attrelid
          where relname = any({words}) and pg_table_is_visible(attrelid) and attnum > 0
            and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'f') order by 1 limit 1000"
    );
    let columns = names(session, &query, &params).await?;
    nearest_or_list("columns", wrong.rsplit('.').next().unwrap_or(wrong), &columns)
}

async fn names(session: &Session, sql: &str, params: &Params) -> Option<Vec<String>> {
    let rows = session.query("the catalog", sql, params, CATALOG_TIMEOUT).await.ok()?;
    rows.iter().map(|row| get(row, 0).ok()).collect()
}

fn nearest_or_list(kind: &str, wrong: &str, all: &[String]) -> Option<String> {
    if let Some(name) = nearest(wrong, all.iter().map(String::as_str)) {
        return Some(format!("did you mean `{name}`?"));
    }
    let shown: Vec<&str> = all.iter().take(MAX_SHOWN).map(String::as_str).collect();
    let more = if all.len() > MAX_SHOWN { ", ..." } else { "" };
    (!shown.is_empty()).then(|| format!("{kind}: {}{more}", shown.join(", ")))
}

/// Extracts the name from `relation "x" does not exist` or `column e.x does not exist`.
fn name_in(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once('"') {
        return Some(rest.split_once('"')?.0.to_string());
    }
    let (_, rest) = message.split_once("column ")?;
    Some(rest.split_once(" does not exist")?.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extracts_name_from_server_message() {
        for (message, name) in [
            ("relation \"oders\" does not exist", "oders"),
            ("column e.corelation_id does not exist", "e.corelation_id"),
            ("column \"statu\" does not exist", "statu"),
            ("Perhaps you meant to reference the column \"e.correlation_id\".", "e.correlation_id"),
        ] {
            assert_eq!(name_in(message).as_deref(), Some(name));
        }
    }
}
