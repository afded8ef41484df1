//! Counts the events in the window that reached a stage but lack its effect. Used if all
//! tables are in one database.

use crate::collect::database::postgres::session::{Params, Session, get, only, time, timestamp};
use crate::collect::database::postgres::stage_effects::{CLOCK_SKEW_S, subject};
use crate::evidence::{Extent, Reason, ReasonKind, StuckEvent};
use crate::pipeline::{Marks, Pipeline, Stage};
use std::time::{Duration, SystemTime};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Maximum number of events in the window to check, newest first.
pub(crate) const MAX_EVENTS: i64 = 10_000;

/// Counts, for each stage, the events from the last `window_s` seconds that reached it but lack its effect. All
/// tables must be in this database. One statement counts all stages; only if it fails, each has its own.
pub async fn backlogs(
    session: &Session,
    pipeline: &Pipeline,
    window_s: u64,
    mut found: impl FnMut(&Stage, Result<Extent, Reason>),
) {
    let stages: Vec<&Stage> = pipeline.stage.iter().collect();
    match all_backlogs(session, pipeline, &stages, window_s).await {
        Ok(extents) => stages.iter().zip(extents).for_each(|(stage, extent)| found(stage, Ok(extent))),
        Err(_) => {
            for (number, stage) in stages.iter().enumerate() {
                let stages_left = u32::try_from(stages.len() - number).unwrap_or(1);
                found(stage, backlog(session, pipeline, stage, window_s, stages_left).await);
            }
        }
    }
}

async fn all_backlogs(
    session: &Session,
    pipeline: &Pipeline,
    stages: &[&Stage],
    window_s: u64,
) -> Result<Vec<Extent>, Reason> {
    let (sql, params) = backlog_sql(pipeline, stages, window_s, session.replica_lag);
    let rows = session.query("the stages", &sql, &params, session.share(2)).await?;
    let extents: Vec<Extent> = rows.iter().map(read_backlog).collect::<Result<_, Reason>>()?;
    match extents.len() == stages.len() {
        true => Ok(extents),
        false => Err(Reason::new(ReasonKind::Failed, "the stages: not one row for each")),
    }
}

/// Counts the stuck events at one stage. `stages_left` is the number of stages still to query, including this one.
async fn backlog(
    session: &Session,
    pipeline: &Pipeline,
    stage: &Stage,
    window_s: u64,
    stages_left: u32,
) -> Result<Extent, Reason> {
    let (sql, params) = backlog_sql(pipeline, &[stage], window_s, session.replica_lag);
    // Leave equal shares of the time for the remaining stages and for the queries after them.
    let subject = subject(stage);
    let rows = session.query(&subject, &sql, &params, session.share(stages_left + 1));
    read_backlog(&only(rows.await?, &subject)?)
}

fn read_backlog(row: &Row) -> Result<Extent, Reason> {
    let count = |column| get::<i64>(row, column).map(i64::unsigned_abs);
    let ids: Vec<String> = get(row, 7)?;
    let times: Vec<SystemTime> = get(row, 8)?;
    let marked: Vec<bool> = get(row, 9)?;
    let kept_back: Vec<bool> = get(row, 10)?;
    let newest = ids.into_iter().zip(times).zip(marked.into_iter().zip(kept_back));
    let stuck = newest.map(|((id, at), (marked, kept_back))| {
        let at = timestamp(at)?;
        Ok(StuckEvent { id, at, marked, kept_back })
    });
    Ok(Extent {
        events: count(1)?,
        stuck: count(2)?,
        stuck_marked: count(3)?,
        since: time(row, 4)?,
        last_good: time(row, 5)?,
        limited: get(row, 6)?,
        oldest: time(row, 11)?,
        newest: stuck.collect::<Result<_, Reason>>()?,
    })
}

/// Builds one statement that selects the events in the window, follows them stage by stage,
/// and finds those that reached a stage but lack its effect; it has a row for each of `stages`, which are in the
/// pipeline's order. The statement joins whole sets so that the planner can choose the join method. One query per
/// event would be slow for stage SQL that cannot use an index. Sets of ids are grouped, not joined with each other:
/// the planner cannot know how large they are, and would compare each with each. Rows that a replica has not received yet, because it
/// is `lag` behind, do not count as missing.
pub(crate) fn backlog_sql(
    pipeline: &Pipeline,
    stages: &[&Stage],
    window_s: u64,
    lag: Duration,
) -> (String, Params) {
    let mut params = Params::default();
    let window = i64::try_from(window_s).unwrap_or(i64::MAX);
    let window = params.bind(window, Type::INT8);
    let mut sql = window_events(&pipeline.event.sql, &window);
    let is_needed = |candidate: &&Stage| {
        let is_same = |stage: &&Stage| stage.name == candidate.name;
        stages.iter().any(|stage| is_same(stage) || pipeline.all_before(stage).iter().any(is_same))
    };
    let sets: Vec<&Stage> = pipeline.stage.iter().filter(is_needed).collect();
    for (number, stage) in sets.iter().enumerate() {
        let reached = reached(&pipeline.before(stage), &sets);
        let effects = effects(number, stage, &mut params);
        sql += &format!(",\nreached_{number} as materialized ({reached}),\n{effects}");
    }
    let mut rows = Vec::new();
    for (number, stage) in sets.iter().enumerate() {
        if stages.iter().any(|wanted| wanted.name == stage.name) {
            let grace = stage.grace_s.saturating_add(lag.as_secs());
            sql += &judged(number, grace, pipeline, stage, &mut params);
            rows.push(counts(number));
        }
    }
    sql += &rows.join("\nunion all ");
    (sql + "\norder by 1", params)
}

