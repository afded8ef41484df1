//! Counts stuck events if the stages are in several databases. Queries each database for
//! the ids that reached it and joins the results here.

use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{Params, Session, get, required_time, time};
use crate::collect::database::postgres::stage_backlog::{MAX_EVENTS, is_good, window_events};
use crate::collect::database::postgres::stage_effects::CLOCK_SKEW_S;
use crate::collect::database::postgres::stage_effects::subject;
use crate::evidence::{Extent, Name, Reason, StuckEvent};
use crate::pipeline::{Pipeline, Stage};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::SystemTime;
use tokio_postgres::types::Type;

/// When events reached a stage, by id.
type Arrivals = BTreeMap<String, Timestamp>;

/// Times of the first and last good effect, by event id.
type Effects = BTreeMap<String, (Option<Timestamp>, Option<Timestamp>)>;

/// The events in the window and their effects in the stages queried so far.
pub struct CrossDatabaseBacklog<'a> {
    databases: &'a Databases,
    pipeline: &'a Pipeline,
    /// The main server's time.
    now: Timestamp,
    events: Result<(Arrivals, bool), Reason>,
    effects: BTreeMap<Name, Result<Effects, Reason>>,
}

impl<'a> CrossDatabaseBacklog<'a> {
    /// Reports whether the pipeline's tables are in several databases.
    pub fn is_needed(pipeline: &Pipeline) -> bool {
        let marks = pipeline.marks.iter().filter_map(|marks| marks.database.as_ref());
        pipeline.stage.iter().filter_map(|stage| stage.database.as_ref()).chain(marks).next().is_some()
    }

