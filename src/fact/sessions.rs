//! Facts about who else uses the database.

use crate::base::observed::Seen;
use crate::base::reason::WhyKind;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::servers::{LastingLock, Server};
use crate::situation::workload::age;
use crate::text::plural;

fn of_each_server(s: &Situation, tell: impl Fn(&Server) -> Seen<(Value, String)>) -> Vec<Fact> {
    s.servers.all.iter().map(|server| Fact::of(server.service, tell(server), |told| told)).collect()
}

pub(super) fn locks(s: &Situation) -> Vec<Fact> {
    of_each_server(s, |server| {
        server.locks.as_ref().map(|locks| {
            let told: Vec<String> = locks.iter().map(in_words).collect();
            let say = if told.is_empty() { "nobody holds a table".to_string() } else { told.join("; ") };
            (Value::Count(locks.len() as u64), say)
        })
    })
}

fn in_words(held: &LastingLock) -> String {
    let lock = held.lock;
    let age = match (lock.since, held.now) {
        (Some(since), Some(now)) => format!(" for {}", age(now, since)),
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
        server.sessions.clone().and_then(|sessions| {
            if sessions.idle.is_empty() && sessions.hidden > 0 {
                let others = plural::count(sessions.hidden, "session");
                let say = format!("the state of {others} is not shown to this role (pg_read_all_stats)");
                return Seen::unknown(WhyKind::Permission, say);
            }
            let told = sessions.idle.iter().map(|idle| {
                let age = idle.since.zip(sessions.now).map(|(since, now)| age(now, since));
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
    of_each_server(s, |server| match server.sessions.clone() {
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
    let table = s.pipeline.marks.as_ref().map_or("", |marks| marks.table.as_str());
    let fact = |(service, seen): &(&str, Seen<bool>)| {
        Fact::of(*service, seen.clone(), |indexed| {
            let say = match indexed {
                true => format!("{table} has an index on the id"),
                false => {
                    format!("{table} has no index on the id: a look-up reads all of it, within its time")
                }
            };
            (Value::Bool(indexed), say)
        })
    };
    s.servers.indexed.iter().map(fact).collect()
}
