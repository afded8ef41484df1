//! Collects all evidence from the databases, in one read-only transaction per database.

use crate::collect::database::postgres::cross_database_backlog::CrossDatabaseBacklog;
use crate::collect::database::postgres::databases::{Databases, session_and_id_type};
use crate::collect::database::postgres::open_session::{
    CLEANUP_MARGIN, DatabaseAddress, NO_ID, NO_MARKS, OpenedSession, main_address, open_session,
};
use crate::collect::database::postgres::session::Session;
use crate::collect::database::postgres::{
    column_types, columns, custom_facts, event, event_batch, other_schemas, processed_marks, server_activity,
    stage_backlog, stage_effects,
};
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::{no_answer, timeout_at, without_pending};
use crate::config::Config;
use crate::evidence::{Clock, Database, Event, EventRows, Extent, Mark, Name, Observed, Reason, Runtime};
use crate::pipeline::{Marks, Pipeline, Stage};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use tokio::sync::watch;
use tokio::time::Instant;

/// Publishes the requested events to the drivers that need the events' times.
pub(crate) type EventSender = watch::Sender<Option<Observed<Vec<Event>>>>;

/// Collects from the databases. `docker` is `None` if the engine did not answer in time.
/// At the deadline, everything read so far is kept, including `custom_facts`.
pub async fn collect(
    config: &Config,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
    until: Instant,
    events: &EventSender,
    custom_facts: &mut custom_facts::Answers,
) -> Observed<Collected> {
    let until = until.checked_sub(CLEANUP_MARGIN).unwrap_or(until);
    let address = match main_address(config, docker) {
        Observed::Known(address) => address,
        Observed::Unknown(why) => return Observed::Unknown(why),
        Observed::NotAsked(why) => return Observed::NotAsked(why),
    };
    Observed::from(collect_from(config, address, docker, until, (events, custom_facts)).await)
}

/// Everything collected from the databases.
#[derive(Clone)]
pub struct Collected {
    /// The main database, which holds the events.
    pub main: Database,
    /// Other services' databases, keyed by their names in the pipeline.
    pub additional: BTreeMap<Name, Observed<Database>>,
    /// The rows for each requested id.
    pub rows: Vec<EventRows>,
}

pub(crate) async fn collect_from(
    config: &Config,
    address: DatabaseAddress<'_>,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
    until: Instant,
    (events, custom_facts): (&EventSender, &mut custom_facts::Answers),
) -> Result<Collected, Reason> {
    let start = Instant::now();
    let engine = docker.and_then(|found| found.0.known());
    let OpenedSession { session, server, connected, address, tls } =
        open_session(address, engine, until).await?;
    let databases = Databases::with_additional(session, config, docker, until).await;
    let pending = no_answer(&connected.place, until.saturating_duration_since(start));
    let stages = config.pipeline.stage.iter();
    let main = Database {
        address: address.shown_at(&connected.place),
        mapped: connected.mapped,
        identity: Some(server.identity),
        version: Some(server.version),
        tls: Some(connected.tls),
        now: Some(server.now),
        clock: Some(server.clock),
        replica_behind_ms: server.replica_behind_ms,
        sessions: Observed::Unknown(pending.clone()),
        indexed: Some(Observed::Unknown(pending.clone())),
        elsewhere: BTreeMap::new(),
        columns: None,
        looked_up: config.target.lookup.as_ref().map(|_| Observed::Unknown(pending.clone())),
        extents: stages.map(|stage| (stage.name.clone(), Observed::Unknown(pending.clone()))).collect(),
        commands: None,
    };
    let rows = vec![pending_rows(config, &pending); config.target.ids.len()];
    let mut collected = Collected { main, additional: databases.observed(&pending), rows };
    let read = async {
        let pipeline = column_types::with_typed_sql(&config.pipeline, &databases).await;
        let config = Config { pipeline, ..config.clone() };
        read_all(&config, &databases, (events, custom_facts), &mut collected).await;
    };
    let read = timeout_at(until, read).await;
    match read {
        Ok(()) => databases.end().await,
        Err(_) => databases.cancel(&tls).await,
    }
    Ok(Collected {
        main: without_pending(collected.main, &pending),
        additional: without_pending(collected.additional, &pending),
        rows: without_pending(collected.rows, &pending),
    })
}

