//! Stuck events where stages are in several databases: each is asked about the
//! ids that came to it, and what it tells is put together here.

use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{Bound, Session, get, required_time, time};
use crate::collect::database::postgres::stages::{CLOCKS_S, EVENTS, good_only, window_events};
use crate::evidence::{Extent, Name, StuckEvent, Why};
use crate::pipeline::{Pipeline, Stage};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::SystemTime;
use tokio_postgres::types::Type;

/// Events by id, and when they came.
type Came = BTreeMap<String, Timestamp>;

/// When the first and the last good effect of an event were written.
type Effects = BTreeMap<String, (Option<Timestamp>, Option<Timestamp>)>;

/// The window's events, on their way through the stages.
pub struct Across<'a> {
    databases: &'a Databases,
    pipeline: &'a Pipeline,
    /// The main server's clock.
    now: Timestamp,
    events: Result<(Came, bool), Why>,
    effects: BTreeMap<Name, Result<Effects, Why>>,
}

impl<'a> Across<'a> {
    /// Whether the pipeline has its rows in several databases.
    pub fn is_needed(pipeline: &Pipeline) -> bool {
        let marks = pipeline.marks.iter().filter_map(|marks| marks.database.as_ref());
        pipeline.stage.iter().filter_map(|stage| stage.database.as_ref()).chain(marks).next().is_some()
    }

