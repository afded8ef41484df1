//! Tables that are there, but not where they are looked for.

use crate::collect::database::postgres::session::{Bound, Session, get};
use crate::evidence::{Name, Why};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio_postgres::types::Type;

/// The catalog answers at once or not at all.
const AT_MOST: Duration = Duration::from_secs(1);

/// The schemas that have a table of the name that a look-up did not find
/// (SQLSTATE 42P01) on its search path.
pub async fn elsewhere(session: &Session, whys: &[&Why]) -> BTreeMap<Name, Vec<Name>> {
    let missing: BTreeSet<&str> = whys.iter().copied().filter_map(missing_table).collect();
    let mut found = BTreeMap::new();
    for table in missing {
        // Without an answer nothing is said of other schemas.
        if let Ok(schemas) = schemas_with(session, table).await
            && !schemas.is_empty()
        {
            found.insert(table.to_string(), schemas);
        }
    }
    found
}

/// The schemas that have a table of this name and are not searched.
pub(crate) async fn schemas_with(session: &Session, table: &str) -> Result<Vec<Name>, Why> {
    let mut bound = Bound::default();
    let name = bound.bind(table.to_string(), Type::TEXT);
    let sql = format!(
        "select n.nspname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relname = {name} and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and n.nspname !~ '^pg_' and n.nspname <> all (current_schemas(false))
          order by 1 limit 10"
    );
    let rows = session.ask("the schemas", &sql, &bound, AT_MOST).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// The table of `relation "x" does not exist`, without its schema.
fn missing_table(why: &Why) -> Option<&str> {
    why.code.as_deref().filter(|code| *code == "42P01")?;
    let (_, rest) = why.say.split_once("relation \"")?;
    let (name, _) = rest.split_once('"')?;
    Some(name.rsplit('.').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::WhyKind;

    #[test]
    fn the_table_is_read_out_of_the_servers_words() {
        let why = Why::new(WhyKind::Schema, "stage x (orders): relation \"shop.orders\" does not exist");
        assert_eq!(missing_table(&why.clone().code("42P01")), Some("orders"));
        assert_eq!(missing_table(&why.code("42703")), None);
    }
}
