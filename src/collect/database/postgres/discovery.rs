//! Discovers a database's tables and reads their newest rows.

use crate::base::secret::Secret;
use crate::collect::database::postgres::address::Address;
use crate::collect::database::postgres::session::{Params, Session, get};
use crate::collect::database::postgres::{CLEANUP_MARGIN, connect, tls};
use crate::collect::discovered::{Column, Table, is_write_time, sql_name};
use crate::collect::{timeout_at, with_deadline};
use crate::evidence::{Name, Reason, ReasonKind, Runtime};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Maximum number of tables whose rows are read.
const MAX_TABLES: usize = 80;
/// Maximum number of rows read per table.
const MAX_ROWS: usize = 200;
/// Statement timeout per table.
const TABLE_TIMEOUT: Duration = Duration::from_millis(700);
/// Text values are truncated to this many characters.
const MAX_TEXT_CHARS: usize = 200;
/// JSON documents longer than this many characters are dropped.
const MAX_DOCUMENT_CHARS: usize = 4_000;

/// All columns of tables that the role may read, with their single-column unique indexes and
/// foreign keys.
const COLUMNS: &str = "
    select n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, null),
           exists (select from pg_index i where i.indrelid = c.oid and i.indisunique
                    and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum),
           (select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
             where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum] limit 1),
           (select b.attname::text from pg_constraint k
              join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[1]
             where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum] limit 1),
           pg_table_is_visible(c.oid)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p', 'f') and not c.relispartition
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select')
     order by 1, 2, a.attnum
     limit 10000";

/// Returns the address without its password, and the tables.
pub async fn discover(
    address: &Secret,
    docker: Option<&Runtime>,
    from_container: bool,
    until: Instant,
) -> Result<(String, Vec<Table>), Reason> {
    let until = until.checked_sub(CLEANUP_MARGIN).unwrap_or(until);
    let parsed =
        Address::parse(address.expose()).and_then(|address| Ok((tls::connector(&address.ssl)?, address)));
    let (tls, address) = parsed.map_err(|mistake| {
        let message = format!("{}: {}", mistake.place, mistake.what);
        Reason::new(ReasonKind::NotConfigured, message)
    })?;
    let begin = async {
        let (opened, reached) = connect::connect(&address, &tls, docker, from_container, until).await?;
        let shown = address.shown_at(&reached.place);
        let (session, _) = Session::begin(opened, address.schema.as_deref(), until).await?;
        Ok((shown, session))
    };
    let (shown, session) = with_deadline(&address.host_list(), until, begin).await?;
    let mut tables = Vec::new();
    let read = timeout_at(until, read_tables(&session, &mut tables)).await;
    match read {
        Ok(read) => {
            session.end().await;
            read.map(|()| (shown, tables))
        }
        Err(_) => {
            session.cancel(&tls).await;
            Ok((shown, tables))
        }
    }
}

async fn read_tables(session: &Session, tables: &mut Vec<Table>) -> Result<(), Reason> {
    *tables = tables_of(session).await?;
    for table in tables.iter_mut().take(MAX_TABLES) {
        match newest_rows(session, table).await {
            Ok(rows) => table.rows = rows,
            Err(why) => table.unavailable = Some(why.describe()),
        }
    }
    Ok(())
}

async fn tables_of(session: &Session) -> Result<Vec<Table>, Reason> {
    let rows = session.query("the catalog", COLUMNS, &Params::default(), session.share(3)).await?;
    let mut tables: Vec<Table> = Vec::new();
    let mut indexes: BTreeMap<(Name, Name), usize> = BTreeMap::new();
    for row in &rows {
        let (schema, name): (Name, Name) = (get(row, 0)?, get(row, 1)?);
        let (foreign_table, foreign_column): (Option<Name>, Option<Name>) = (get(row, 5)?, get(row, 6)?);
        let column = Column {
            name: get(row, 2)?,
            sql_type: get(row, 3)?,
            unique: get(row, 4)?,
            refers_to: foreign_table.zip(foreign_column),
        };
        let index = *indexes.entry((schema.clone(), name.clone())).or_insert(tables.len());
        match tables.get_mut(index) {
            Some(table) => table.columns.push(column),
            None => {
                let visible: bool = get(row, 7)?;
                let schema = if visible { String::new() } else { format!("{}.", sql_name(&schema)) };
                let sql = format!("{schema}{}", sql_name(&name));
                tables.push(Table { sql, name, columns: vec![column], ..Table::default() });
            }
        }
    }
    Ok(tables)
}

/// Reads the newest rows, ordered by the write time or else by the first time column. Reads
/// arbitrary rows if there is no time column or if ordering takes too long.
async fn newest_rows(session: &Session, table: &Table) -> Result<Vec<BTreeMap<Name, String>>, Reason> {
    let columns: Vec<&Column> = table.columns.iter().filter(|column| column.is_worth_sampling()).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<String> = columns.iter().map(|column| text_expression(column)).collect();
    let select = format!("select array[{}]::text[] from {}", values.join(", "), table.sql);
    let order = order_column(table).map(|column| format!(" order by {} desc nulls last", sql_name(column)));
    let limit = format!(" limit {MAX_ROWS}");
    let statement_timeout = TABLE_TIMEOUT.min(session.share(2));
    let ordered = format!("{select}{}{limit}", order.as_deref().unwrap_or_default());
    let found = match session.query(&table.name, &ordered, &Params::default(), statement_timeout).await {
        Err(why) if order.is_some() && why.kind == ReasonKind::Limit => {
            session
                .query(&table.name, &format!("{select}{limit}"), &Params::default(), statement_timeout)
                .await?
        }
        found => found?,
    };
    let read = found.iter().map(|row| {
        let values: Vec<Option<String>> = get(row, 0)?;
        let named = columns.iter().zip(values);
        Ok(named.filter_map(|(column, value)| Some((column.name.clone(), value?))).collect())
    });
    read.collect()
}

/// Returns the write time column, or else the first time column.
fn order_column(table: &Table) -> Option<&str> {
    let times = || table.columns.iter().filter(|column| column.is_time());
    let written = times().find(|column| is_write_time(&column.name));
    written.or_else(|| times().next()).map(|column| column.name.as_str())
}

fn text_expression(column: &Column) -> String {
    let name = sql_name(&column.name);
    match column.sql_type.as_str() {
        ty if ty.starts_with("timestamp") => {
            format!("to_char({name}::timestamptz, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        "jsonb" => format!("case when length({name}::text) <= {MAX_DOCUMENT_CHARS} then {name}::text end"),
        _ => format!("left({name}::text, {MAX_TEXT_CHARS})"),
    }
}
