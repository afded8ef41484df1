//! Reads the rows for several ids with one query per table.

use crate::collect::database::postgres::databases::{Databases, session_and_id_type};
use crate::collect::database::postgres::session::{Params, Session, get, quote_ident};
use crate::collect::database::postgres::{NO_MARKS, event, processed_marks, stage_effects};
use crate::evidence::{Effect, Event, EventRows, Mark, Name, Observed, Reason, ReasonKind};
use crate::pipeline::{EventSql, Marks, Pipeline, Stage};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Maximum number of ids returned for one key.
const MAX_IDS_OF_KEY: u64 = 100;

/// Values by event id.
type ById<T> = Result<BTreeMap<String, Vec<T>>, Reason>;

/// Reads the rows for these ids. `id_type` is the id's type in the main database, and
/// `marks_id_type` is its type in the marks table.
pub async fn rows_of(
    databases: &Databases,
    pipeline: &Pipeline,
    ids: &[String],
    id_type: &str,
    marks_id_type: &Result<String, Reason>,
) -> Vec<EventRows> {
    let events = events(&databases.main, &pipeline.event, ids, id_type).await;
    let marks = match pipeline.marks.as_ref().map(|marks| (marks, databases.session(marks.database()))) {
        Some((marks, Ok(session))) => {
            Some(marks_of(session, marks, ids, marks_id_type.as_ref().map_or(id_type, String::as_str)).await)
        }
        Some((_, Err(why))) => Some(Err(why)),
        None => None,
    };
    let marks_of = |id: &String| match &marks {
        Some(marks) => rows_for(marks, id),
        None => Observed::not_in_pipeline(NO_MARKS),
    };
    let mut effects = BTreeMap::new();
    for stage in &pipeline.stage {
        let found = match session_and_id_type(databases, stage, id_type).await {
            Ok((session, id_type)) => effects_of(session, stage, ids, &id_type).await,
            Err(why) => Err(why),
        };
        effects.insert(stage.name.clone(), found);
    }
    let rows = |id: &String| EventRows {
        marks: marks_of(id),
        marks_like: match &marks {
            Some(_) => Observed::unknown(ReasonKind::NoAnswer, "not read in time"),
            None => Observed::not_in_pipeline(NO_MARKS),
        },
        event: rows_for(&events, id)
            .and_then(|events: Vec<Event>| events.into_iter().next().ok_or_else(event::no_row).into()),
        effects: effects.iter().map(|(stage, rows)| (stage.clone(), rows_for(rows, id))).collect(),
    };
    ids.iter().map(rows).collect()
}

/// Returns the rows for one id, if there are any.
fn rows_for<T: Clone>(found: &ById<T>, id: &str) -> Observed<Vec<T>> {
    match found {
        Ok(found) => Observed::Known(found.get(id).cloned().unwrap_or_default()),
        Err(why) => Observed::Unknown(why.clone()),
    }
}

fn by_id<T>(rows: &[Row], id: usize, read: impl Fn(&Row) -> Result<T, Reason>) -> ById<T> {
    let mut found: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for row in rows {
        found.entry(get(row, id)?).or_default().push(read(row)?);
    }
    Ok(found)
}

/// Binds the ids and returns `any(…)` over an array of the id type.
fn bind_any(params: &mut Params, ids: &[String], id_type: &str) -> String {
    format!("any({}::{id_type}[])", params.bind(ids.to_vec(), Type::TEXT_ARRAY))
}

async fn events(session: &Session, declared: &EventSql, ids: &[String], id_type: &str) -> ById<Event> {
    let mut params = Params::default();
    let any = bind_any(&mut params, ids, id_type);
    let (columns, sql) = (event::columns(declared), &declared.sql);
    let sql =
        format!("select {columns}, event.id::text from ({sql}) event where event.id = {any} order by 1");
    let rows = session.query("the events", &sql, &params, session.share(4)).await?;
    by_id(&rows, 1 + declared.keys.len(), |row| event::read(row, &declared.keys))
}

async fn marks_of(session: &Session, marks: &Marks, ids: &[String], id_type: &str) -> ById<Mark> {
    let mut params = Params::default();
    let any = bind_any(&mut params, ids, id_type);
    let sql = format!("{} where {} = {any} order by 5, 1", processed_marks::select(marks), marks.id);
    let rows = session.query(&marks.table, &sql, &params, session.share(4)).await?;
    by_id(&rows, 2, processed_marks::read_mark)
}

async fn effects_of(session: &Session, stage: &Stage, ids: &[String], id_type: &str) -> ById<Effect> {
    let mut params = Params::default();
    let any = bind_any(&mut params, ids, id_type);
    let sql = format!(
        "select effect.at::timestamptz, effect.status::text, effect.id::text from ({}) effect
          where effect.id = {any} order by 1",
        stage.sql
    );
    let subject = stage_effects::subject(stage);
    let rows = session.query(&subject, &sql, &params, session.share(4)).await?;
    let found = by_id(&rows, 2, |row| stage_effects::read_effect(row, &subject))?;
    Ok(found.into_iter().map(|(id, effects)| (id, stage_effects::distinct(stage, effects))).collect())
}

/// Adds the marks that contain one of the ids as a substring, for ids without a mark of their own. Scans the table
/// once. `target` is the session that reads the marks table and the type of the table's id.
pub async fn add_substring_matches(
    target: Result<(&Session, &String), Reason>,
    marks: &Marks,
    (ids, event_rows): (&[String], &mut [EventRows]),
) {
    let (mut wanted, mut without_marks) = (Vec::new(), Vec::new());
    for (id, rows) in ids.iter().zip(event_rows) {
        match rows.marks.known().is_some_and(|marks| !marks.is_empty()) {
            true => rows.marks_like = Observed::not_asked("the id is found as it is"),
            false => {
                wanted.push(id.clone());
                without_marks.push(rows);
            }
        }
    }
    if wanted.is_empty() {
        return;
    }
    let found = match target {
        Ok((session, id_type)) => processed_marks::substring_matches(session, marks, &wanted, id_type).await,
        Err(why) => Err(why),
    };
    for (id, rows) in wanted.iter().zip(without_marks) {
        rows.marks_like = Observed::from(found.clone()).map(|found: Vec<Mark>| {
            let contains_id = |mark: &Mark| {
                mark.correlation_id.contains(id.as_str()) || mark.event_id.contains(id.as_str())
            };
            found.into_iter().filter(|mark| contains_id(mark) && mark.correlation_id != *id).collect()
        });
    }
}

/// Returns the ids of the events with this key value, newest first.
pub async fn ids_with_key(
    session: &Session,
    pipeline: &Pipeline,
    key: &Name,
    value: &str,
) -> Result<Vec<String>, Reason> {
    let mut params = Params::default();
    let value = params.bind(value.to_string(), Type::TEXT);
    let sql = format!(
        "select event.id::text, max(event.at::timestamptz) from ({}) event
          where event.{}::text = {value} group by 1 order by 2 desc limit {MAX_IDS_OF_KEY}",
        pipeline.event.sql,
        quote_ident(key)
    );
    let rows = session.query("the events", &sql, &params, session.share(2)).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}
