//! Several ids at once: each statement is asked once for all of them.

use crate::collect::database::postgres::databases::{Databases, id_type_at};
use crate::collect::database::postgres::session::{Bound, Session, get, quoted};
use crate::collect::database::postgres::{NO_MARKS, event, marks, stages};
use crate::evidence::{Effect, Event, EventRows, Mark, Name, Seen, Why, WhyKind};
use crate::pipeline::{EventSql, Marks, Pipeline, Stage};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// At most so many ids have one key.
const WITH_KEY: u64 = 100;

/// Values by the id that they belong to, of those that were asked about.
type ById<T> = Result<BTreeMap<String, Vec<T>>, Why>;

/// The rows of all these ids: `of` it is in the main database, `in_marks` in the marks table.
pub async fn look(
    databases: &Databases,
    pipeline: &Pipeline,
    ids: &[String],
    of: &str,
    in_marks: &Result<String, Why>,
) -> Vec<EventRows> {
    let events = events(&databases.main, &pipeline.event, ids, of).await;
    let marks = match pipeline.marks.as_ref().map(|marks| (marks, databases.of(marks.database()))) {
        Some((marks, Ok(session))) => {
            Some(marks_of(session, marks, ids, in_marks.as_ref().map_or(of, String::as_str)).await)
        }
        Some((_, Err(why))) => Some(Err(why)),
        None => None,
    };
    let marks_of = |id: &String| match &marks {
        Some(marks) => own(marks, id),
        None => Seen::no_part(NO_MARKS),
    };
    let mut effects = BTreeMap::new();
    for stage in &pipeline.stage {
        let found = match id_type_at(databases, stage, of).await {
            Ok((session, of)) => effects_of(session, stage, ids, &of).await,
            Err(why) => Err(why),
        };
        effects.insert(stage.name.clone(), found);
    }
    let rows = |id: &String| EventRows {
        marks: marks_of(id),
        marks_like: match &marks {
            Some(_) => Seen::unknown(WhyKind::NoAnswer, "not looked at in time"),
            None => Seen::no_part(NO_MARKS),
        },
        event: own(&events, id)
            .and_then(|events: Vec<Event>| events.into_iter().next().ok_or_else(event::no_row).into()),
        effects: effects.iter().map(|(stage, rows)| (stage.clone(), own(rows, id))).collect(),
    };
    ids.iter().map(rows).collect()
}

/// What was found of one id: nothing, where nothing was.
fn own<T: Clone>(found: &ById<T>, id: &str) -> Seen<Vec<T>> {
    match found {
        Ok(found) => Seen::Known(found.get(id).cloned().unwrap_or_default()),
        Err(why) => Seen::Unknown(why.clone()),
    }
}

fn by_id<T>(rows: &[Row], id: usize, read: impl Fn(&Row) -> Result<T, Why>) -> ById<T> {
    let mut found: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for row in rows {
        found.entry(get(row, id)?).or_default().push(read(row)?);
    }
    Ok(found)
}

/// The ids, bound as an array of their column's type.
fn bind(bound: &mut Bound, ids: &[String], of: &str) -> String {
    format!("any({}::{of}[])", bound.bind(ids.to_vec(), Type::TEXT_ARRAY))
}

async fn events(session: &Session, declared: &EventSql, ids: &[String], of: &str) -> ById<Event> {
    let mut bound = Bound::default();
    let any = bind(&mut bound, ids, of);
    let (columns, sql) = (event::columns(declared), &declared.sql);
    let sql =
        format!("select {columns}, event.id::text from ({sql}) event where event.id = {any} order by 1");
    let rows = session.ask("the events", &sql, &bound, session.share(4)).await?;
    by_id(&rows, 1 + declared.keys.len(), |row| event::read(row, &declared.keys))
}

async fn marks_of(session: &Session, marks: &Marks, ids: &[String], of: &str) -> ById<Mark> {
    let mut bound = Bound::default();
    let any = bind(&mut bound, ids, of);
    let sql = format!("{} where {} = {any} order by 5, 1", marks::select(marks), marks.id);
    let rows = session.ask(&marks.table, &sql, &bound, session.share(4)).await?;
    by_id(&rows, 2, marks::mark)
}

async fn effects_of(session: &Session, stage: &Stage, ids: &[String], of: &str) -> ById<Effect> {
    let mut bound = Bound::default();
    let any = bind(&mut bound, ids, of);
    let sql = format!(
        "select effect.at::timestamptz, effect.status::text, effect.id::text from ({}) effect
          where effect.id = {any} order by 1",
        stage.sql
    );
    let what = format!("stage {} ({})", stage.name, stage.effect);
    let rows = session.ask(&what, &sql, &bound, session.share(4)).await?;
    by_id(&rows, 2, |row| stages::read_effect(row, &what))
}

/// Enters the marks that hold an id somewhere in a text; the table is read once.
pub async fn like(
    asked: Result<(&Session, &String), Why>,
    marks: &Marks,
    (ids, others): (&[String], &mut [EventRows]),
) {
    if others.is_empty() {
        return;
    }
    let found = match asked {
        Ok((session, of)) => marks::like(session, marks, ids, of).await,
        Err(why) => Err(why),
    };
    for (id, rows) in ids.iter().zip(others) {
        rows.marks_like = Seen::from(found.clone()).map(|found: Vec<Mark>| {
            let holds = |mark: &Mark| {
                mark.correlation_id.contains(id.as_str()) || mark.event_id.contains(id.as_str())
            };
            found.into_iter().filter(|mark| holds(mark) && mark.correlation_id != *id).collect()
        });
    }
}

/// The ids, newest first, of the events that have this value of a key.
pub async fn with_key(
    session: &Session,
    pipeline: &Pipeline,
    key: &Name,
    value: &str,
) -> Result<Vec<String>, Why> {
    let mut bound = Bound::default();
    let value = bound.bind(value.to_string(), Type::TEXT);
    let sql = format!(
        "select event.id::text, max(event.at::timestamptz) from ({}) event
          where event.{}::text = {value} group by 1 order by 2 desc limit {WITH_KEY}",
        pipeline.event.sql,
        quoted(key)
    );
    let rows = session.ask("the events", &sql, &bound, session.share(2)).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}
