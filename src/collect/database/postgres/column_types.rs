//! Reads the types of the columns that the pipeline's SQL compares as text, so that it can compare in those types
//! and use the columns' indexes.

use crate::base::name::MAIN_DATABASE;
use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{CATALOG_TIMEOUT, Params, Session, get};
use crate::evidence::{Name, Reason};
use crate::pipeline::Pipeline;
use crate::pipeline::sql_joins::{Column, columns_compared_as_text, compare_in_type_of_column};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::types::Type;

/// Returns the pipeline with SQL that compares in the columns' types. Where these cannot be read, the SQL stays as
/// it is.
pub async fn with_typed_sql(pipeline: &Pipeline, databases: &Databases) -> Pipeline {
    let mut typed = pipeline.clone();
    let mut by_database: BTreeMap<Name, Vec<&mut String>> = BTreeMap::new();
    by_database.entry(MAIN_DATABASE.into()).or_default().push(&mut typed.event.sql);
    for stage in &mut typed.stage {
        let statements = by_database.entry(stage.database().into()).or_default();
        statements.push(&mut stage.sql);
        statements.extend(&mut stage.quick_sql);
    }
    for (database, statements) in by_database {
        let compared = statements.iter().flat_map(|sql| columns_compared_as_text(sql));
        let compared: BTreeSet<Column> = compared.collect();
        let Ok(session) = databases.session(&database) else { continue };
        let types = match compared.is_empty() {
            true => continue,
            false => column_types(session, compared).await.unwrap_or_default(),
        };
        for sql in statements {
            *sql = compare_in_type_of_column(sql, &types);
        }
    }
    typed
}

/// Returns the types of those columns that exist on the search path (`pg_attribute`).
async fn column_types(
    session: &Session,
    columns: BTreeSet<Column>,
) -> Result<BTreeMap<Column, String>, Reason> {
    let mut params = Params::default();
    let (tables, names): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
    let tables = params.bind(tables, Type::TEXT_ARRAY);
    let names = params.bind(names, Type::TEXT_ARRAY);
    let sql = format!(
        "select compared.relation, compared.name, format_type(a.atttypid, -1)
           from unnest({tables}, {names}) as compared(relation, name)
           join pg_attribute a on a.attrelid = to_regclass(compared.relation)
            and a.attname = lower(compared.name) and a.attnum > 0 and not a.attisdropped"
    );
    let rows = session.query("the types of columns", &sql, &params, CATALOG_TIMEOUT).await?;
    rows.iter().map(|row| Ok(((get(row, 0)?, get(row, 1)?), get(row, 2)?))).collect()
}