/// Returns the initial rows for an id. All are unknown, with `pending` as the reason.
pub(crate) fn pending_rows(config: &Config, pending: &Reason) -> EventRows {
    let marks = match config.pipeline.marks {
        Some(_) => Observed::Unknown(pending.clone()),
        None => Observed::not_in_pipeline(NO_MARKS),
    };
    let stages = config.pipeline.stage.iter();
    EventRows {
        marks: marks.clone(),
        marks_like: marks,
        event: Observed::Unknown(pending.clone()),
        effects: stages.map(|stage| (stage.name.clone(), Observed::Unknown(pending.clone()))).collect(),
    }
}

/// Reads everything. Data that other drivers wait for comes first, and full table scans come last.
async fn read_all(
    config: &Config,
    databases: &Databases,
    (events, custom_facts): (&EventSender, &mut custom_facts::Answers),
    collected: &mut Collected,
) {
    let pipeline = &config.pipeline;
    let session = &databases.main;
    let marks = pipeline.marks.as_ref();
    let marks_session = marks.map(|marks| (marks, databases.session(marks.database())));
    let id = config.target.first_id();
    let mut id_type = Ok(processed_marks::default_id_type(pipeline));
    if let Some(id) = id {
        id_type = match &marks_session {
            Some((marks, Ok(session))) => processed_marks::id_type(session, marks).await,
            Some((_, Err(why))) => Err(why.clone()),
            None => event::id_type(session, &pipeline.event.sql).await,
        };
        read_events(config, databases, events, (id, &id_type), collected).await;
    } else {
        events.send_replace(Some(Observed::not_asked(NO_ID)));
    }
    if let Some((key, value)) = &config.target.lookup {
        collected.main.looked_up =
            Some(event_batch::ids_with_key(session, pipeline, key, value).await.into());
    }
    read_servers(databases, &marks_session, collected).await;
    read_backlogs(config, databases, &mut collected.main).await;
    if collected.main.extents.values().any(|extent| extent.known().is_some_and(|extent| extent.stuck > 0)) {
        collected.main.columns = Some(columns::columns(session).await);
    }
    custom_facts::collect(config, databases, custom_facts).await;
    if let Some((marks, session)) = marks_session {
        let target = session.and_then(|session| Ok((session, id_type.as_ref().map_err(Clone::clone)?)));
        event_batch::add_substring_matches(target, marks, (&config.target.ids, &mut collected.rows)).await;
    }
    collected.main.elsewhere = other_schemas::schemas_of_missing_tables(
        session,
        &collected.main.lookup_failures(collected.rows.first()),
    )
    .await;
}

/// Reads what the servers do, and whether the marks table has an index for ids.
async fn read_servers(
    databases: &Databases,
    marks: &Option<(&Marks, Result<&Session, Reason>)>,
    collected: &mut Collected,
) {
    let (main, additional) = (&mut collected.main, &mut collected.additional);
    let sessions = async { main.sessions = server_activity::sessions(&databases.main).await.into() };
    let indexed = async {
        main.indexed = Some(match marks {
            Some((marks, Ok(session))) => processed_marks::has_id_index(session, marks).await.into(),
            Some((_, Err(why))) => Observed::Unknown(why.clone()),
            None => Observed::not_in_pipeline(NO_MARKS),
        });
    };
    let of_additional = additional.iter_mut().map(|(name, additional)| async move {
        if let (Observed::Known(additional), Ok(session)) = (additional, databases.session(name)) {
            additional.sessions = server_activity::sessions(session).await.into();
        }
    });
    tokio::join!(sessions, indexed, join_all(of_additional));
}

/// Counts the stuck events in the window at each stage.
async fn read_backlogs(config: &Config, databases: &Databases, main: &mut Database) {
    let pipeline = &config.pipeline;
    let window = config.target.window_s;
    if !CrossDatabaseBacklog::is_needed(pipeline) {
        let insert = |stage: &Stage, backlog: Result<Extent, Reason>| {
            main.extents.insert(stage.name.clone(), backlog.into());
        };
        return stage_backlog::backlogs(&databases.main, pipeline, window, insert).await;
    }
    let mut cross_database =
        CrossDatabaseBacklog::begin(databases, pipeline, window, main.now.unwrap_or_default()).await;
    for stage in &pipeline.stage {
        let backlog = cross_database.stage_backlog(stage).await;
        main.extents.insert(stage.name.clone(), backlog.into());
    }
}

