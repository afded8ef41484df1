//! All rows, in one read-only transaction.

use crate::collect::database::postgres::across::Across;
use crate::collect::database::postgres::databases::{Databases, id_type_at};
use crate::collect::database::postgres::open::{LAST_WORDS, NO_ID, NO_MARKS, Opened, Place, open, place};
use crate::collect::database::postgres::{event, marks, others, own, schemas, sessions, stages};
use crate::collect::no_answer;
use crate::collect::runtime::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Database, Event, EventRows, Name, Runtime, Seen, Why};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Sends the events to the drivers that wait for their time.
pub(crate) type TellEvent = watch::Sender<Option<Seen<Vec<Event>>>>;

/// Looks into the database. `docker`: `None` if the engine has not answered in
/// time. At the deadline what was seen stays seen; so it does of the facts of the
/// user's `own`.
pub async fn look(
    config: &Config,
    docker: Option<&(Seen<Runtime>, Discovered)>,
    until: Instant,
    tell_event: &TellEvent,
    own: &mut own::Told,
) -> Seen<Looked> {
    let until = until.checked_sub(LAST_WORDS).unwrap_or(until);
    let place = match place(config, docker) {
        Seen::Known(place) => place,
        Seen::Unknown(why) => return Seen::Unknown(why),
        Seen::NotAsked(why) => return Seen::NotAsked(why),
    };
    Seen::from(look_at(config, place, docker, until, (tell_event, own)).await)
}

/// An address as text, password included.
/// What is seen.
#[derive(Clone)]
pub struct Looked {
    /// The database with the events.
    pub main: Database,
    /// Those of other services, by the pipeline's names for them.
    pub further: BTreeMap<Name, Seen<Database>>,
    /// The rows of each id that was asked about.
    pub rows: Vec<EventRows>,
}

pub(crate) async fn look_at(
    config: &Config,
    place: Place<'_>,
    docker: Option<&(Seen<Runtime>, Discovered)>,
    until: Instant,
    (tell_event, own): (&TellEvent, &mut own::Told),
) -> Result<Looked, Why> {
    let start = Instant::now();
    let engine = docker.and_then(|found| found.0.known());
    let Opened { session, server, connected, address, tls } = open(place, engine, until).await?;
    let databases = Databases::beside(session, config, docker, until).await;
    let late = no_answer(&connected.place, until.saturating_duration_since(start));
    let stages = config.pipeline.stage.iter();
    let main = Database {
        address: address.shown_at(&connected.place),
        mapped: connected.mapped,
        version: Some(server.version),
        tls: Some(connected.tls),
        now: Some(server.now),
        clock: Some(server.clock),
        replica_behind_ms: server.replica_behind_ms,
        sessions: Seen::Unknown(late.clone()),
        indexed: Some(Seen::Unknown(late.clone())),
        elsewhere: BTreeMap::new(),
        looked_up: config.target.lookup.as_ref().map(|_| Seen::Unknown(late.clone())),
        extents: stages.map(|stage| (stage.name.clone(), Seen::Unknown(late.clone()))).collect(),
        commands: None,
    };
    let rows = vec![unseen(config, &late); config.target.ids.len()];
    let mut seen = Looked { main, further: databases.seen(&late), rows };
    let filled = timeout_at(until, fill(config, &databases, (tell_event, own), &mut seen)).await;
    match filled {
        Ok(()) => databases.end().await,
        Err(_) => databases.cancel(&tls).await,
    }
    Ok(seen)
}

/// What stands as the rows of an id until they are seen, and for what the deadline
/// comes too early.
pub(crate) fn unseen(config: &Config, late: &Why) -> EventRows {
    let marks = match config.pipeline.marks {
        Some(_) => Seen::Unknown(late.clone()),
        None => Seen::no_part(NO_MARKS),
    };
    let stages = config.pipeline.stage.iter();
    EventRows {
        marks: marks.clone(),
        marks_like: marks,
        event: Seen::Unknown(late.clone()),
        effects: stages.map(|stage| (stage.name.clone(), Seen::Unknown(late.clone()))).collect(),
    }
}

