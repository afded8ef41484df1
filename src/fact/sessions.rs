//! Facts about who else uses the database.

use super::view::View;
use super::{Fact, Value};
use crate::evidence::{HeldLock, Seen, Sessions, WhyKind};
use crate::plural;
use jiff::Timestamp;

/// A lock that is held for less than this is everyday work, in seconds.
const BRIEF: i64 = 3;

fn of_database<T>(view: &View, seen: Seen<T>, tell: impl FnOnce(T) -> (Value, String)) -> Vec<Fact> {
    vec![Fact::of(view.pipeline.postgres.service.get_ref().as_str(), seen, tell)]
}

fn sessions<'a>(view: &View<'a>) -> Seen<&'a Sessions> {
    view.postgres().and_then(|rows| rows.sessions.as_ref())
}

/// The server's clock when its sessions were looked at.
fn now(view: &View) -> Option<Timestamp> {
    sessions(view).known().and_then(|sessions| sessions.now)
}

/// The locks on tables of the pipeline, or for which somebody waits, that have
/// been held for longer than everyday work takes, or have stopped a look-up.
pub fn lasting_locks<'a>(view: &View<'a>) -> Seen<Vec<&'a HeldLock>> {
    let now = now(view);
    let stopped = stopped_a_look_up(view);
    sessions(view).map(|sessions| {
        let lasting = |lock: &&HeldLock| match (lock.since, now) {
            _ if stopped || lock.waiting > 0 => true,
            (Some(since), Some(now)) => now.duration_since(since).as_secs() >= BRIEF,
            // How old it is, this role may not see.
            _ => false,
        };
        let matters = |lock: &&HeldLock| lock.waiting > 0 || view.pipeline.uses_table(&lock.table);
        sessions.locks.iter().filter(lasting).filter(matters).collect()
    })
}

/// Whether a look-up gave up waiting for a lock (SQLSTATE 55P03).
fn stopped_a_look_up(view: &View) -> bool {
    let rows = view.postgres();
    rows.known().is_some_and(|rows| rows.whys().iter().any(|why| why.code.as_deref() == Some("55P03")))
}

pub(super) fn locks(view: &View) -> Vec<Fact> {
    of_database(view, lasting_locks(view), |locks| {
        let told: Vec<String> = locks.iter().map(|lock| in_words(lock, now(view))).collect();
        let say = if told.is_empty() { "nobody holds a table".to_string() } else { told.join("; ") };
        (Value::Count(locks.len() as u64), say)
    })
}

fn in_words(lock: &HeldLock, now: Option<Timestamp>) -> String {
    let age = match (lock.since, now) {
        (Some(since), Some(now)) => format!(" for {}", super::containers::age(now, since)),
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

pub(super) fn idle(view: &View) -> Vec<Fact> {
    let now = now(view);
    let seen = sessions(view).and_then(|sessions| match sessions.idle.is_empty() && sessions.hidden > 0 {
        true => {
            let others = plural::count(sessions.hidden, "session");
            let say = format!("the state of {others} is not shown to this role (pg_read_all_stats)");
            Seen::unknown(WhyKind::Permission, say)
        }
        false => Seen::Known(sessions),
    });
    of_database(view, seen, |sessions| {
        let told = sessions.idle.iter().map(|idle| {
            let age = idle.since.zip(now).map(|(since, now)| super::containers::age(now, since));
            let who = if idle.application.is_empty() { &idle.user } else { &idle.application };
            format!("pid {} ({who}) for {}", idle.pid, age.unwrap_or_default())
        });
        let told: Vec<String> = told.collect();
        let say = if told.is_empty() { "no transaction is left open".to_string() } else { told.join("; ") };
        (Value::Count(sessions.idle.len() as u64), say)
    })
}

pub(super) fn exhausted(view: &View) -> Vec<Fact> {
    if let Seen::Unknown(why) = &view.evidence.postgres
        && why.code.as_deref() == Some("53300")
    {
        let database = view.pipeline.postgres.service.get_ref().as_str();
        return vec![Fact::new(database, Value::Bool(true), why.words())];
    }
    of_database(view, sessions(view), |sessions| {
        let say = format!("{} of {}", sessions.used, plural::count(sessions.most, "connection"));
        (Value::Bool(sessions.used >= sessions.most), say)
    })
}

pub(super) fn indexed(view: &View) -> Vec<Fact> {
    let Some(table) = view.pipeline.marks.as_ref().map(|marks| &marks.table) else { return Vec::new() };
    of_database(view, view.postgres().and_then(|rows| rows.indexed.as_ref()), |indexed| {
        let say = match indexed {
            true => format!("{table} has an index on the id"),
            false => format!("{table} has no index on the id: a look-up reads all of it, within its time"),
        };
        (Value::Bool(*indexed), say)
    })
}
