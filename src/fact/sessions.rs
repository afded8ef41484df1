//! Facts about who else uses the database.

use crate::base::name::MAIN_DATABASE;
use crate::evidence::{HeldLock, Seen, Sessions, WhyKind};
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::text::plural;
use jiff::Timestamp;

/// A lock that is held for less than this is everyday work, in seconds.
const BRIEF: i64 = 3;

/// A server's databases as far as they were seen, and why the first other one was not.
struct Server<'a> {
    name: &'a str,
    seen: Vec<(&'a str, &'a Sessions)>,
    unseen: Option<Seen<()>>,
}

/// The servers of the pipeline's databases.
fn servers<'a>(s: &Situation<'a>) -> Vec<Server<'a>> {
    let pipeline = s.pipeline;
    let main = (
        MAIN_DATABASE,
        pipeline.postgres.service.get_ref(),
        s.source.database().and_then(|rows| rows.sessions.as_ref()),
    );
    let further = pipeline.database.iter().map(|(name, database)| {
        let seen = s.evidence.database(name).and_then(|further| further.sessions.as_ref());
        (name.as_str(), database.service.get_ref(), seen)
    });
    let all: Vec<_> = [main].into_iter().chain(further).collect();
    let of_server = |name: &'a String| {
        let own = || all.iter().filter(|(_, server, _)| *server == name);
        let seen = own().filter_map(|(database, _, seen)| Some((*database, *seen.known()?)));
        let unseen = own().find(|(_, _, seen)| seen.known().is_none());
        Server { name, seen: seen.collect(), unseen: unseen.map(|(_, _, seen)| seen.clone().map(|_| ())) }
    };
    pipeline.databases().into_iter().map(of_server).collect()
}

/// What the server as a whole tells in each of its databases: in the first that was seen.
fn of_server<'a>(server: &Server<'a>) -> Seen<&'a Sessions> {
    match (server.seen.first(), &server.unseen) {
        (Some((_, sessions)), _) => Seen::Known(sessions),
        (None, Some(Seen::Unknown(why))) => Seen::Unknown(why.clone()),
        (None, Some(Seen::NotAsked(why))) => Seen::NotAsked(why.clone()),
        (None, _) => Seen::default(),
    }
}

fn of_each_server(s: &Situation, tell: impl Fn(&Server) -> Seen<(Value, String)>) -> Vec<Fact> {
    let fact = |server: &Server| Fact::of(server.name, tell(server), |told| told);
    servers(s).iter().map(fact).collect()
}

/// A lock, the pipeline's name of the database that it is in, and
/// the server's clock when it was looked at.
#[derive(Clone, Copy)]
pub struct Lasting<'a> {
    /// The lock.
    pub lock: &'a HeldLock,
    /// The database.
    pub database: &'a str,
    now: Option<Timestamp>,
}

/// The locks on tables of the pipeline, or for which somebody waits, that have
/// been held for longer than everyday work takes, or have stopped a look-up.
pub fn lasting_locks<'a>(s: &Situation<'a>) -> Vec<Lasting<'a>> {
    servers(s).iter().flat_map(|server| lasting(s, server)).collect()
}

fn lasting<'a>(s: &Situation<'a>, server: &Server<'a>) -> Vec<Lasting<'a>> {
    let stopped = stopped_a_look_up(s);
    let lasts = |held: &Lasting| match (held.lock.since, held.now) {
        _ if stopped || held.lock.waiting > 0 => true,
        (Some(since), Some(now)) => now.duration_since(since).as_secs() >= BRIEF,
        // How old it is, this role may not see.
        _ => false,
    };
    let matters = |held: &Lasting| held.lock.waiting > 0 || s.pipeline.uses_table(&held.lock.table);
    let all = server.seen.iter().flat_map(|(database, sessions)| {
        sessions.locks.iter().map(|lock| Lasting { lock, database, now: sessions.now })
    });
    all.filter(lasts).filter(matters).collect()
}

