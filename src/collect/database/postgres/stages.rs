//! What each stage left: the rows of one id, and how many events of the window
//! lack theirs.

use crate::collect::database::postgres::session::{
    Bound, Session, get, only, required_time, time, timestamp,
};
use crate::evidence::{Effect, Extent, StuckEvent, Why};
use crate::pipeline::{Marks, Pipeline, Stage};
use std::time::SystemTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// How many events of the window are looked at, the newest first.
pub(crate) const EVENTS: i64 = 10_000;

/// Clocks differ: an effect may seem this much older than its event, in seconds.
pub(crate) const CLOCKS_S: u32 = 5;

/// The stage's effect rows of the id, oldest first, whatever their age.
pub async fn effect(session: &Session, stage: &Stage, id: &str, of: &str) -> Result<Vec<Effect>, Why> {
    let (sql, bound) = effect_sql(stage, id, of);
    let what = format!("stage {} ({})", stage.name, stage.effect);
    let rows = session.ask(&what, &sql, &bound, session.share(4)).await?;
    rows.iter().map(|row| read_effect(row, &what)).collect()
}

/// The effects of one id.
pub(crate) fn effect_sql(stage: &Stage, id: &str, of: &str) -> (String, Bound) {
    let mut bound = Bound::default();
    let id = bound.bind(id.to_string(), Type::TEXT);
    let sql = format!(
        "select effect.at::timestamptz, effect.status::text from ({}) effect
          where effect.id = {id}::{of} order by 1 limit 1000",
        stage.sql
    );
    (sql, bound)
}

/// An effect of a row that begins with its time and its status.
pub(crate) fn read_effect(row: &Row, what: &str) -> Result<Effect, Why> {
    Ok(Effect { at: required_time(row, 0, what)?, status: get(row, 1)? })
}

/// How many events of the last `window_s` seconds reached a stage and lack its
/// effect. All that it asks for is in this database. `left`: how many questions of
/// this kind are left.
pub async fn extent(
    session: &Session,
    pipeline: &Pipeline,
    stage: &Stage,
    window_s: u64,
    left: u32,
) -> Result<Extent, Why> {
    // What a replica does not have yet is not missing.
    let stage = &Stage { grace_s: stage.grace_s + session.behind.as_secs(), ..stage.clone() };
    let (sql, bound) = extent_sql(pipeline, stage, window_s);
    // Every stage that is left gets its share, and so does what comes after them.
    let what = format!("stage {} ({})", stage.name, stage.effect);
    let rows = session.ask(&what, &sql, &bound, session.share(left + 1));
    read_extent(&only(rows.await?, &what)?)
}

fn read_extent(row: &Row) -> Result<Extent, Why> {
    let count = |column| get::<i64>(row, column).map(i64::unsigned_abs);
    let ids: Vec<String> = get(row, 6)?;
    let times: Vec<SystemTime> = get(row, 7)?;
    let marked: Vec<bool> = get(row, 8)?;
    let kept_back: Vec<bool> = get(row, 9)?;
    let newest = ids.into_iter().zip(times).zip(marked.into_iter().zip(kept_back));
    let stuck = newest.map(|((id, at), (marked, kept_back))| {
        let at = timestamp(at)?;
        Ok(StuckEvent { id, at, marked, kept_back })
    });
    Ok(Extent {
        events: count(0)?,
        stuck: count(1)?,
        stuck_marked: count(2)?,
        since: time(row, 3)?,
        last_good: time(row, 4)?,
        limited: get(row, 5)?,
        newest: stuck.collect::<Result<_, Why>>()?,
    })
}

/// One statement: the window's events, then stage by stage those that came
/// through, and of those that reached `stage` the ones without its effect.
/// Sets are joined to sets, so that the planner may choose how; asking once per
/// event would be slow where a stage's SQL cannot use an index.
pub(crate) fn extent_sql(pipeline: &Pipeline, stage: &Stage, window_s: u64) -> (String, Bound) {
    let mut bound = Bound::default();
    let window = i64::try_from(window_s).unwrap_or(i64::MAX);
    let window = bound.bind(window, Type::INT8);
    let mut sql = window_events(&pipeline.event.sql, &window);
    let before = pipeline.all_before(stage);
    let last = before.len();
    for (i, stage) in before.iter().copied().chain([stage]).enumerate() {
        let reached = reached(&pipeline.before(stage), &before);
        let effects = effects(i, stage, &mut bound);
        sql +=
            &format!(",\nreached_{i} as materialized ({reached}),\neffect_{i} as materialized ({effects})");
    }
    let grace = i64::try_from(stage.grace_s).unwrap_or(i64::MAX);
    let grace = bound.bind(grace, Type::INT8);
    let marked = marked(pipeline, stage, &mut bound);
    let kept_back = kept_back(pipeline, stage, &mut bound);
    let newest = Extent::NEWEST;
    sql += &format!(
        ",
judged as materialized (
  select reached.id, reached.at, effect.last_good,
         effect.id is null and reached.at < now() - {grace} * interval '1 second' as stuck
    from reached_{last} reached left join effect_{last} effect on effect.id = reached.id),
stuck as materialized (
  select judged.id, judged.at, {marked} as marked, {kept_back} as kept_back,
         row_number() over (order by judged.at desc, judged.id::text) as place
    from judged where stuck)
select (select count(*) from judged), (select count(*) from stuck),
       (select count(*) from stuck where marked), (select min(at) from stuck),
       (select max(last_good) from judged), (select count(*) > {EVENTS} from recent),
       array(select id::text from stuck where place <= {newest} order by place),
       array(select at from stuck where place <= {newest} order by place),
       array(select marked from stuck where place <= {newest} order by place),
       array(select kept_back from stuck where place <= {newest} order by place)"
    );
    (sql, bound)
}