    /// Begins with the events of the last `window_s` seconds.
    pub async fn begin(
        databases: &'a Databases,
        pipeline: &'a Pipeline,
        window_s: u64,
        now: Timestamp,
    ) -> Across<'a> {
        let events = events(&databases.main, pipeline, window_s).await;
        Across { databases, pipeline, now, events, effects: BTreeMap::new() }
    }

    /// How many events reached a stage and lack its effect. Stages are asked for in their order.
    pub async fn extent(&mut self, stage: &Stage) -> Result<Extent, Why> {
        let limited = self.events.as_ref().map_err(Clone::clone)?.1;
        let came = self.came_to(stage)?;
        let effects = self.effects_of(stage, &came).await;
        self.effects.insert(stage.name.clone(), effects.clone());
        let effects = effects?;
        let due = self.now - SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX));
        let is_stuck = |(id, at): &(&String, &Timestamp)| !effects.contains_key(*id) && **at < due;
        let mut stuck: Vec<(&String, &Timestamp)> = came.iter().filter(is_stuck).collect();
        stuck.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
        let mut marks = self.marks_of(stage, &stuck).await?;
        for joined in self.pipeline.joined(stage).into_iter().filter(|other| other.name != stage.name) {
            let theirs = self.marks_of(joined, &stuck).await?;
            let marked_there = |id: &String| theirs.get(id).is_some_and(|(marked, _)| *marked);
            marks.iter_mut().for_each(|(id, (marked, _))| *marked &= marked_there(id));
        }
        let mark = |id: &String| marks.get(id).copied().unwrap_or_default();
        let newest = stuck.iter().take(Extent::NEWEST).map(|(id, at)| {
            let (marked, kept_back) = mark(id);
            StuckEvent { id: (*id).clone(), at: **at, marked, kept_back }
        });
        Ok(Extent {
            events: came.len() as u64,
            stuck: stuck.len() as u64,
            stuck_marked: stuck.iter().filter(|(id, _)| mark(id).0).count() as u64,
            since: stuck.iter().map(|(_, at)| **at).min(),
            last_good: effects.values().filter_map(|(_, last)| *last).max(),
            newest: newest.collect(),
            limited,
        })
    }

    /// The events that have come through all stages right before this one, and when
    /// through the last of them.
    fn came_to(&self, stage: &Stage) -> Result<Came, Why> {
        let mut came: Option<Came> = None;
        for before in self.pipeline.before(stage) {
            let Some(effects) = self.effects.get(&before.name) else { continue };
            let through = effects.as_ref().map_err(Clone::clone)?;
            let good = through.iter().filter_map(|(id, (good, _))| Some((id, (*good)?)));
            came = Some(match came {
                None => good.map(|(id, at)| (id.clone(), at)).collect(),
                Some(came) => {
                    good.filter_map(|(id, at)| Some((id.clone(), at.max(*came.get(id)?)))).collect()
                }
            });
        }
        match came {
            Some(came) => Ok(came),
            None => Ok(self.events.as_ref().map_err(Clone::clone)?.0.clone()),
        }
    }

    async fn effects_of(&self, stage: &Stage, came: &Came) -> Result<Effects, Why> {
        let session = self.databases.of(stage.database())?;
        let mut bound = Bound::default();
        let ids = bound.bind(came.keys().cloned().collect::<Vec<String>>(), Type::TEXT_ARRAY);
        let times: Vec<SystemTime> = came.values().map(|at| SystemTime::from(*at)).collect();
        let times = bound.bind(times, Type::TIMESTAMPTZ_ARRAY);
        let good = good_only(stage, &mut bound);
        let sql = format!(
            "with reached as materialized (select * from unnest({ids}, {times}) came(id, at))
             select reached.id, min(effect.at::timestamptz) filter (where {good}),
                    max(effect.at::timestamptz) filter (where {good})
               from reached join ({}) effect on effect.id::text = reached.id
              where effect.at::timestamptz >= reached.at - interval '{CLOCKS_S} seconds'
              group by reached.id",
            stage.sql
        );
        let what = format!("stage {} ({})", stage.name, stage.effect);
        let rows = session.ask(&what, &sql, &bound, session.share(4)).await?;
        rows.iter().map(|row| Ok((get(row, 0)?, (time(row, 1)?, time(row, 2)?)))).collect()
    }

    /// Of these events: whether one of the stage's owners has marked it, and whether
    /// anybody but its emitter has.
    async fn marks_of(
        &self,
        stage: &Stage,
        stuck: &[(&String, &Timestamp)],
    ) -> Result<BTreeMap<String, (bool, bool)>, Why> {
        let Some(marks) = self.pipeline.marks.as_ref().filter(|_| !stuck.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        let session = self.databases.of(marks.database())?;
        let mut bound = Bound::default();
        let ids: Vec<String> = stuck.iter().map(|(id, _)| (*id).clone()).collect();
        let ids = bound.bind(ids, Type::TEXT_ARRAY);
        let owners = bound.bind(stage.marked_by.clone(), Type::TEXT_ARRAY);
        let emitter = bound.bind(stage.emitter.get_ref().clone(), Type::TEXT);
        let event = bound.bind(stage.event.clone(), Type::TEXT);
        let elsewhere = bound.bind(self.pipeline.marked_elsewhere(stage), Type::TEXT_ARRAY);
        let (table, id, source, event_type) = (&marks.table, &marks.id, &marks.source, &marks.event_type);
        let sql = format!(
            "select mark.{id}::text, coalesce(bool_or(mark.{source}::text = any({owners})), false),
                    bool_or(mark.{source}::text is distinct from {emitter}
                            and (mark.{source}::text = any({elsewhere})) is not true)
               from {table} mark where mark.{id}::text = any({ids}) and mark.{event_type}::text = {event}
              group by 1"
        );
        let rows = session.ask(table, &sql, &bound, session.share(4)).await?;
        rows.iter().map(|row| Ok((get(row, 0)?, (get(row, 1)?, get(row, 2)?)))).collect()
    }
}

/// The newest events of the window, and whether there are more.
async fn events(session: &Session, pipeline: &Pipeline, window_s: u64) -> Result<(Came, bool), Why> {
    let mut bound = Bound::default();
    let window = bound.bind(i64::try_from(window_s).unwrap_or(i64::MAX), Type::INT8);
    let events = window_events(&pipeline.event.sql, &window);
    let sql = format!("{events} select id::text, at, (select count(*) > {EVENTS} from recent) from came");
    let rows = session.ask("the events of the window", &sql, &bound, session.share(4)).await?;
    let limited = rows.first().map_or(Ok(false), |row| get(row, 2))?;
    let came = rows.iter().map(|row| Ok((get(row, 0)?, required_time(row, 1, "the event")?)));
    Ok((came.collect::<Result<Came, Why>>()?, limited))
}
