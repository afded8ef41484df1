//! The database servers: their availability, their long-held locks and their missing tables.

use crate::base::name::MAIN_DATABASE;
use crate::evidence::{Database, HeldLock, Observed, ReasonKind, Sessions};
use crate::pipeline::Pipeline;
use crate::situation::inputs::Inputs;
use crate::situation::stages::Event;
use jiff::Timestamp;

/// A lock held for less than this many seconds is normal.
const BRIEF_LOCK_S: i64 = 3;

/// Environment variables with the address of the main database.
const ADDRESS_VARIABLES: [&str; 2] = ["POSTGRES_URL", "DATABASE_URL"];

/// A database server and the pipeline's databases on it.
pub struct Server<'a> {
    /// The service that runs the server.
    pub service: &'a str,
    /// The address of its first unavailable database, or of its first database if all are
    /// available.
    pub address: Observed<&'a str>,
    /// The server's sessions, read from the first database that was observed.
    pub sessions: Observed<&'a Sessions>,
    /// The long-held locks. An empty list is known only if all databases were observed.
    pub locks: Observed<Vec<LongHeldLock<'a>>>,
}

/// A lock on one of the pipeline's tables, or one that blocks other sessions, that has been held
/// for an unusually long time or has made a lookup time out.
#[derive(Clone, Copy)]
pub struct LongHeldLock<'a> {
    /// The lock.
    pub lock: &'a HeldLock,
    /// The database's name in the pipeline.
    pub database: &'a str,
    /// The server's time when the lock was observed.
    pub now: Option<Timestamp>,
}

/// The database servers of the pipeline.
pub struct Servers<'a> {
    /// All servers, in the pipeline's order.
    pub all: Vec<Server<'a>>,
    /// The service that runs the main database, which holds the events.
    pub main: &'a str,
    /// Whether the main database's address, and therefore its login, was given by a flag or variable.
    /// If not, it comes from a container.
    pub login_was_given: bool,
    /// Error messages of lookups that failed because a table or column is missing. Unknown if
    /// there are none and a lookup failed for another reason.
    pub missing: Observed<Vec<String>>,
    /// Tables that are not on the search path, with the schemas that contain them.
    pub elsewhere: Observed<Vec<(&'a str, &'a [String])>>,
    /// The server that holds the processed markers, and whether their table has an index on the id;
    /// `None` if the pipeline has no processed markers.
    pub indexed: Option<(&'a str, Observed<bool>)>,
}

impl<'a> Servers<'a> {
    /// Joins each server's databases.
    pub fn build(event: &Event<'a>) -> Self {
        let (inputs, pipeline) = (event.inputs, event.inputs.pipeline);
        let main = pipeline.postgres.service.get_ref().as_str();
        let additional = pipeline.database.iter().map(|(name, database)| {
            (database.service.get_ref().as_str(), name.as_str(), inputs.evidence.database(name))
        });
        let all: Vec<_> = [(main, MAIN_DATABASE, inputs.database())].into_iter().chain(additional).collect();
        let lock_timeout =
            event.lookup.failed_lookups().iter().any(|why| why.code.as_deref() == Some("55P03"));
        let of = |service: &'a String| {
            let databases = all.iter().filter(|(of, ..)| of == service);
            let databases = databases.map(|(_, name, seen)| {
                let seen = seen.clone().map_reason(|why| inputs.reason_of(why));
                (*name, seen)
            });
            let databases: Vec<_> = databases.collect();
            server(pipeline, lock_timeout, service, &databases)
        };
        Servers {
            all: pipeline.databases().into_iter().map(of).collect(),
            main,
            login_was_given: login_was_given(inputs),
            missing: inputs.database().and_then(|_| missing(event)),
            elsewhere: inputs.database().map(|rows| {
                rows.elsewhere.iter().map(|(table, schemas)| (table.as_str(), schemas.as_slice())).collect()
            }),
            indexed: indexed(inputs),
        }
    }

    /// Returns the long-held locks on all servers.
    pub fn long_held_locks(&self) -> impl Iterator<Item = LongHeldLock<'a>> {
        self.all.iter().filter_map(|server| server.locks.known()).flatten().copied()
    }
}

