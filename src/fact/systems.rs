//! Facts about the systems themselves: reachable, open to us, as they should be.

use crate::base::name::MAIN_BROKER;
use crate::evidence::{Answer, Broker, Mapped, Seen, Why, WhyKind};
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::source::Source;
use crate::text::address::hosts_of;
use std::collections::BTreeMap;

/// Whether trouble of this kind means that nobody answers there.
fn silent(why: &Why) -> bool {
    matches!(why.kind, WhyKind::NoAnswer | WhyKind::Refused | WhyKind::Unresolved)
}

/// Reached, or seen not to be reachable; anything else stays unseen.
fn reachable<T>(subject: &str, seen: &Seen<T>, address: impl Fn(&T) -> String) -> Fact {
    match seen {
        Seen::Known(value) => Fact::new(subject, Value::Bool(true), format!("answers at {}", address(value))),
        Seen::Unknown(why) if silent(why) => Fact::new(subject, Value::Bool(false), why.words()),
        Seen::Unknown(why) if why.code.is_some() => {
            Fact::new(subject, Value::Bool(true), format!("answers: {}", why.words()))
        }
        other => Fact::unseen(subject, other),
    }
}

pub(super) fn kafka_reachable(s: &Situation) -> Vec<Fact> {
    let fact = |(service, seen): (&String, Seen<&Broker>)| {
        // It may not listen yet.
        if let (Seen::Unknown(why), Some(age)) = (&seen, s.settling.just_started(service)) {
            let say = format!("started {age} ago: {}", why.words());
            return Fact::unseen::<()>(service, &Seen::unknown(WhyKind::Young, say));
        }
        reachable(service, &seen, |kafka| kafka.bootstrap.clone())
    };
    brokers(s).map(fact).collect()
}

/// Each broker with the service that runs it.
fn brokers<'a>(s: &Situation<'a>) -> impl Iterator<Item = (&'a String, Seen<&'a Broker>)> {
    let Source { evidence, pipeline } = s.source;
    pipeline.brokers().into_iter().map(move |service| {
        let further = pipeline.broker.iter().filter(|_| !pipeline.is_main_broker(service));
        let mut further = further.filter(|(_, broker)| broker.service.get_ref() == service);
        let name = further.next().map_or(MAIN_BROKER, |(name, _)| name.as_str());
        (service, evidence.broker(name))
    })
}

/// A broker is found by the address that it advertises where that was mapped,
/// or where something that was asked of it by that address was answered.
pub(super) fn advertised(s: &Situation) -> Vec<Fact> {
    brokers(s)
        .map(|(service, seen)| Fact::of(service.as_str(), advertised_by(s, seen), |told| told))
        .collect()
}

fn advertised_by(s: &Situation, seen: Seen<&Broker>) -> Seen<(Value, String)> {
    seen.and_then(|kafka| {
        let unresolved = kafka.groups.values().filter_map(Seen::why);
        let unresolved =
            unresolved.filter(|why| why.kind == WhyKind::Unresolved).map(|why| why.words()).next();
        let addresses: Vec<&str> = kafka.nodes.iter().map(|broker| broker.address.as_str()).collect();
        let answered = kafka.groups.values().any(|group| group.known().is_some());
        let elsewhere = known_to_nobody(s, kafka);
        match unresolved {
            _ if elsewhere.is_some() => Seen::Known((Value::Bool(false), elsewhere.unwrap_or_default())),
            _ if answered => {
                Seen::Known((Value::Bool(true), format!("{} leads to it", addresses.join(", "))))
            }
            Some(words) => Seen::Known((Value::Bool(false), words)),
            None => Seen::not_asked("nothing was asked by the advertised address"),
        }
    })
}

/// An advertised address that does not resolve here and that no container of
/// the project answers to: what was reached, was so because there is one broker.
fn known_to_nobody(s: &Situation, kafka: &Broker) -> Option<String> {
    let docker = s.source.runtime().known().copied()?;
    let mut mapped = kafka.mapped.iter().filter(|mapped| mapped.by == Mapped::ONLY_BROKER);
    let mapped = mapped.find(|mapped| {
        let advertised = kafka.nodes.iter().any(|broker| broker.address == mapped.from);
        let mut hosts = hosts_of(&mapped.from).into_iter();
        advertised && hosts.all(|host| docker.answering_to(&host).is_none())
    })?;
    Some(format!("{} does not resolve here, and no container answers to it", mapped.from))
}

pub(super) fn postgres_reachable(s: &Situation) -> Vec<Fact> {
    servers(s).map(|(server, seen)| reachable(server, &seen, String::clone)).collect()
}

pub(super) fn postgres_login(s: &Situation) -> Vec<Fact> {
    let fact = |(server, seen): (&String, Seen<String>)| match &seen {
        Seen::Known(_) => Fact::new(server, Value::Bool(true), "the login works"),
        Seen::Unknown(why) if why.kind == WhyKind::Auth || why.code.as_deref() == Some("3D000") => {
            Fact::new(server, Value::Bool(false), why.words())
        }
        other => Fact::unseen(server, other),
    };
    servers(s).map(fact).collect()
}

