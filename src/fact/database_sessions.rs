//! Facts about the sessions of database servers: locks, open transactions, connections.

use crate::base::observed::Observed;
use crate::base::unavailable_reason::ReasonKind;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::database_servers::{LongHeldLock, Server};
use crate::situation::workload::age;
use crate::text::plural;

fn for_servers(s: &Situation, read: impl Fn(&Server) -> Observed<(Value, String)>) -> Vec<Fact> {
    s.servers.all.iter().map(|server| Fact::of(server.service, read(server), |value| value)).collect()
}

pub(super) fn locks(s: &Situation) -> Vec<Fact> {
    for_servers(s, |server| {
        server.locks.as_ref().map(|locks| {
            let descriptions: Vec<String> = locks.iter().map(describe).collect();
            let message = if descriptions.is_empty() {
                "no table is locked".to_string()
            } else {
                descriptions.join("; ")
            };
            (Value::Count(locks.len() as u64), message)
        })
    })
}

fn describe(held: &LongHeldLock) -> String {
    let lock = held.lock;
    let age = match (lock.since, held.now) {
        (Some(since), Some(now)) => format!(" for {}", age(now, since)),
        _ => String::new(),
    };
    let owner = [lock.user.as_str(), lock.application.as_str()].into_iter().filter(|word| !word.is_empty());
    let owner: Vec<&str> = owner.collect();
    let waiting = match lock.waiting {
        0 => String::new(),
        1 => ", 1 session is waiting".to_string(),
        count => format!(", {count} sessions are waiting"),
    };
    format!("pid {} ({}) holds {} in {}{age}{waiting}", lock.pid, owner.join(", "), lock.table, lock.mode)
}

pub(super) fn idle(s: &Situation) -> Vec<Fact> {
    for_servers(s, |server| {
        server.sessions.clone().and_then(|sessions| {
            if sessions.idle.is_empty() && sessions.hidden > 0 {
                let others = plural::count(sessions.hidden, "session");
                let message = format!(
                    "this role is not allowed to see the state of {others} (grant pg_read_all_stats)"
                );
                return Observed::unknown(ReasonKind::Permission, message);
            }
            let descriptions = sessions.idle.iter().map(|idle| {
                let age = idle.since.zip(sessions.now).map(|(since, now)| age(now, since));
                let owner = if idle.application.is_empty() { &idle.user } else { &idle.application };
                format!("pid {} ({owner}) for {}", idle.pid, age.unwrap_or_default())
            });
            let descriptions: Vec<String> = descriptions.collect();
            let message = if descriptions.is_empty() {
                "no transaction is left open".to_string()
            } else {
                descriptions.join("; ")
            };
            Observed::Known((Value::Count(sessions.idle.len() as u64), message))
        })
    })
}

pub(super) fn exhausted(s: &Situation) -> Vec<Fact> {
    for_servers(s, |server| match server.sessions.clone() {
        Observed::Unknown(why) if why.code.as_deref() == Some("53300") => {
            Observed::Known((Value::Bool(true), why.describe()))
        }
        seen => seen.map(|sessions| {
            let message =
                format!("{} of {} in use", sessions.used, plural::count(sessions.most, "connection"));
            (Value::Bool(sessions.used >= sessions.most), message)
        }),
    })
}

pub(super) fn indexed(s: &Situation) -> Vec<Fact> {
    let table = s.pipeline.marks.as_ref().map_or("", |marks| marks.table.as_str());
    let fact = |(service, seen): &(&str, Observed<bool>)| {
        Fact::of(*service, seen.clone(), |indexed| {
            let message = match indexed {
                true => format!("{table} has an index on the id"),
                false => {
                    format!(
                        "{table} has no index on the id: each lookup scans the whole table and may time out"
                    )
                }
            };
            (Value::Bool(indexed), message)
        })
    };
    s.servers.indexed.iter().map(fact).collect()
}
