//! Counts the events in the window that reached a stage but lack its effect. Used if all
//! tables are in one database.

use crate::collect::database::postgres::session::{Params, Session, get, only, time, timestamp};
use crate::collect::database::postgres::stage_effects::subject;
use crate::evidence::{Extent, Reason, StuckEvent};
use crate::pipeline::{Marks, Pipeline, Stage};
use std::time::SystemTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Maximum number of events in the window to check, newest first.
pub(crate) const MAX_EVENTS: i64 = 10_000;

/// Tolerated clock skew in seconds. An effect may appear to be this much older than its event.
pub(crate) const CLOCK_SKEW_S: u32 = 5;

/// Counts the events from the last `window_s` seconds that reached a stage but lack its
/// effect. All tables must be in this database. `stages_left` is the number of stages still
/// to query, including this one.
pub async fn backlog(
    session: &Session,
    pipeline: &Pipeline,
    stage: &Stage,
    window_s: u64,
    stages_left: u32,
) -> Result<Extent, Reason> {
    // Rows that a replica has not received yet do not count as missing.
    let stage = &Stage { grace_s: stage.grace_s + session.replica_lag.as_secs(), ..stage.clone() };
    let (sql, params) = backlog_sql(pipeline, stage, window_s);
    // Leave equal shares of the time for the remaining stages and for the queries after them.
    let subject = subject(stage);
    let rows = session.query(&subject, &sql, &params, session.share(stages_left + 1));
    read_backlog(&only(rows.await?, &subject)?)
}

fn read_backlog(row: &Row) -> Result<Extent, Reason> {
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
        newest: stuck.collect::<Result<_, Reason>>()?,
    })
}

/// Builds one statement that selects the events in the window, follows them stage by stage,
/// and finds those that reached `stage` but lack its effect. The statement joins whole sets
/// so that the planner can choose the join method. One query per event would be slow for
/// stage SQL that cannot use an index.
pub(crate) fn backlog_sql(pipeline: &Pipeline, stage: &Stage, window_s: u64) -> (String, Params) {
    let mut params = Params::default();
    let window = i64::try_from(window_s).unwrap_or(i64::MAX);
    let window = params.bind(window, Type::INT8);
    let mut sql = window_events(&pipeline.event.sql, &window);
    let before = pipeline.all_before(stage);
    let last = before.len();
    for (i, stage) in before.iter().copied().chain([stage]).enumerate() {
        let reached = reached(&pipeline.before(stage), &before);
        let effects = effects(i, stage, &mut params);
        sql +=
            &format!(",\nreached_{i} as materialized ({reached}),\neffect_{i} as materialized ({effects})");
    }
    let grace = i64::try_from(stage.grace_s).unwrap_or(i64::MAX);
    let grace = params.bind(grace, Type::INT8);
    let marked = marked(pipeline, stage, &mut params);
    let kept_back = kept_back(pipeline, stage, &mut params);
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
       (select max(last_good) from judged), (select count(*) > {MAX_EVENTS} from recent),
       array(select id::text from stuck where place <= {newest} order by place),
       array(select at from stuck where place <= {newest} order by place),
       array(select marked from stuck where place <= {newest} order by place),
       array(select kept_back from stuck where place <= {newest} order by place)"
    );
    (sql, params)
}

/// Begins a statement with two sets: `recent`, the events in the window, and `came`, the newest
/// events in `recent`.
pub(crate) fn window_events(sql: &str, window: &str) -> String {
    format!(
        "with recent as materialized (
  select event.id, event.at::timestamptz as at from ({sql}) event
   where event.at >= now() - {window} * interval '1 second'
   order by 2 desc limit {MAX_EVENTS} + 1),
came as materialized (select id, at from recent order by at desc limit {MAX_EVENTS})"
    )
}

/// Builds the query for the events that passed all of these stages, with the time of the
/// last effect. Without stages, it selects all events. `before` lists the stages in the order of their sets.
fn reached(through: &[&Stage], before: &[&Stage]) -> String {
    let number = |stage: &&Stage| before.iter().position(|other| other.name == stage.name);
    let sets: Vec<String> =
        through.iter().filter_map(number).map(|number| format!("effect_{number}")).collect();
    let Some((first, others)) = sets.split_first() else { return "select id, at from came".to_string() };
    let at: Vec<String> = sets.iter().map(|set| format!("{set}.good_at")).collect();
    let joined: String = others.iter().map(|set| format!(" join {set} on {set}.id = {first}.id")).collect();
    let conditions: Vec<String> = at.iter().map(|at| format!("{at} is not null")).collect();
    format!(
        "select {first}.id, greatest({}) as at from {first}{joined} where {}",
        at.join(", "),
        conditions.join(" and ")
    )
}

/// Builds the condition that the `effect` row has a good status.
pub(crate) fn is_good(stage: &Stage, params: &mut Params) -> String {
    if stage.good_status.is_empty() {
        return "true".to_string();
    }
    let good = params.bind(stage.good_status.clone(), Type::TEXT_ARRAY);
    format!("effect.status::text = any({good})")
}

/// Builds the query for the times of each event's first and last good effects, for events that
/// reached the stage and have an effect. The times are null if none of an event's effects is good.
fn effects(number: usize, stage: &Stage, params: &mut Params) -> String {
    let good = is_good(stage, params);
    format!(
        "select reached.id, min(effect.at::timestamptz) filter (where {good}) as good_at,
         max(effect.at::timestamptz) filter (where {good}) as last_good
    from reached_{number} reached join ({sql}) effect on effect.id = reached.id
   where effect.at::timestamptz >= reached.at - interval '{CLOCK_SKEW_S} seconds'
     and effect.at >= (select min(at) from came) - interval '{CLOCK_SKEW_S} seconds'
   group by reached.id",
        sql = stage.sql
    )
}

/// Builds the condition that an owner of the stage has marked the event as processed.
fn marked(pipeline: &Pipeline, stage: &Stage, params: &mut Params) -> String {
    let Some(marks) = &pipeline.marks else { return "false".to_string() };
    // A join marks each of its records but writes its row only after the last record.
    let joined = pipeline.join_stages(stage).into_iter().map(|stage| {
        let owners = params.bind(stage.marked_by.clone(), Type::TEXT_ARRAY);
        let by = format!("mark.{}::text = any({owners})", marks.source);
        has_mark(marks, stage, &by, params)
    });
    joined.collect::<Vec<String>>().join(" and ")
}

/// Builds the condition that another service has marked the event. The emitter and the
/// owners of other stages with the same event do not count as other services.
fn kept_back(pipeline: &Pipeline, stage: &Stage, params: &mut Params) -> String {
    let Some(marks) = &pipeline.marks else { return "false".to_string() };
    let emitter = params.bind(stage.emitter.get_ref().clone(), Type::TEXT);
    let elsewhere = params.bind(pipeline.marked_elsewhere(stage), Type::TEXT_ARRAY);
    let source = &marks.source;
    let by = format!(
        "mark.{source}::text is distinct from {emitter} and (mark.{source}::text = any({elsewhere})) is not true"
    );
    has_mark(marks, stage, &by, params)
}

fn has_mark(marks: &Marks, stage: &Stage, by: &str, params: &mut Params) -> String {
    let event = params.bind(stage.event.clone(), Type::TEXT);
    let Marks { table, id, event_type, .. } = marks;
    format!(
        "exists (select 1 from {table} mark
                  where mark.{id} = judged.id and mark.{event_type}::text = {event} and {by})"
    )
}
