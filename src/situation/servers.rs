//! The database servers: whether they let us in, what others do there, and which tables
//! they lack.

use crate::base::name::MAIN_DATABASE;
use crate::evidence::{Database, HeldLock, Seen, Sessions, WhyKind};
use crate::pipeline::Pipeline;
use crate::situation::source::Source;
use crate::situation::stages::Event;
use jiff::Timestamp;

/// A lock that is held for less than this is everyday work, in seconds.
const BRIEF: i64 = 3;

/// A server with the databases of the pipeline that it holds.
pub struct Server<'a> {
    /// The service that runs it.
    pub service: &'a str,
    /// The address of one of its databases: of the first that is not seen, where there is one.
    pub address: Seen<&'a str>,
    /// What the server as a whole tells in each of its databases: in the first that was seen.
    pub sessions: Seen<&'a Sessions>,
    /// The locks that last. None are known only where all databases were looked at.
    pub locks: Seen<Vec<LastingLock<'a>>>,
}

/// A lock on a table of the pipeline, or one for which somebody waits, that has been held
/// for longer than everyday work takes, or has stopped a look-up.
#[derive(Clone, Copy)]
pub struct LastingLock<'a> {
    /// The lock.
    pub lock: &'a HeldLock,
    /// The pipeline's name of the database that it is in.
    pub database: &'a str,
    /// The server's clock when it was looked at.
    pub now: Option<Timestamp>,
}

/// The database servers.
pub struct Servers<'a> {
    /// Each of them, in the pipeline's order.
    pub all: Vec<Server<'a>>,
    /// The server of the database with the events.
    pub main: &'a str,
    /// Look-ups that told of tables and columns that are not there, in words; unseen where
    /// a look-up failed for another reason and none of them said so.
    pub missing: Seen<Vec<String>>,
    /// Tables that are not on the search path, with the schemas that have one of that name.
    pub elsewhere: Seen<Vec<(&'a str, &'a [String])>>,
    /// Of a pipeline with marks: their server, and whether their table has an index on the id.
    pub indexed: Option<(&'a str, Seen<bool>)>,
}

impl<'a> Servers<'a> {
    /// Joins the databases of each server.
    pub fn build(event: &Event<'a>) -> Self {
        let (source, pipeline) = (event.source, event.source.pipeline);
        let main = pipeline.postgres.service.get_ref().as_str();
        let further = pipeline.database.iter().map(|(name, database)| {
            (database.service.get_ref().as_str(), name.as_str(), source.evidence.database(name))
        });
        let all: Vec<_> = [(main, MAIN_DATABASE, source.database())].into_iter().chain(further).collect();
        let stopped = event.asked.whys().iter().any(|why| why.code.as_deref() == Some("55P03"));
        let of = |service: &'a String| {
            let own = all.iter().filter(|(of, ..)| of == service);
            let own: Vec<_> = own.map(|(_, name, seen)| (*name, seen.clone())).collect();
            server(pipeline, stopped, service, &own)
        };
        Servers {
            all: pipeline.databases().into_iter().map(of).collect(),
            main,
            missing: source.database().and_then(|_| missing(event)),
            elsewhere: source.database().map(|rows| {
                rows.elsewhere.iter().map(|(table, schemas)| (table.as_str(), schemas.as_slice())).collect()
            }),
            indexed: indexed(source),
        }
    }

    /// The locks that last, of all servers.
    pub fn lasting_locks(&self) -> impl Iterator<Item = LastingLock<'a>> {
        self.all.iter().filter_map(|server| server.locks.known()).flatten().copied()
    }
}

fn server<'a>(
    pipeline: &Pipeline,
    stopped: bool,
    service: &'a str,
    own: &[(&'a str, Seen<&'a Database>)],
) -> Server<'a> {
    let worst = own.iter().find(|(_, seen)| seen.known().is_none()).or(own.first());
    let address =
        worst.map_or_else(Seen::default, |(_, seen)| seen.clone().map(|rows| rows.address.as_str()));
    let sessions =
        own.iter().map(|(name, seen)| (*name, seen.clone().and_then(|rows| rows.sessions.as_ref())));
    let sessions: Vec<(&str, Seen<&Sessions>)> = sessions.collect();
    let unseen = sessions.iter().find(|(_, seen)| seen.known().is_none()).map(|(_, seen)| seen);
    let first = sessions.iter().find(|(_, seen)| seen.known().is_some()).map(|(_, seen)| seen);
    let locks: Vec<LastingLock> = lasting(pipeline, stopped, &sessions);
    Server {
        service,
        address,
        sessions: first.or(unseen).cloned().unwrap_or_default(),
        // Nobody holds a table only where all of them were looked at.
        locks: match unseen.filter(|_| locks.is_empty()) {
            Some(unseen) => unseen.clone().map(|_| Vec::new()),
            None => Seen::Known(locks),
        },
    }
}

/// The locks of a server's databases that last. `stopped`: whether a look-up gave up
/// waiting for a lock (SQLSTATE 55P03).
fn lasting<'a>(
    pipeline: &Pipeline,
    stopped: bool,
    databases: &[(&'a str, Seen<&'a Sessions>)],
) -> Vec<LastingLock<'a>> {
    let lasts = |held: &LastingLock| match (held.lock.since, held.now) {
        _ if stopped || held.lock.waiting > 0 => true,
        (Some(since), Some(now)) => now.duration_since(since).as_secs() >= BRIEF,
        // How old it is, this role may not see.
        _ => false,
    };
    let matters = |held: &LastingLock| held.lock.waiting > 0 || pipeline.uses_table(&held.lock.table);
    let seen = databases.iter().filter_map(|(name, seen)| Some((*name, *seen.known()?)));
    let all = seen.flat_map(|(database, sessions)| {
        sessions.locks.iter().map(move |lock| LastingLock { lock, database, now: sessions.now })
    });
    all.filter(lasts).filter(matters).collect()
}

/// What the look-ups said of tables and columns that are not there.
fn missing(event: &Event) -> Seen<Vec<String>> {
    let whys = event.asked.whys();
    let missing = whys.iter().filter(|why| why.kind == WhyKind::Schema);
    let mut missing: Vec<String> = missing.map(|why| why.words()).collect();
    missing.sort();
    missing.dedup();
    let other = whys.iter().find(|why| {
        matches!(why.kind, WhyKind::Permission | WhyKind::Limit | WhyKind::Failed | WhyKind::NoAnswer)
    });
    match other {
        Some(why) if missing.is_empty() => Seen::Unknown((*why).clone()),
        _ => Seen::Known(missing),
    }
}

fn indexed<'a>(source: Source<'a>) -> Option<(&'a str, Seen<bool>)> {
    let pipeline = source.pipeline;
    let database = pipeline.database(pipeline.marks.as_ref()?.database());
    let seen = source.database().and_then(|rows| match &rows.indexed {
        Some(indexed) => indexed.clone(),
        None => Seen::default(),
    });
    Some((database.map_or("", |database| database.service.get_ref().as_str()), seen))
}