/// Each database server, with the address of one of its databases: of the first that is
/// not seen, where there is one.
fn servers<'a>(s: &Situation<'a>) -> impl Iterator<Item = (&'a String, Seen<String>)> {
    let pipeline = s.pipeline;
    let address = s.source.database().map(|rows| rows.address.clone());
    let main = (pipeline.postgres.service.get_ref(), address);
    let further = pipeline.database.iter().map(|(name, database)| {
        let seen = s.evidence.database(name).map(|further| further.address.clone());
        (database.service.get_ref(), seen)
    });
    let all: Vec<(&String, Seen<String>)> = [main].into_iter().chain(further).collect();
    pipeline.databases().into_iter().filter_map(move |server| {
        let of_server = || all.iter().filter(|(service, _)| *service == server).map(|(_, seen)| seen);
        let worst = of_server().find(|seen| seen.known().is_none()).or_else(|| of_server().next());
        Some((server, worst?.clone()))
    })
}

pub(super) fn schema_missing(s: &Situation) -> Vec<Fact> {
    let database = s.pipeline.postgres.service.get_ref().as_str();
    vec![Fact::of(database, s.source.database().and_then(|_| missing_tables(s)), |missing| {
        let say = match missing.is_empty() {
            true => "all tables and columns are there".to_string(),
            false => missing.join("; "),
        };
        (Value::Count(missing.len() as u64), say)
    })]
}

pub(super) fn elsewhere(s: &Situation) -> Vec<Fact> {
    let database = s.pipeline.postgres.service.get_ref().as_str();
    vec![Fact::of(database, s.source.database(), |rows| {
        let told = rows.elsewhere.iter().map(|(table, schemas)| {
            format!("{table} is not on the search path; there is one in schema {}", schemas.join(", "))
        });
        let told: Vec<String> = told.collect();
        let say = match told.is_empty() {
            true => "no table was missed that another schema has".to_string(),
            false => told.join("; "),
        };
        (Value::Count(rows.elsewhere.len() as u64), say)
    })]
}

/// What the look-ups said of tables and columns that are not there; unseen
/// where a look-up failed for another reason and none of them said so.
fn missing_tables(s: &Situation) -> Seen<Vec<String>> {
    let whys = s.asked.whys();
    let mut missing: Vec<String> =
        whys.iter().filter(|why| why.kind == WhyKind::Schema).map(|why| why.words()).collect();
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

pub(super) fn health(s: &Situation) -> Vec<Fact> {
    let services = s.pipeline.service.iter().filter(|service| service.health.is_some());
    services
        .map(|service| {
            let name = service.name.as_str();
            let seen = s.source.http().and_then(|http| match http.health.get(name) {
                Some(answer) => answer.as_ref(),
                None => Seen::not_asked(format!("{name} was not asked")),
            });
            match seen {
                Seen::Known(answer) if is_good(answer) => {
                    Fact::new(name, Value::Word("healthy"), in_words(answer))
                }
                Seen::Known(answer) => Fact::new(name, Value::Word("unhealthy"), in_words(answer)),
                Seen::Unknown(why) if silent(&why) => {
                    Fact::new(name, Value::Word("unreachable"), why.words())
                }
                other => Fact::unseen(name, &other),
            }
        })
        .collect()
}

pub(super) fn contract(s: &Situation) -> Vec<Fact> {
    let Some(call) = &s.pipeline.call else {
        return Vec::new();
    };
    let Some(harmless) = &call.harmless else {
        return Vec::new();
    };
    let seen = s.source.http().and_then(|http| http.contract.as_ref());
    // What is no success promises nothing about its body.
    let seen = seen.and_then(|answer| match is_good(answer) {
        true => Seen::Known(answer),
        false => Seen::not_asked(format!("it was answered with {}", answer.status)),
    });
    vec![Fact::of(call.service.get_ref().as_str(), seen, |answer| {
        (Value::Bool(holds(answer, &harmless.expect)), in_words(answer))
    })]
}

/// Whether the body holds what is expected of it, by JSON pointer.
pub(super) fn holds(answer: &Answer, expect: &BTreeMap<String, String>) -> bool {
    expect.iter().all(|(pointer, value)| answer.body.get(pointer) == Some(value))
}

/// Whether the harmless request is answered with success, whatever the body says.
pub(super) fn status(s: &Situation) -> Vec<Fact> {
    let Some(call) = s.pipeline.call.as_ref().filter(|call| call.harmless.is_some()) else {
        return Vec::new();
    };
    let seen = s.source.http().and_then(|http| http.contract.as_ref());
    vec![Fact::of(call.service.get_ref().as_str(), seen, |answer| {
        (Value::Bool(is_good(answer)), in_words(answer))
    })]
}

pub(super) fn is_good(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// "200, error \"no pool\", success false".
pub(super) fn in_words(answer: &Answer) -> String {
    let body =
        answer.body.iter().map(|(pointer, value)| format!("{} {value}", pointer.trim_start_matches('/')));
    [answer.status.to_string()].into_iter().chain(body).collect::<Vec<_>>().join(", ")
}