/// Returns the events for the other drivers, with times adjusted to this machine's clock.
/// If the server's clock is ahead, the events happened earlier than their rows say.
pub(crate) fn events_on_local_clock(
    clock: Option<Clock>,
    events: &[&Observed<Event>],
) -> Observed<Vec<Event>> {
    let ahead = clock.map_or(0, |clock| (clock.ahead_ms + clock.within_ms).max(0));
    let earlier = |at: Timestamp| at.saturating_sub(SignedDuration::from_millis(ahead)).unwrap_or(at);
    let known = events.iter().filter_map(|event| event.known()).cloned();
    let known: Vec<Event> = known.map(|event| Event { at: earlier(event.at), ..event }).collect();
    match (known.is_empty(), events.first()) {
        (true, Some(first)) => (*first).as_ref().map(|_| Vec::new()),
        (true, None) => Observed::not_asked(NO_ID),
        (false, _) => Observed::Known(known),
    }
}

/// Reads the rows for the requested ids by exact match. `id` is the first requested id.
async fn read_events(
    config: &Config,
    databases: &Databases,
    events: &EventSender,
    (id, id_type): (&str, &Result<String, Reason>),
    collected: &mut Collected,
) {
    let pipeline = &config.pipeline;
    // Other tables may exist even if the marks table does not.
    let default_type = processed_marks::default_id_type(pipeline);
    let main_id_type = id_type.as_ref().unwrap_or(&default_type);
    let main_id_type = match pipeline.marks.as_ref().and_then(|marks| marks.database.as_ref()) {
        // The marks table is in another database.
        Some(_) => event::id_type(&databases.main, &pipeline.event.sql).await.unwrap_or(default_type),
        None => main_id_type.clone(),
    };
    let clock = collected.main.clock;
    let Some((first, others)) = collected.rows.split_first_mut() else { return };
    let EventRows { marks, event, effects, .. } = first;
    let read_event = async {
        *event = event::read_event(&databases.main, &pipeline.event, id, &main_id_type).await.into();
        let ids = config.target.ids.get(1..).unwrap_or_default();
        if !ids.is_empty() {
            let rows = event_batch::rows_of(databases, pipeline, ids, &main_id_type, id_type).await;
            others.iter_mut().zip(rows).for_each(|(other, rows)| *other = rows);
        }
        let all: Vec<_> = [&*event].into_iter().chain(others.iter().map(|rows| &rows.event)).collect();
        events.send_replace(Some(events_on_local_clock(clock, &all)));
    };
    let read_marks = async {
        *marks = marks_of(pipeline, databases, (id, id_type)).await;
    };
    let read_effects = effects.iter_mut().filter_map(|(name, found)| {
        let stage = pipeline.stage(name)?;
        Some(async {
            *found = match session_and_id_type(databases, stage, &main_id_type).await {
                Ok((session, id_type)) => {
                    stage_effects::effects(session, (&pipeline.event, stage), id, &id_type).await.into()
                }
                Err(why) => Observed::Unknown(why),
            };
        })
    });
    let read_effects = join_all(read_effects);
    tokio::join!(read_event, read_marks, read_effects);
}

/// Reads the rows of the marks table with the id.
async fn marks_of(
    pipeline: &Pipeline,
    databases: &Databases,
    (id, id_type): (&str, &Result<String, Reason>),
) -> Observed<Vec<Mark>> {
    match pipeline.marks.as_ref().map(|marks| (marks, databases.session(marks.database()), id_type)) {
        Some((marks, Ok(session), Ok(id_type))) => {
            processed_marks::exact_matches(session, marks, id, id_type).await.into()
        }
        Some((_, Err(why), _)) => Observed::Unknown(why),
        Some((_, _, Err(why))) => Observed::Unknown(why.clone()),
        None => Observed::not_in_pipeline(NO_MARKS),
    }
}
