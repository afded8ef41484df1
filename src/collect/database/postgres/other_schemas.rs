//! Finds missing tables in schemas outside the search path.

use crate::collect::database::postgres::session::{CATALOG_TIMEOUT, Params, Session, get};
use crate::evidence::{Name, Reason};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::types::Type;

/// For each table that a query did not find (SQLSTATE 42P01), returns the schemas that have
/// a table with the same name.
pub async fn schemas_of_missing_tables(session: &Session, reasons: &[&Reason]) -> BTreeMap<Name, Vec<Name>> {
    let missing: BTreeSet<&str> = reasons.iter().copied().filter_map(missing_table).collect();
    let mut found = BTreeMap::new();
    for table in missing {
        // If the query fails, the table is not listed.
        if let Ok(schemas) = schemas_with(session, table).await
            && !schemas.is_empty()
        {
            found.insert(table.to_string(), schemas);
        }
    }
    found
}

/// Returns the schemas outside the search path that have a table with this name.
pub(crate) async fn schemas_with(session: &Session, table: &str) -> Result<Vec<Name>, Reason> {
    let mut params = Params::default();
    let name = params.bind(table.to_string(), Type::TEXT);
    let sql = format!(
        "select n.nspname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relname = {name} and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and n.nspname !~ '^pg_' and n.nspname <> all (current_schemas(false))
          order by 1 limit 10"
    );
    let rows = session.query("the schemas", &sql, &params, CATALOG_TIMEOUT).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// Extracts the table from `relation "x" does not exist`, without its schema.
fn missing_table(why: &Reason) -> Option<&str> {
    why.code.as_deref().filter(|code| *code == "42P01")?;
    let (_, rest) = why.message.split_once("relation \"")?;
    let (name, _) = rest.split_once('"')?;
    Some(name.rsplit('.').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ReasonKind;

    #[test]
    fn extracts_table_from_server_message() {
        let why =
            Reason::new(ReasonKind::Schema, "stage x (orders): relation \"shop.orders\" does not exist");
        assert_eq!(missing_table(&why.clone().code("42P01")), Some("orders"));
        assert_eq!(missing_table(&why.code("42703")), None);
    }
}
