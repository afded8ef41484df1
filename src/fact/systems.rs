//! Facts about the systems themselves: whether they are reachable, accept the login, and
//! have the expected schema.

use crate::base::observed::Observed;
use crate::base::unavailable_reason::ReasonKind;
use crate::fact::api_call::without_call;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::brokers::answers_at;
use crate::situation::container_changes::{Change, DatabaseUsed};

fn bool_fact(subject: &str, observed: &Observed<(bool, String)>) -> Fact {
    Fact::of(subject, observed.clone(), |(yes, message)| (Value::Bool(yes), message))
}

/// Reports whether any of the systems answers. If none does, this machine's way to them is cut.
pub(super) fn reached(s: &Situation) -> Vec<Fact> {
    let observed = match s.systems.anything_answers {
        Some(true) => Observed::Known((true, "at least one system answers".to_string())),
        Some(false) => {
            let message = "none of the systems that were asked answers, so this machine's way to them is cut";
            Observed::Known((false, message.to_string()))
        }
        None => Observed::not_asked("fewer than two systems were asked"),
    };
    vec![bool_fact(&s.pipeline.noun.0, &observed)]
}

pub(super) fn kafka_reachable(s: &Situation) -> Vec<Fact> {
    s.brokers.iter().map(|broker| bool_fact(broker.service, &broker.answers)).collect()
}

pub(super) fn advertised(s: &Situation) -> Vec<Fact> {
    s.brokers.iter().map(|broker| bool_fact(broker.service, &broker.advertised)).collect()
}

pub(super) fn postgres_reachable(s: &Situation) -> Vec<Fact> {
    let servers = s.servers.all.iter();
    servers.map(|server| bool_fact(server.service, &answers_at(server.address.clone()))).collect()
}

pub(super) fn postgres_login(s: &Situation) -> Vec<Fact> {
    s.servers.all.iter().map(|server| bool_fact(server.service, &login(&server.address))).collect()
}

fn login(address: &Observed<&str>) -> Observed<(bool, String)> {
    match address {
        Observed::Unknown(why) if why.kind == ReasonKind::OtherDatabase => {
            Observed::Known((true, "login succeeded".to_string()))
        }
        Observed::Unknown(why) if why.kind == ReasonKind::Auth || why.code.as_deref() == Some("3D000") => {
            Observed::Known((false, why.describe()))
        }
        seen => seen.clone().map(|_| (true, "login succeeded".to_string())),
    }
}

/// Reports that the login given to this program is rejected. The services may use a different login.
pub(super) fn postgres_login_here(s: &Situation) -> Vec<Fact> {
    let here = |login: Observed<(bool, String)>| match login {
        Observed::Known((false, message)) if s.servers.login_was_given => Observed::Known((false, message)),
        _ => Observed::not_in_pipeline("no login that was given here is rejected"),
    };
    let main = s.servers.all.iter().filter(|server| server.service == s.servers.main);
    main.map(|server| bool_fact(server.service, &here(login(&server.address)))).collect()
}

/// Reports whether the main database is the one that the services use.
pub(super) fn of_services(s: &Situation) -> Vec<Fact> {
    let used = match s.systems.database() {
        Observed::Unknown(why) if why.kind == ReasonKind::OtherDatabase => {
            Observed::Known((false, why.describe()))
        }
        seen => seen.and_then(|()| {
            let same = |change: &&Change| matches!(change.database, Observed::Known((DatabaseUsed::Same, _)));
            match s.changes.iter().find(same) {
                Some(change) => Observed::Known((true, format!("{} uses it", change.component))),
                None => Observed::not_asked("no container names a database that can be compared"),
            }
        }),
    };
    vec![bool_fact(s.servers.main, &used)]
}

pub(super) fn schema_missing(s: &Situation) -> Vec<Fact> {
    vec![Fact::of(s.servers.main, s.servers.missing.as_ref(), |missing| {
        let message = match missing.is_empty() {
            true => "all tables and columns exist".to_string(),
            false => missing.join("; "),
        };
        (Value::Count(missing.len() as u64), message)
    })]
}

pub(super) fn elsewhere(s: &Situation) -> Vec<Fact> {
    vec![Fact::of(s.servers.main, s.servers.elsewhere.as_ref(), |tables| {
        let descriptions = tables.iter().map(|(table, schemas)| {
            format!("{table} is not on the search path, but exists in schema {}", schemas.join(", "))
        });
        let descriptions: Vec<String> = descriptions.collect();
        let message = match descriptions.is_empty() {
            true => "no missing table exists in another schema".to_string(),
            false => descriptions.join("; "),
        };
        (Value::Count(descriptions.len() as u64), message)
    })]
}

pub(super) fn health(s: &Situation) -> Vec<Fact> {
    let all = s.answers.health.iter();
    all.map(|(service, seen)| Fact::of(*service, seen.clone(), |(health, message)| (health.into(), message)))
        .collect()
}

pub(super) fn contract(s: &Situation) -> Vec<Fact> {
    if s.pipeline.call.is_none() {
        return without_call(s.pipeline.service.iter().map(|service| service.name.clone()));
    }
    let Some((service, answer)) = &s.answers.harmless else { return Vec::new() };
    // Only the body of a successful answer is judged.
    let seen = answer.as_ref().and_then(|answer| match answer.success {
        true => match answer.unread.clone() {
            Some(why) => Observed::Unknown(why),
            None => Observed::Known(answer),
        },
        false => Observed::not_asked(format!("it was answered with status {}", answer.status)),
    });
    vec![Fact::of(*service, seen, |answer| (Value::Bool(answer.matches), answer.message.clone()))]
}

/// Reports whether the harmless request returns a success status, regardless of the body.
pub(super) fn status(s: &Situation) -> Vec<Fact> {
    let Some((service, answer)) = &s.answers.harmless else { return Vec::new() };
    vec![Fact::of(*service, answer.as_ref(), |answer| (Value::Bool(answer.success), answer.message.clone()))]
}
