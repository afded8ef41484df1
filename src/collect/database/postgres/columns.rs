//! Reads which tables and columns exist, so that an error that names a missing one can be compared with them.

use crate::collect::database::postgres::session::{CATALOG_TIMEOUT, Params, Session, get};
use crate::evidence::{Name, Observed, Reason};
use std::collections::BTreeMap;

/// Tables with their columns. More would not fit a report that is read, and a missing one proves nothing then.
const SQL: &str = "
    select c.relname::text, array_agg(a.attname::text order by a.attnum)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and pg_table_is_visible(c.oid)
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     group by 1 order by 1 limit 300";

/// Returns the columns of each table on the search path, in their order.
pub async fn columns(session: &Session) -> Observed<BTreeMap<Name, Vec<Name>>> {
    let read = async {
        let rows = session.query("the tables", SQL, &Params::default(), CATALOG_TIMEOUT).await?;
        rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect::<Result<_, Reason>>()
    };
    read.await.into()
}
