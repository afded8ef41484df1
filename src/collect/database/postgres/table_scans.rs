//! Finds the large tables that a statement reads as a whole, because no index serves it (`EXPLAIN`).

use crate::collect::database::postgres::session::{CATALOG_TIMEOUT, Params, Session, get};
use crate::evidence::Reason;
use crate::text::plural;
use tokio_postgres::types::Type;

/// A smaller table is read in a moment.
const LARGE: f32 = 100_000.0;

/// Returns the large tables that the server plans to read as a whole, with their numbers of rows, in words.
pub(crate) async fn large_scans(
    session: &Session,
    statement: (&str, &Params),
) -> Result<Vec<String>, Reason> {
    let (sql, params) = statement;
    let subject = "the plan of a statement";
    let rows =
        session.query_without_effects(subject, &format!("explain {sql}"), params, session.share(4)).await?;
    let mut tables: Vec<String> = Vec::new();
    for row in &rows {
        let line: String = get(row, 0)?;
        tables.extend(scanned_table(&line).map(String::from).filter(|table| !tables.contains(table)));
    }
    let mut params = Params::default();
    let tables = params.bind(tables, Type::TEXT_ARRAY);
    let sql = format!(
        "select scanned.name, class.reltuples from unnest({tables}) as scanned(name)
           join pg_class class on class.oid = to_regclass(scanned.name) order by 1"
    );
    let mut large = Vec::new();
    for row in session.query("the sizes of tables", &sql, &params, CATALOG_TIMEOUT).await? {
        let (name, count): (String, f32) = (get(&row, 0)?, get(&row, 1)?);
        if count >= LARGE {
            let rows = plural::count(rounded(count), "row");
            large.push(format!("{name} (about {rows})"));
        }
    }
    Ok(large)
}

/// Rounds an estimate to two digits.
fn rounded(count: f32) -> u64 {
    let count = format!("{count:.1e}").parse::<f64>().unwrap_or_default();
    format!("{count:.0}").parse().unwrap_or_default()
}

/// Returns the table in a line of a plan: `->  Parallel Seq Scan on orders o  (cost=...)`.
fn scanned_table(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("Seq Scan on ")?;
    let end = match rest.strip_prefix('"') {
        Some(quoted) => quoted.find('"')? + 2,
        None => rest.find(' ').unwrap_or(rest.len()),
    };
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_table_of_a_scan() {
        for (line, table) in [
            ("  ->  Parallel Seq Scan on orders o  (cost=0.00..1.01 rows=1 width=4)", Some("orders")),
            ("Seq Scan on \"My Orders\"  (cost=0.00..1.01 rows=1 width=4)", Some("\"My Orders\"")),
            ("Index Scan using a on orders  (cost=0.00..1.01 rows=1 width=4)", None),
            ("Filter: (note = 'x')", None),
        ] {
            assert_eq!(scanned_table(line), table, "{line}");
        }
        assert_eq!(rounded(2_987_654.0), 3_000_000);
    }
}
