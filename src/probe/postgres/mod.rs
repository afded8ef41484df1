//! PostgreSQL: one connection, one read-only transaction, what it shows.

pub mod address;
mod connect;
mod event;
mod marks;
mod others;
mod schemas;
mod session;
mod sessions;
mod stages;
pub mod survey;
mod tls;
mod why;

use super::docker::Discovered;
use super::{in_time, no_answer};
use crate::config::Config;
use crate::evidence::{Docker, Event, Mark, Name, Postgres, Seen, StageRows, Why, WhyKind};
use crate::secret::Secret;
use address::Address;
use jiff::{SignedDuration, Timestamp};
use session::Session;
use std::collections::BTreeMap;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, timeout_at};

/// What the probe keeps for its own last words before the deadline.
const LAST_WORDS: Duration = Duration::from_millis(150);

const NO_ID: &str = "no id given";

/// Whom to tell of the events as soon as they are known.
type TellEvent = watch::Sender<Option<Seen<Vec<Event>>>>;

/// Looks into the database. `docker`: `None` if the engine has not answered in
/// time. At the deadline what was seen stays seen.
pub async fn look(
    config: &Config,
    docker: Option<&(Seen<Docker>, Discovered)>,
    until: Instant,
    tell_event: &TellEvent,
) -> Seen<Postgres> {
    let until = until.checked_sub(LAST_WORDS).unwrap_or(until);
    let place = match place(config, docker) {
        Seen::Known(place) => place,
        Seen::Unknown(why) => return Seen::Unknown(why),
        Seen::NotAsked(why) => return Seen::NotAsked(why),
    };
    let docker = docker.and_then(|found| found.0.known());
    Seen::from(look_at(config, place, docker, until, tell_event).await)
}

/// An address as text, password included.
struct Place<'a> {
    address: &'a Secret,
    /// It is one that a container was given: it means what containers know by it.
    inside: bool,
}

/// The configured address, else the one in a container's environment.
fn place<'a>(config: &'a Config, docker: Option<&'a (Seen<Docker>, Discovered)>) -> Seen<Place<'a>> {
    let none = "no address configured";
    if let Some(address) = &config.places.postgres {
        let inside = false;
        return Seen::Known(Place { address, inside });
    }
    let Some((docker, discovered)) = docker else {
        let say = format!("{none}, and Docker, which might tell it, has not answered in time");
        return Seen::unknown(WhyKind::NotConfigured, say);
    };
    match (&discovered.postgres, docker) {
        (Some(address), _) => Seen::Known(Place { address, inside: true }),
        // Docker's trouble is not the database's: nobody has asked the server.
        (None, Seen::Unknown(why)) => {
            let say = format!("{none}, and Docker might tell it, but: {}", why.say);
            Seen::unknown(WhyKind::NotConfigured, say)
        }
        (None, _) => Seen::not_asked(format!("{none}, and no container tells one")),
    }
}

async fn look_at(
    config: &Config,
    place: Place<'_>,
    docker: Option<&Docker>,
    until: Instant,
    tell_event: &TellEvent,
) -> Result<Postgres, Why> {
    let start = Instant::now();
    let understood = Address::read(place.address.expose())
        .and_then(|address| Ok((tls::connector(&address.ssl)?, address)));
    let (tls, address) = understood.map_err(|mistake| {
        let say = format!("{}: {}", mistake.place, mistake.what);
        Why::new(WhyKind::NotConfigured, say)
    })?;
    let begin = async {
        let connected = connect::connect(&address, &tls, docker, place.inside, until).await?;
        let schema = address.schema.as_deref();
        let (session, server) = Session::begin(connected.client, schema, until).await?;
        let late = no_answer(&connected.place, until.saturating_duration_since(start));
        let (marks, stages) = unseen(config, &late);
        let seen = Postgres {
            address: address.shown_at(&connected.place),
            mapped: connected.mapped,
            version: server.version,
            tls: connected.tls,
            now: server.now,
            clock: Some(server.clock),
            replica_behind_ms: server.replica_behind_ms,
            marks: marks.clone(),
            marks_like: marks.clone(),
            sessions: Seen::Unknown(late.clone()),
            indexed: Seen::Unknown(late.clone()),
            elsewhere: BTreeMap::new(),
            others: BTreeMap::new(),
            looked_up: config.target.lookup.as_ref().map(|_| Seen::Unknown(late.clone())),
            event: marks.and_then(|_| Seen::Unknown(late)),
            stages,
        };
        Ok((session, seen))
    };
    let (session, mut seen) = in_time(&address.places(), until, begin).await?;
    let filled = timeout_at(until, fill(config, &session, tell_event, &mut seen)).await;
    match filled {
        Ok(()) => session.end().await,
        Err(_) => session.cancel(&tls).await,
    }
    Ok(seen)
}

