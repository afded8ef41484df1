//! Facts about the systems themselves: reachable, open to us, as they should be.

use crate::base::observed::Seen;
use crate::base::reason::WhyKind;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::brokers::answers_at;

fn yes_or_no(subject: &str, told: &Seen<(bool, String)>) -> Fact {
    Fact::of(subject, told.clone(), |(yes, say)| (Value::Bool(yes), say))
}

pub(super) fn kafka_reachable(s: &Situation) -> Vec<Fact> {
    s.brokers.iter().map(|broker| yes_or_no(broker.service, &broker.answers)).collect()
}

pub(super) fn advertised(s: &Situation) -> Vec<Fact> {
    s.brokers.iter().map(|broker| yes_or_no(broker.service, &broker.advertised)).collect()
}

pub(super) fn postgres_reachable(s: &Situation) -> Vec<Fact> {
    let servers = s.servers.all.iter();
    servers.map(|server| yes_or_no(server.service, &answers_at(server.address.clone()))).collect()
}

pub(super) fn postgres_login(s: &Situation) -> Vec<Fact> {
    let servers = s.servers.all.iter();
    let login = |seen: &Seen<&str>| match seen {
        Seen::Unknown(why) if why.kind == WhyKind::Auth || why.code.as_deref() == Some("3D000") => {
            Seen::Known((false, why.words()))
        }
        seen => seen.clone().map(|_| (true, "the login works".to_string())),
    };
    servers.map(|server| yes_or_no(server.service, &login(&server.address))).collect()
}

pub(super) fn schema_missing(s: &Situation) -> Vec<Fact> {
    vec![Fact::of(s.servers.main, s.servers.missing.as_ref(), |missing| {
        let say = match missing.is_empty() {
            true => "all tables and columns are there".to_string(),
            false => missing.join("; "),
        };
        (Value::Count(missing.len() as u64), say)
    })]
}

pub(super) fn elsewhere(s: &Situation) -> Vec<Fact> {
    vec![Fact::of(s.servers.main, s.servers.elsewhere.as_ref(), |tables| {
        let told = tables.iter().map(|(table, schemas)| {
            format!("{table} is not on the search path; there is one in schema {}", schemas.join(", "))
        });
        let told: Vec<String> = told.collect();
        let say = match told.is_empty() {
            true => "no table was missed that another schema has".to_string(),
            false => told.join("; "),
        };
        (Value::Count(told.len() as u64), say)
    })]
}

pub(super) fn health(s: &Situation) -> Vec<Fact> {
    let all = s.answers.health.iter();
    all.map(|(service, seen)| Fact::of(*service, seen.clone(), |(health, say)| (health.into(), say)))
        .collect()
}

pub(super) fn contract(s: &Situation) -> Vec<Fact> {
    let Some((service, answer)) = &s.answers.harmless else { return Vec::new() };
    // What is no success promises nothing about its body.
    let seen = answer.as_ref().and_then(|answer| match answer.success {
        true => Seen::Known(answer),
        false => Seen::not_asked(format!("it was answered with {}", answer.status)),
    });
    vec![Fact::of(*service, seen, |answer| (Value::Bool(answer.holds), answer.words.clone()))]
}

/// Whether the harmless request is answered with success, whatever the body says.
pub(super) fn status(s: &Situation) -> Vec<Fact> {
    let Some((service, answer)) = &s.answers.harmless else { return Vec::new() };
    vec![Fact::of(*service, answer.as_ref(), |answer| (Value::Bool(answer.success), answer.words.clone()))]
}