/// Whether a look-up gave up waiting for a lock (SQLSTATE 55P03).
fn stopped_a_look_up(s: &Situation) -> bool {
    s.asked.whys().iter().any(|why| why.code.as_deref() == Some("55P03"))
}

pub(super) fn locks(s: &Situation) -> Vec<Fact> {
    of_each_server(s, |server| {
        let locks = lasting(s, server);
        // Nobody holds a table only where all of them were looked at.
        match (&server.unseen, locks.is_empty()) {
            (Some(unseen), true) => unseen.clone().map(|()| (Value::Count(0), String::new())),
            (_, true) => Seen::Known((Value::Count(0), "nobody holds a table".to_string())),
            (_, false) => {
                let told: Vec<String> = locks.iter().map(|held| in_words(held.lock, held.now)).collect();
                Seen::Known((Value::Count(locks.len() as u64), told.join("; ")))
            }
        }
    })
}

fn in_words(lock: &HeldLock, now: Option<Timestamp>) -> String {
    let age = match (lock.since, now) {
        (Some(since), Some(now)) => format!(" for {}", crate::situation::workload::age(now, since)),
        _ => String::new(),
    };
    let who = [lock.user.as_str(), lock.application.as_str()].into_iter().filter(|word| !word.is_empty());
    let who: Vec<&str> = who.collect();
    let waiting = match lock.waiting {
        0 => String::new(),
        1 => ", 1 session waits".to_string(),
        count => format!(", {count} sessions wait"),
    };
    format!("pid {} ({}) holds {} in {}{age}{waiting}", lock.pid, who.join(", "), lock.table, lock.mode)
}

pub(super) fn idle(s: &Situation) -> Vec<Fact> {
    of_each_server(s, |server| {
        of_server(server).and_then(|sessions| {
            if sessions.idle.is_empty() && sessions.hidden > 0 {
                let others = plural::count(sessions.hidden, "session");
                let say = format!("the state of {others} is not shown to this role (pg_read_all_stats)");
                return Seen::unknown(WhyKind::Permission, say);
            }
            let told = sessions.idle.iter().map(|idle| {
                let age = idle
                    .since
                    .zip(sessions.now)
                    .map(|(since, now)| crate::situation::workload::age(now, since));
                let who = if idle.application.is_empty() { &idle.user } else { &idle.application };
                format!("pid {} ({who}) for {}", idle.pid, age.unwrap_or_default())
            });
            let told: Vec<String> = told.collect();
            let say =
                if told.is_empty() { "no transaction is left open".to_string() } else { told.join("; ") };
            Seen::Known((Value::Count(sessions.idle.len() as u64), say))
        })
    })
}

pub(super) fn exhausted(s: &Situation) -> Vec<Fact> {
    of_each_server(s, |server| match of_server(server) {
        Seen::Unknown(why) if why.code.as_deref() == Some("53300") => {
            Seen::Known((Value::Bool(true), why.words()))
        }
        seen => seen.map(|sessions| {
            let say = format!("{} of {}", sessions.used, plural::count(sessions.most, "connection"));
            (Value::Bool(sessions.used >= sessions.most), say)
        }),
    })
}

pub(super) fn indexed(s: &Situation) -> Vec<Fact> {
    let Some(table) = s.pipeline.marks.as_ref().map(|marks| &marks.table) else { return Vec::new() };
    let marks = s.pipeline.marks.as_ref().map_or(MAIN_DATABASE, |marks| marks.database());
    let database = s.pipeline.database(marks).map_or("", |database| database.service.get_ref().as_str());
    let seen = s.source.database().and_then(|rows| match &rows.indexed {
        Some(indexed) => indexed.as_ref(),
        None => Seen::default(),
    });
    vec![Fact::of(database, seen, |indexed| {
        let say = match indexed {
            true => format!("{table} has an index on the id"),
            false => format!("{table} has no index on the id: a look-up reads all of it, within its time"),
        };
        (Value::Bool(*indexed), say)
    })]
}
