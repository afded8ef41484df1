//! A database that nobody has described: its tables, and their newest rows.

use crate::base::secret::Secret;
use crate::collect::database::postgres::address::Address;
use crate::collect::database::postgres::session::{Bound, Session, get};
use crate::collect::database::postgres::{connect, tls};
use crate::collect::discovery::{Column, Table, says_written, sql_name};
use crate::collect::in_time;
use crate::evidence::{Name, Runtime, Why, WhyKind};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// At most so many tables are looked into.
const TABLES: usize = 80;
/// So many rows of each are looked at.
const ROWS: usize = 200;
/// How long one table may take.
const FOR_ONE: Duration = Duration::from_millis(700);
/// Of a text more is of no use; a document is kept whole up to
const TEXT: usize = 200;
const DOCUMENT: usize = 4_000;

/// Every column that the role may read, with what a unique index or a foreign key
/// on it alone says.
const CATALOG: &str = "
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
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select')
     order by 1, 2, a.attnum
     limit 10000";

/// The address as shown, and the tables.
pub async fn survey(
    address: &Secret,
    docker: Option<&Runtime>,
    inside: bool,
    until: Instant,
) -> Result<(String, Vec<Table>), Why> {
    let until = until.checked_sub(crate::collect::database::postgres::LAST_WORDS).unwrap_or(until);
    let understood =
        Address::read(address.expose()).and_then(|address| Ok((tls::connector(&address.ssl)?, address)));
    let (tls, address) = understood.map_err(|mistake| {
        let say = format!("{}: {}", mistake.place, mistake.what);
        Why::new(WhyKind::NotConfigured, say)
    })?;
    let begin = async {
        let (client, reached) = connect::connect(&address, &tls, docker, inside, until).await?;
        let shown = address.shown_at(&reached.place);
        let (session, _) = Session::begin(client, address.schema.as_deref(), until).await?;
        Ok((shown, session))
    };
    let (shown, session) = in_time(&address.places(), until, begin).await?;
    let mut tables = Vec::new();
    let looked = tokio::time::timeout_at(until, look(&session, &mut tables)).await;
    match looked {
        Ok(looked) => {
            session.end().await;
            looked.map(|()| (shown, tables))
        }
        Err(_) => {
            session.cancel(&tls).await;
            Ok((shown, tables))
        }
    }
}

async fn look(session: &Session, tables: &mut Vec<Table>) -> Result<(), Why> {
    *tables = catalog(session).await?;
    for table in tables.iter_mut().take(TABLES) {
        match rows(session, table).await {
            Ok(rows) => table.rows = rows,
            Err(why) => table.unseen = Some(why.words()),
        }
    }
    Ok(())
}

async fn catalog(session: &Session) -> Result<Vec<Table>, Why> {
    let rows = session.ask("the catalog", CATALOG, &Bound::default(), session.share(3)).await?;
    let mut tables: Vec<Table> = Vec::new();
    let mut places: BTreeMap<(Name, Name), usize> = BTreeMap::new();
    for row in &rows {
        let (schema, name): (Name, Name) = (get(row, 0)?, get(row, 1)?);
        let (to, its): (Option<Name>, Option<Name>) = (get(row, 5)?, get(row, 6)?);
        let column =
            Column { name: get(row, 2)?, of: get(row, 3)?, unique: get(row, 4)?, refers_to: to.zip(its) };
        let place = *places.entry((schema.clone(), name.clone())).or_insert(tables.len());
        match tables.get_mut(place) {
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

/// The newest rows by the first time that says when a row was written; without
/// any, or where ordering takes too long, some rows.
async fn rows(session: &Session, table: &Table) -> Result<Vec<BTreeMap<Name, String>>, Why> {
    let telling: Vec<&Column> = table.columns.iter().filter(|column| column.tells()).collect();
    if telling.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<String> = telling.iter().map(|column| as_text(column)).collect();
    let select = format!("select array[{}]::text[] from {}", columns.join(", "), table.sql);
    let order = newest_first(table).map(|column| format!(" order by {} desc nulls last", sql_name(column)));
    let limit = format!(" limit {ROWS}");
    let at_most = FOR_ONE.min(session.share(2));
    let ordered = format!("{select}{}{limit}", order.as_deref().unwrap_or_default());
    let found = match session.ask(&table.name, &ordered, &Bound::default(), at_most).await {
        Err(why) if order.is_some() && why.kind == WhyKind::Limit => {
            session.ask(&table.name, &format!("{select}{limit}"), &Bound::default(), at_most).await?
        }
        found => found?,
    };
    let read = found.iter().map(|row| {
        let values: Vec<Option<String>> = get(row, 0)?;
        let named = telling.iter().zip(values);
        Ok(named.filter_map(|(column, value)| Some((column.name.clone(), value?))).collect())
    });
    read.collect()
}

/// The column by which rows are ordered: when they were written.
fn newest_first(table: &Table) -> Option<&str> {
    let times = || table.columns.iter().filter(|column| column.is_time());
    let written = times().find(|column| says_written(&column.name));
    written.or_else(|| times().next()).map(|column| column.name.as_str())
}

fn as_text(column: &Column) -> String {
    let name = sql_name(&column.name);
    match column.of.as_str() {
        of if of.starts_with("timestamp") => {
            format!("to_char({name}::timestamptz, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        "jsonb" => format!("case when length({name}::text) <= {DOCUMENT} then {name}::text end"),
        _ => format!("left({name}::text, {TEXT})"),
    }
}