/// Builds two more sets: the events that reached a stage, and those of them that lack its effect.
fn judged(number: usize, grace_s: u64, pipeline: &Pipeline, stage: &Stage, params: &mut Params) -> String {
    let grace = params.bind(i64::try_from(grace_s).unwrap_or(i64::MAX), Type::INT8);
    let marked = marked(pipeline, stage, params);
    let kept_back = kept_back(pipeline, stage, params);
    format!(
        ",
judged_{number} as materialized (
  select id, min(at) as at, max(last_good) as last_good,
         not bool_or(found) and min(at) < now() - {grace} * interval '1 second' as stuck
    from (select id, at, null::timestamptz as last_good, false as found from reached_{number}
          union all select id, null, last_good, true from effect_{number}) sets group by id),
stuck_{number} as materialized (
  select judged.id, judged.at, {marked} as marked, {kept_back} as kept_back,
         row_number() over (order by judged.at desc, judged.id::text) as place
    from judged_{number} judged where stuck)"
    )
}

/// Builds the row for a stage, which [`read_backlog`] reads.
fn counts(number: usize) -> String {
    let (judged, stuck, newest) = (format!("judged_{number}"), format!("stuck_{number}"), Extent::NEWEST);
    format!(
        "
select {number}, (select count(*) from {judged}), (select count(*) from {stuck}),
       (select count(*) from {stuck} where marked), (select min(at) from {stuck}),
       (select max(last_good) from {judged}), (select count(*) > {MAX_EVENTS} from recent),
       array(select id::text from {stuck} where place <= {newest} order by place),
       array(select at from {stuck} where place <= {newest} order by place),
       array(select marked from {stuck} where place <= {newest} order by place),
       array(select kept_back from {stuck} where place <= {newest} order by place),
       (select min(at) from came having (select count(*) > {MAX_EVENTS} from recent))"
    )
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

/// Builds the statement that counts the events in the window.
pub(crate) fn events_sql(pipeline: &Pipeline, window_s: u64) -> (String, Params) {
    let mut params = Params::default();
    let window = params.bind(i64::try_from(window_s).unwrap_or(i64::MAX), Type::INT8);
    (window_events(&pipeline.event.sql, &window) + " select count(*) from came", params)
}

/// Builds the query for the events that passed all of these stages, with the time of the
/// last effect. Without stages, it selects all events. `all` lists the stages in the order of their sets.
fn reached(through: &[&Stage], all: &[&Stage]) -> String {
    let number = |stage: &&Stage| all.iter().position(|other| other.name == stage.name);
    let sets: Vec<String> =
        through.iter().filter_map(number).map(|number| format!("effect_{number}")).collect();
    let Some((first, others)) = sets.split_first() else { return "select id, at from came".to_string() };
    let passed = |set: &String| format!("select id, good_at as at from {set} where good_at is not null");
    if others.is_empty() {
        return passed(first);
    }
    let all: Vec<String> = sets.iter().map(passed).collect();
    format!(
        "select id, max(at) as at from ({}) passed group by id having count(*) = {}",
        all.join(" union all "),
        all.len()
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

/// Builds the set `effect_N`: the times of each event's first and last good effects, for events that
/// reached the stage and have an effect. The times are null if none of an event's effects is good.
fn effects(number: usize, stage: &Stage, params: &mut Params) -> String {
    let good = is_good(stage, params);
    let of = |set: &str, sql: &str, condition: &str| {
        format!(
            "select reached.id, min(effect.at::timestamptz) filter (where {good}) as good_at,
         max(effect.at::timestamptz) filter (where {good}) as last_good
    from {set} reached join ({sql}) effect on effect.id = reached.id
   where effect.at::timestamptz >= reached.at - interval '{CLOCK_SKEW_S} seconds'
     and effect.at >= (select min(at) from came) - interval '{CLOCK_SKEW_S} seconds'{condition}
   group by reached.id"
        )
    };
    let reached = format!("reached_{number}");
    let Some(quick) = &stage.quick_sql else {
        return format!("effect_{number} as materialized ({})", of(&reached, &stage.sql, ""));
    };
    // The server decides before it reads any row whether there are events left.
    let left = format!("left_{number}");
    format!(
        "quick_{number} as materialized ({quick}),
{left} as materialized (select id, min(at) as at
    from (select id, at, false as found from {reached}
          union all select id, null, true from quick_{number} where good_at is not null) sets
   group by id having not bool_or(found)),
effect_{number} as materialized (select id, good_at, last_good from quick_{number} where good_at is not null
  union all {rest})",
        quick = of(&reached, quick, ""),
        rest = of(&left, &stage.sql, &format!(" and exists (select from {left})")),
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