type Unseen = (Seen<Vec<Mark>>, BTreeMap<Name, StageRows>);

/// What stands in the evidence until it is seen, and for what the deadline comes too early.
fn unseen(config: &Config, late: &Why) -> Unseen {
    let extent = Seen::Unknown(late.clone());
    let (marks, effect) = match config.target.id {
        Some(_) => (Seen::Unknown(late.clone()), Seen::Unknown(late.clone())),
        None => (Seen::not_asked(NO_ID), Seen::not_asked(NO_ID)),
    };
    let rows = StageRows { effect, extent };
    let stages = config.pipeline.stage.iter();
    let stages = stages.map(|stage| (stage.name.clone(), rows.clone()));
    (marks, stages.collect())
}

/// Looks at everything, what others wait for first, what reads whole tables last.
async fn fill(config: &Config, session: &Session, tell_event: &TellEvent, seen: &mut Postgres) {
    let pipeline = &config.pipeline;
    let id = config.target.id.as_deref();
    let mut id_type = Ok(marks::likely_type(pipeline));
    if let Some(id) = id {
        id_type = marks::id_type(session, &pipeline.marks).await;
        look_for(config, session, tell_event, (id, &id_type), seen).await;
    } else {
        tell_event.send_replace(Some(seen.event.clone().map(|event| vec![event])));
    }
    if let Some((key, value)) = &config.target.lookup {
        seen.looked_up = Some(others::with_key(session, pipeline, key, value).await.into());
    }
    seen.sessions = sessions::look(session).await.into();
    seen.indexed = sessions::indexed(session, &pipeline.marks).await.into();
    for (number, stage) in pipeline.stage.iter().enumerate() {
        let extent = stages::extent(session, pipeline, number, config.target.window_s).await;
        if let Some(rows) = seen.stages.get_mut(&stage.name) {
            rows.extent = extent.into();
        }
    }
    if let Some(id) = id {
        seen.marks_like = match &id_type {
            Ok(of) => marks::like(session, &pipeline.marks, &[id.to_string()], of).await.into(),
            Err(why) => Seen::Unknown(why.clone()),
        };
        others::like(session, &pipeline.marks, &id_type, &mut seen.others).await;
    }
    seen.elsewhere = schemas::elsewhere(session, seen).await;
}

/// The events as they are told to those who look further: where the server's clock
/// is ahead of this machine's, they were earlier than their rows say.
fn by_our_clock(seen: &Postgres) -> Seen<Vec<Event>> {
    let ahead = seen.clock.map_or(0, |clock| (clock.ahead_ms + clock.within_ms).max(0));
    let earlier = |at: Timestamp| at.saturating_sub(SignedDuration::from_millis(ahead)).unwrap_or(at);
    let all = [&seen.event].into_iter().chain(seen.others.values().map(|rows| &rows.event));
    let known = all.filter_map(Seen::known).cloned();
    let known: Vec<Event> = known.map(|event| Event { at: earlier(event.at), ..event }).collect();
    match known.is_empty() {
        true => seen.event.as_ref().map(|_| Vec::new()),
        false => Seen::Known(known),
    }
}

/// Looks for one id, exactly.
async fn look_for(
    config: &Config,
    session: &Session,
    tell_event: &TellEvent,
    (id, id_type): (&str, &Result<String, Why>),
    seen: &mut Postgres,
) {
    let pipeline = &config.pipeline;
    // Other tables may be there although the marks table is not.
    let likely = marks::likely_type(pipeline);
    let of = id_type.as_ref().unwrap_or(&likely);
    seen.event = event::look(session, &pipeline.event, id, of).await.into();
    let others = &config.target.others;
    if !others.is_empty() {
        seen.others = others::look(session, pipeline, others, of).await;
    }
    tell_event.send_replace(Some(by_our_clock(seen)));
    seen.marks = match id_type {
        Ok(of) => marks::exact(session, &pipeline.marks, id, of).await.into(),
        Err(why) => Seen::Unknown(why.clone()),
    };
    for stage in &pipeline.stage {
        let effect = stages::effect(session, stage, id, of).await;
        if let Some(rows) = seen.stages.get_mut(&stage.name) {
            rows.effect = effect.into();
        }
    }
}
