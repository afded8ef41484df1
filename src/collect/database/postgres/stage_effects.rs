//! Effect rows that a stage has written for an event.

use crate::collect::database::postgres::session::{Params, Session, get, required_time};
use crate::evidence::{Effect, Reason};
use crate::pipeline::Stage;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Reads all of the stage's effect rows for the id, oldest first.
pub async fn effects(
    session: &Session,
    stage: &Stage,
    id: &str,
    id_type: &str,
) -> Result<Vec<Effect>, Reason> {
    let (sql, params) = effects_sql(stage, id, id_type);
    let subject = subject(stage);
    let rows = session.query(&subject, &sql, &params, session.share(4)).await?;
    rows.iter().map(|row| read_effect(row, &subject)).collect()
}

/// Names the stage in errors.
pub(crate) fn subject(stage: &Stage) -> String {
    format!("stage {} ({})", stage.name, stage.effect)
}

/// Builds the query for one id's effects.
pub(crate) fn effects_sql(stage: &Stage, id: &str, id_type: &str) -> (String, Params) {
    let mut params = Params::default();
    let id = params.bind(id.to_string(), Type::TEXT);
    let sql = format!(
        "select effect.at::timestamptz, effect.status::text from ({}) effect
          where effect.id = {id}::{id_type} order by 1 limit 1000",
        stage.sql
    );
    (sql, params)
}

/// Reads an effect from a row that begins with its time and status.
pub(crate) fn read_effect(row: &Row, subject: &str) -> Result<Effect, Reason> {
    Ok(Effect { at: required_time(row, 0, subject)?, status: get(row, 1)? })
}
