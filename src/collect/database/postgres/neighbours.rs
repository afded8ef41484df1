//! What was meant by a name that the database does not know.

use crate::collect::database::postgres::schemas::schemas_with;
use crate::collect::database::postgres::session::{Bound, Refused, Session, get};
use crate::text::suggestion::nearest;
use std::time::Duration;
use tokio_postgres::types::Type;

/// The catalog answers at once or not at all.
const AT_MOST: Duration = Duration::from_secs(1);
/// So many names are read in one line.
const SHOWN: usize = 12;

/// The way out of a refusal of `sql`, as far as the database knows one.
pub async fn way_out(session: &Session, refused: &Refused, sql: &str) -> Option<String> {
    match refused.code.as_str() {
        "42P01" => table(session, &name_in(&refused.say)?).await,
        "42703" => match refused.hint.as_deref().and_then(name_in) {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => column(session, &name_in(&refused.say)?, sql).await,
        },
        _ => refused.hint.clone(),
    }
}

/// The nearest table, or the schemas that have one of this name.
pub async fn table(session: &Session, wrong: &str) -> Option<String> {
    let name = wrong.rsplit('.').next().unwrap_or(wrong);
    if let Some(schema) = schemas_with(session, name).await.ok()?.first() {
        return Some(format!("it is in the schema {schema}: write {schema}.{name}"));
    }
    let sql = "select relname::text from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')
        and pg_table_is_visible(oid) and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
        order by 1 limit 1000";
    let tables = names(session, sql, &Bound::default()).await?;
    near_or_all("tables", name, &tables)
}

/// The nearest column of the tables that the SQL names.
pub async fn column(session: &Session, wrong: &str, sql: &str) -> Option<String> {
    let words = sql.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_string);
    let mut bound = Bound::default();
    let words = bound.bind(words.collect::<Vec<_>>(), Type::TEXT_ARRAY);
    let asked = format!(
        "select distinct attname::text from pg_attribute join pg_class on pg_class.oid = attrelid
          where relname = any({words}) and pg_table_is_visible(attrelid) and attnum > 0
            and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'f') order by 1 limit 1000"
    );
    let columns = names(session, &asked, &bound).await?;
    near_or_all("columns", wrong.rsplit('.').next().unwrap_or(wrong), &columns)
}

async fn names(session: &Session, sql: &str, bound: &Bound) -> Option<Vec<String>> {
    let rows = session.ask("the catalog", sql, bound, AT_MOST).await.ok()?;
    rows.iter().map(|row| get(row, 0).ok()).collect()
}

fn near_or_all(what: &str, wrong: &str, all: &[String]) -> Option<String> {
    if let Some(name) = nearest(wrong, all.iter().map(String::as_str)) {
        return Some(format!("did you mean `{name}`?"));
    }
    let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
    let more = if all.len() > SHOWN { ", ..." } else { "" };
    (!shown.is_empty()).then(|| format!("{what}: {}{more}", shown.join(", ")))
}

/// The name in `relation "x" does not exist`, `column e.x does not exist`.
fn name_in(say: &str) -> Option<String> {
    if let Some((_, rest)) = say.split_once('"') {
        return Some(rest.split_once('"')?.0.to_string());
    }
    let (_, rest) = say.split_once("column ")?;
    Some(rest.split_once(" does not exist")?.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_read_out_of_the_servers_words() {
        for (say, name) in [
            ("relation \"oders\" does not exist", "oders"),
            ("column e.corelation_id does not exist", "e.corelation_id"),
            ("column \"statu\" does not exist", "statu"),
            ("Perhaps you meant to reference the column \"e.correlation_id\".", "e.correlation_id"),
        ] {
            assert_eq!(name_in(say).as_deref(), Some(name));
        }
    }
}
