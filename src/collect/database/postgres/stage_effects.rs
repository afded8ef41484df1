//! Effect rows that a stage has written for an event.

use crate::collect::database::postgres::session::{Params, Session, get, required_time};
use crate::evidence::{Effect, Reason};
use crate::pipeline::{EventSql, Stage};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Tolerated clock skew in seconds. An effect may appear to be this much older than its event.
pub(crate) const CLOCK_SKEW_S: u32 = 5;

/// Reads all of the stage's effect rows for the id, oldest first.
pub async fn effects(
    session: &Session,
    (event, stage): (&EventSql, &Stage),
    id: &str,
    id_type: &str,
) -> Result<Vec<Effect>, Reason> {
    let (sql, params) = effects_sql(event, stage, id, id_type);
    let subject = subject(stage);
    let rows = session.query(&subject, &sql, &params, session.share(4)).await?;
    let effects: Result<_, Reason> = rows.iter().map(|row| read_effect(row, &subject)).collect();
    effects.map(|effects| distinct(stage, effects))
}

/// Returns the effects without repetitions if their times are not their own, so that several rows are one effect.
pub(crate) fn distinct(stage: &Stage, effects: Vec<Effect>) -> Vec<Effect> {
    if !stage.undated {
        return effects;
    }
    let mut seen: Vec<Effect> = Vec::new();
    for effect in effects {
        if !seen.contains(&effect) {
            seen.push(effect);
        }
    }
    seen
}

/// Names the stage in errors.
pub(crate) fn subject(stage: &Stage) -> String {
    format!("stage {} ({})", stage.name, stage.effect)
}

/// Builds the query for one id's effects.
pub(crate) fn effects_sql(event: &EventSql, stage: &Stage, id: &str, id_type: &str) -> (String, Params) {
    let mut params = Params::default();
    let id = params.bind(id.to_string(), Type::TEXT);
    let rows = |sql: &str| {
        format!(
            "select effect.at::timestamptz as at, effect.status::text as status from ({sql}) effect
          where effect.id = {id}::{id_type}"
        )
    };
    let all = rows(&stage.sql);
    let quick = stage.quick_sql.as_ref().filter(|_| stage.database.is_none());
    let sql = match quick {
        // The server decides before it reads anything whether all rows are needed: the condition depends on none of
        // them. An effect that is older than the event belongs to another one.
        Some(quick) => format!(
            "with quick as materialized ({}),
             found as (select from quick where quick.at >=
               (select min(event.at)::timestamptz from ({}) event where event.id = {id}::{id_type})
               - interval '{CLOCK_SKEW_S} seconds')
             select quick.at, quick.status from quick where exists (select from found)
             union all select rest.at, rest.status from ({all}) rest where not exists (select from found)
             order by 1 limit 1000",
            rows(quick),
            event.sql
        ),
        None => format!("{all} order by 1 limit 1000"),
    };
    (sql, params)
}

/// Reads an effect from a row that begins with its time and status.
pub(crate) fn read_effect(row: &Row, subject: &str) -> Result<Effect, Reason> {
    Ok(Effect { at: required_time(row, 0, subject)?, status: get(row, 1)? })
}