fn login_was_given(inputs: Inputs) -> bool {
    let target = &inputs.evidence.target;
    let by_variable = |name: &String| ADDRESS_VARIABLES.contains(&name.as_str());
    target.flags.contains("--postgres ") || target.variables.iter().any(by_variable)
}

fn server<'a>(
    pipeline: &Pipeline,
    lock_timeout: bool,
    service: &'a str,
    databases: &[(&'a str, Observed<&'a Database>)],
) -> Server<'a> {
    let worst = databases.iter().find(|(_, seen)| seen.known().is_none()).or(databases.first());
    let address =
        worst.map_or_else(Observed::default, |(_, seen)| seen.clone().map(|rows| rows.address.as_str()));
    let sessions =
        databases.iter().map(|(name, seen)| (*name, seen.clone().and_then(|rows| rows.sessions.as_ref())));
    let sessions: Vec<(&str, Observed<&Sessions>)> = sessions.collect();
    let unavailable = sessions.iter().find(|(_, seen)| seen.known().is_none()).map(|(_, seen)| seen);
    let first = sessions.iter().find(|(_, seen)| seen.known().is_some()).map(|(_, seen)| seen);
    let locks: Vec<LongHeldLock> = long_held(pipeline, lock_timeout, &sessions);
    Server {
        service,
        address,
        sessions: first.or(unavailable).cloned().unwrap_or_default(),
        // An empty list is conclusive only if all databases were observed.
        locks: match unavailable.filter(|_| locks.is_empty()) {
            Some(unavailable) => unavailable.clone().map(|_| Vec::new()),
            None => Observed::Known(locks),
        },
    }
}

/// Returns the long-held locks in a server's databases. `lock_timeout` indicates whether a
/// lookup gave up waiting for a lock (SQLSTATE 55P03).
fn long_held<'a>(
    pipeline: &Pipeline,
    lock_timeout: bool,
    databases: &[(&'a str, Observed<&'a Sessions>)],
) -> Vec<LongHeldLock<'a>> {
    let is_long_held = |held: &LongHeldLock| match (held.lock.since, held.now) {
        _ if lock_timeout || held.lock.waiting > 0 => true,
        (Some(since), Some(now)) => now.duration_since(since).as_secs() >= BRIEF_LOCK_S,
        // The role may lack permission to see the age of the lock.
        _ => false,
    };
    let is_relevant = |held: &LongHeldLock| held.lock.waiting > 0 || pipeline.uses_table(&held.lock.table);
    let seen = databases.iter().filter_map(|(name, seen)| Some((*name, *seen.known()?)));
    let all = seen.flat_map(|(database, sessions)| {
        sessions.locks.iter().map(move |lock| LongHeldLock { lock, database, now: sessions.now })
    });
    all.filter(is_long_held).filter(is_relevant).collect()
}

/// Returns the error messages of lookups that failed because of a missing table or column.
fn missing(event: &Event) -> Observed<Vec<String>> {
    let failures = event.lookup.failed_lookups();
    let missing = failures.iter().filter(|why| why.kind == ReasonKind::Schema);
    let mut missing: Vec<String> = missing.map(|why| why.describe()).collect();
    missing.sort();
    missing.dedup();
    let other = failures.iter().find(|why| {
        matches!(
            why.kind,
            ReasonKind::Permission
                | ReasonKind::Limit
                | ReasonKind::TooLittleTime
                | ReasonKind::OwnLimit
                | ReasonKind::Failed
                | ReasonKind::NoAnswer
        )
    });
    match other {
        Some(why) if missing.is_empty() => Observed::Unknown((*why).clone()),
        _ => Observed::Known(missing),
    }
}

fn indexed<'a>(inputs: Inputs<'a>) -> Option<(&'a str, Observed<bool>)> {
    let pipeline = inputs.pipeline;
    let database = pipeline.database(pipeline.marks.as_ref()?.database());
    let seen = inputs.database().and_then(|rows| match &rows.indexed {
        Some(indexed) => indexed.clone(),
        None => Observed::default(),
    });
    Some((database.map_or("", |database| database.service.get_ref().as_str()), seen))
}