/// Looks at everything, what others wait for first, what reads whole tables last.
pub(crate) async fn fill(
    config: &Config,
    databases: &Databases,
    (tell_event, own): (&TellEvent, &mut own::Told),
    seen: &mut Looked,
) {
    let pipeline = &config.pipeline;
    let session = &databases.main;
    let marks = pipeline.marks.as_ref();
    let in_marks = marks.map(|marks| (marks, databases.of(marks.database())));
    let id = config.target.first_id();
    let mut id_type = Ok(marks::likely_type(pipeline));
    if let Some(id) = id {
        id_type = match &in_marks {
            Some((marks, Ok(session))) => marks::id_type(session, marks).await,
            Some((_, Err(why))) => Err(why.clone()),
            None => event::id_type(session, &pipeline.event.sql).await,
        };
        look_for(config, databases, tell_event, (id, &id_type), seen).await;
    } else {
        tell_event.send_replace(Some(Seen::not_asked(NO_ID)));
    }
    if let Some((key, value)) = &config.target.lookup {
        seen.main.looked_up = Some(others::with_key(session, pipeline, key, value).await.into());
    }
    seen.main.sessions = sessions::look(session).await.into();
    for (name, further) in &mut seen.further {
        if let (Seen::Known(further), Ok(session)) = (further, databases.of(name)) {
            further.sessions = sessions::look(session).await.into();
        }
    }
    seen.main.indexed = Some(match &in_marks {
        Some((marks, Ok(session))) => sessions::indexed(session, marks).await.into(),
        Some((_, Err(why))) => Seen::Unknown(why.clone()),
        None => Seen::no_part(NO_MARKS),
    });
    extents(config, databases, &mut seen.main).await;
    own::look(config, databases, own).await;
    if let (Some(id), Some((marks, session))) = (id, in_marks) {
        let session = session.and_then(|session| Ok((session, id_type.as_ref().map_err(Clone::clone)?)));
        if let Some((first, others)) = seen.rows.split_first_mut() {
            first.marks_like = match &session {
                Ok((session, of)) => marks::like(session, marks, std::slice::from_ref(id), of).await.into(),
                Err(why) => Seen::Unknown(why.clone()),
            };
            others::like(session, marks, (&config.target.ids[1..], others)).await;
        }
    }
    seen.main.elsewhere = schemas::elsewhere(session, &seen.main.whys(seen.rows.first())).await;
}

/// How many events of the window are stuck at each stage.
pub(crate) async fn extents(config: &Config, databases: &Databases, seen: &mut Database) {
    let pipeline = &config.pipeline;
    let window = config.target.window_s;
    let mut across = match Across::is_needed(pipeline) {
        true => Some(Across::begin(databases, pipeline, window, seen.now.unwrap_or_default()).await),
        false => None,
    };
    for (number, stage) in pipeline.stage.iter().enumerate() {
        let left = u32::try_from(pipeline.stage.len() - number).unwrap_or(1);
        let extent = match &mut across {
            Some(across) => across.extent(stage).await,
            None => stages::extent(&databases.main, pipeline, stage, window, left).await,
        };
        seen.extents.insert(stage.name.clone(), extent.into());
    }
}

/// The events as they are told to those who look further: where the server's clock
/// is ahead of this machine's, they were earlier than their rows say.
pub(crate) fn by_our_clock(seen: &Looked) -> Seen<Vec<Event>> {
    let ahead = seen.main.clock.map_or(0, |clock| (clock.ahead_ms + clock.within_ms).max(0));
    let earlier = |at: Timestamp| at.saturating_sub(SignedDuration::from_millis(ahead)).unwrap_or(at);
    let known = seen.rows.iter().filter_map(|rows| rows.event.known()).cloned();
    let known: Vec<Event> = known.map(|event| Event { at: earlier(event.at), ..event }).collect();
    match known.is_empty() {
        true => match seen.rows.first() {
            Some(first) => first.event.as_ref().map(|_| Vec::new()),
            None => Seen::not_asked(NO_ID),
        },
        false => Seen::Known(known),
    }
}

/// Looks for one id, exactly.
pub(crate) async fn look_for(
    config: &Config,
    databases: &Databases,
    tell_event: &TellEvent,
    (id, id_type): (&str, &Result<String, Why>),
    seen: &mut Looked,
) {
    let pipeline = &config.pipeline;
    // Other tables may be there although the marks table is not.
    let likely = marks::likely_type(pipeline);
    let of = id_type.as_ref().unwrap_or(&likely);
    let of = match pipeline.marks.as_ref().and_then(|marks| marks.database.as_ref()) {
        // The marks are elsewhere.
        Some(_) => event::id_type(&databases.main, &pipeline.event.sql).await.unwrap_or(likely),
        None => of.clone(),
    };
    let event = event::look(&databases.main, &pipeline.event, id, &of).await.into();
    let others = config.target.ids.get(1..).unwrap_or_default();
    if !others.is_empty() {
        seen.rows.truncate(1);
        seen.rows.extend(others::look(databases, pipeline, others, &of, id_type).await);
    }
    if let Some(first) = seen.rows.first_mut() {
        first.event = event;
    }
    tell_event.send_replace(Some(by_our_clock(seen)));
    let Some(first) = seen.rows.first_mut() else { return };
    first.marks = match pipeline.marks.as_ref().map(|marks| (marks, databases.of(marks.database()), id_type))
    {
        Some((marks, Ok(session), Ok(of))) => marks::exact(session, marks, id, of).await.into(),
        Some((_, Err(why), _)) => Seen::Unknown(why),
        Some((_, _, Err(why))) => Seen::Unknown(why.clone()),
        None => Seen::no_part(NO_MARKS),
    };
    for stage in &pipeline.stage {
        let effect = match id_type_at(databases, stage, &of).await {
            Ok((session, of)) => stages::effect(session, stage, id, &of).await,
            Err(why) => Err(why),
        };
        first.effects.insert(stage.name.clone(), effect.into());
    }
}