    /// Reads the events from the last `window_s` seconds.
    pub async fn begin(
        databases: &'a Databases,
        pipeline: &'a Pipeline,
        window_s: u64,
        now: Timestamp,
    ) -> CrossDatabaseBacklog<'a> {
        let events = events(&databases.main, pipeline, window_s).await;
        CrossDatabaseBacklog { databases, pipeline, now, events, effects: BTreeMap::new() }
    }

    /// Counts the events that reached a stage but lack its effect. Stages must be passed in
    /// pipeline order.
    pub async fn stage_backlog(&mut self, stage: &Stage) -> Result<Extent, Reason> {
        let limited = self.events.as_ref().map_err(Clone::clone)?.1;
        let arrivals = self.arrivals_at(stage)?;
        let effects = self.effects_of(stage, &arrivals).await;
        self.effects.insert(stage.name.clone(), effects.clone());
        let effects = effects?;
        let grace = SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX));
        let due = self.now.saturating_sub(grace).unwrap_or(Timestamp::MIN);
        let is_stuck = |(id, at): &(&String, &Timestamp)| !effects.contains_key(*id) && **at < due;
        let mut stuck: Vec<(&String, &Timestamp)> = arrivals.iter().filter(is_stuck).collect();
        stuck.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let mut marks = self.marks_of(stage, &stuck).await?;
        for joined in self.pipeline.join_stages(stage).into_iter().filter(|other| other.name != stage.name) {
            let marks_there = self.marks_of(joined, &stuck).await?;
            let is_marked_there = |id: &String| marks_there.get(id).is_some_and(|(marked, _)| *marked);
            marks.iter_mut().for_each(|(id, (marked, _))| *marked &= is_marked_there(id));
        }
        let mark = |id: &String| marks.get(id).copied().unwrap_or_default();
        let newest = stuck.iter().take(Extent::NEWEST).map(|(id, at)| {
            let (marked, kept_back) = mark(id);
            StuckEvent { id: (*id).clone(), at: **at, marked, kept_back }
        });
        Ok(Extent {
            events: arrivals.len() as u64,
            stuck: stuck.len() as u64,
            stuck_marked: stuck.iter().filter(|(id, _)| mark(id).0).count() as u64,
            since: stuck.iter().map(|(_, at)| **at).min(),
            last_good: effects.values().filter_map(|(_, last)| *last).max(),
            newest: newest.collect(),
            limited,
            oldest: arrivals.values().min().copied().filter(|_| limited),
        })
    }

    /// Returns the events that passed all stages directly before this one, with the time
    /// of the last effect.
    fn arrivals_at(&self, stage: &Stage) -> Result<Arrivals, Reason> {
        let mut arrivals: Option<Arrivals> = None;
        for before in self.pipeline.before(stage) {
            let Some(effects) = self.effects.get(&before.name) else { continue };
            let through = effects.as_ref().map_err(Clone::clone)?;
            let good = through.iter().filter_map(|(id, (good, _))| Some((id, (*good)?)));
            arrivals = Some(match arrivals {
                None => good.map(|(id, at)| (id.clone(), at)).collect(),
                Some(arrivals) => {
                    good.filter_map(|(id, at)| Some((id.clone(), at.max(*arrivals.get(id)?)))).collect()
                }
            });
        }
        match arrivals {
            Some(arrivals) => Ok(arrivals),
            None => Ok(self.events.as_ref().map_err(Clone::clone)?.0.clone()),
        }
    }

    async fn effects_of(&self, stage: &Stage, arrivals: &Arrivals) -> Result<Effects, Reason> {
        let session = self.databases.session(stage.database())?;
        let mut params = Params::default();
        let ids = params.bind(arrivals.keys().cloned().collect::<Vec<String>>(), Type::TEXT_ARRAY);
        let times: Vec<SystemTime> = arrivals.values().map(|at| SystemTime::from(*at)).collect();
        let times = params.bind(times, Type::TIMESTAMPTZ_ARRAY);
        let good = is_good(stage, &mut params);
        let sql = format!(
            "with reached as materialized (select * from unnest({ids}, {times}) came(id, at))
             select reached.id, min(effect.at::timestamptz) filter (where {good}),
                    max(effect.at::timestamptz) filter (where {good})
               from reached join ({}) effect on effect.id::text = reached.id
              where effect.at::timestamptz >= reached.at - interval '{CLOCK_SKEW_S} seconds'
              group by reached.id",
            stage.sql
        );
        let subject = subject(stage);
        let rows = session.query(&subject, &sql, &params, session.share(4)).await?;
        rows.iter().map(|row| Ok((get(row, 0)?, (time(row, 1)?, time(row, 2)?)))).collect()
    }

    /// For each marked event, returns whether an owner of the stage has marked it, and
    /// whether another service has. The emitter and the owners of other stages do not count
    /// as other services.
    async fn marks_of(
        &self,
        stage: &Stage,
        stuck: &[(&String, &Timestamp)],
    ) -> Result<BTreeMap<String, (bool, bool)>, Reason> {
        let Some(marks) = self.pipeline.marks.as_ref().filter(|_| !stuck.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        let session = self.databases.session(marks.database())?;
        let mut params = Params::default();
        let ids: Vec<String> = stuck.iter().map(|(id, _)| (*id).clone()).collect();
        let ids = params.bind(ids, Type::TEXT_ARRAY);
        let owners = params.bind(stage.marked_by.clone(), Type::TEXT_ARRAY);
        let emitter = params.bind(stage.emitter.get_ref().clone(), Type::TEXT);
        let event = params.bind(stage.event.clone(), Type::TEXT);
        let elsewhere = params.bind(self.pipeline.marked_elsewhere(stage), Type::TEXT_ARRAY);
        let (table, id, source, event_type) = (&marks.table, &marks.id, &marks.source, &marks.event_type);
        let sql = format!(
            "select mark.{id}::text, coalesce(bool_or(mark.{source}::text = any({owners})), false),
                    bool_or(mark.{source}::text is distinct from {emitter}
                            and (mark.{source}::text = any({elsewhere})) is not true)
               from {table} mark where mark.{id}::text = any({ids}) and mark.{event_type}::text = {event}
              group by 1"
        );
        let rows = session.query(table, &sql, &params, session.share(4)).await?;
        rows.iter().map(|row| Ok((get(row, 0)?, (get(row, 1)?, get(row, 2)?)))).collect()
    }
}

/// Reads the newest events in the window and checks whether there are more.
async fn events(session: &Session, pipeline: &Pipeline, window_s: u64) -> Result<(Arrivals, bool), Reason> {
    let mut params = Params::default();
    let window = params.bind(i64::try_from(window_s).unwrap_or(i64::MAX), Type::INT8);
    let events = window_events(&pipeline.event.sql, &window);
    let sql = format!("{events} select id::text, at, (select count(*) > {MAX_EVENTS} from recent) from came");
    let rows = session.query("the events in the window", &sql, &params, session.share(4)).await?;
    let limited = rows.first().map_or(Ok(false), |row| get(row, 2))?;
    let arrivals = rows.iter().map(|row| Ok((get(row, 0)?, required_time(row, 1, "the event")?)));
    Ok((arrivals.collect::<Result<Arrivals, Reason>>()?, limited))
}