/// The window's events: the sets `recent` and, the newest of them, `came`.
pub(crate) fn window_events(sql: &str, window: &str) -> String {
    format!(
        "with recent as materialized (
  select event.id, event.at::timestamptz as at from ({sql}) event
   where event.at >= now() - {window} * interval '1 second'
   order by 2 desc limit {EVENTS} + 1),
came as materialized (select id, at from recent order by at desc limit {EVENTS})"
    )
}

/// The events that have come through all of these stages, and when through the last of
/// them; all of them, where there is none. `before`: the stages in the order of their sets.
fn reached(through: &[&Stage], before: &[&Stage]) -> String {
    let number = |stage: &&Stage| before.iter().position(|other| other.name == stage.name);
    let sets: Vec<String> =
        through.iter().filter_map(number).map(|number| format!("effect_{number}")).collect();
    let Some((first, others)) = sets.split_first() else { return "select id, at from came".to_string() };
    let at: Vec<String> = sets.iter().map(|set| format!("{set}.good_at")).collect();
    let joined: String = others.iter().map(|set| format!(" join {set} on {set}.id = {first}.id")).collect();
    let came: Vec<String> = at.iter().map(|at| format!("{at} is not null")).collect();
    format!(
        "select {first}.id, greatest({}) as at from {first}{joined} where {}",
        at.join(", "),
        came.join(" and ")
    )
}

/// Whether a row `effect` is good.
pub(crate) fn good_only(stage: &Stage, bound: &mut Bound) -> String {
    if stage.good_status.is_empty() {
        return "true".to_string();
    }
    let good = bound.bind(stage.good_status.clone(), Type::TEXT_ARRAY);
    format!("effect.status::text = any({good})")
}

/// For each event that reached the stage and has an effect of it: when the
/// first and the last good one were written (null: it has only others).
fn effects(number: usize, stage: &Stage, bound: &mut Bound) -> String {
    let good = good_only(stage, bound);
    format!(
        "select reached.id, min(effect.at::timestamptz) filter (where {good}) as good_at,
         max(effect.at::timestamptz) filter (where {good}) as last_good
    from reached_{number} reached join ({sql}) effect on effect.id = reached.id
   where effect.at::timestamptz >= reached.at - interval '{CLOCKS_S} seconds'
     and effect.at >= (select min(at) from came) - interval '{CLOCKS_S} seconds'
   group by reached.id",
        sql = stage.sql
    )
}

/// Whether one of the stage's owners has marked the event as processed.
fn marked(pipeline: &Pipeline, stage: &Stage, bound: &mut Bound) -> String {
    let Some(marks) = &pipeline.marks else { return "false".to_string() };
    // A join marks each of its records, and writes its row with the last.
    let joined = pipeline.joined(stage).into_iter().map(|stage| {
        let owners = bound.bind(stage.marked_by.clone(), Type::TEXT_ARRAY);
        let by = format!("mark.{}::text = any({owners})", marks.source);
        has_mark(marks, stage, &by, bound)
    });
    joined.collect::<Vec<String>>().join(" and ")
}

/// Whether anybody but the event's emitter has, and those who do so at another stage.
fn kept_back(pipeline: &Pipeline, stage: &Stage, bound: &mut Bound) -> String {
    let Some(marks) = &pipeline.marks else { return "false".to_string() };
    let emitter = bound.bind(stage.emitter.get_ref().clone(), Type::TEXT);
    let elsewhere = bound.bind(pipeline.marked_elsewhere(stage), Type::TEXT_ARRAY);
    let source = &marks.source;
    let by = format!(
        "mark.{source}::text is distinct from {emitter} and (mark.{source}::text = any({elsewhere})) is not true"
    );
    has_mark(marks, stage, &by, bound)
}

fn has_mark(marks: &Marks, stage: &Stage, by: &str, bound: &mut Bound) -> String {
    let event = bound.bind(stage.event.clone(), Type::TEXT);
    let Marks { table, id, event_type, .. } = marks;
    format!(
        "exists (select 1 from {table} mark
                  where mark.{id} = judged.id and mark.{event_type}::text = {event} and {by})"
    )
}
