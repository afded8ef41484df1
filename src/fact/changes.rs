//! Facts about what changed: a container beside its image's tag, its compose
//! file, its addresses, and the event's time.

use crate::evidence::{Instance, Runtime, Seen, Why, WhyKind};
use crate::fact::{Fact, Value};
use crate::pipeline::Role;
use crate::situation::Situation;
use crate::situation::workload::age;
use crate::text::address::{DATABASE_VARIABLES, hosts_of, is_own};

/// A fact about each part that has a container; the others are not asked.
fn for_containers(
    s: &Situation,
    tell: impl Fn(&Situation, &str, &Runtime, &Instance) -> Seen<(Value, String)>,
) -> Vec<Fact> {
    let parts = s.pipeline.parts().map(|(part, _)| part);
    parts
        .map(|part| {
            let docker = s.source.runtime();
            let told = docker.and_then(|docker| {
                s.workloads.container(part).and_then(|container| match container {
                    Some(container) => tell(s, part, docker, container),
                    None => Seen::not_asked("no container"),
                })
            });
            Fact::of(part, told, |told| told)
        })
        .collect()
}

/// Beside the image that its reference stands for now.
pub(super) fn image(s: &Situation) -> Vec<Fact> {
    for_containers(s, |s, part, docker, container| {
        let role = s.pipeline.service(part).map(|service| service.role);
        if matches!(role, Some(Role::Broker | Role::Database)) {
            return Seen::not_asked("whoever runs it decides when it is renewed");
        }
        let not_seen = || Seen::not_asked("images were not looked at");
        let Some(tagged) = docker.images.get(&container.image) else { return not_seen() };
        tagged.as_ref().map(|tagged| match tagged.id == container.image_id {
            true => (Value::Word("current"), format!("runs what {} stands for", container.image)),
            false => {
                let own = docker.images.get(&container.image_id).and_then(Seen::known);
                let older = match (own.and_then(|own| own.created), tagged.created) {
                    (Some(own), Some(tagged)) if tagged > own => {
                        format!(" {} older than the one its tag names", age(tagged, own))
                    }
                    (Some(own), Some(tagged)) => {
                        format!(" {} newer than the one its tag names", age(own, tagged))
                    }
                    _ => " other than the one its tag names".to_string(),
                };
                (Value::Word("outdated"), format!("runs an image of {}{older}", container.image))
            }
        })
    })
}

/// Beside what the compose file and `.env` say now.
pub(super) fn config(s: &Situation) -> Vec<Fact> {
    for_containers(s, |s, part, _, container| {
        s.source.declared().and_then(|compose| {
            let Some(service) = compose.workloads.get(part) else { return Seen::not_asked("not declared") };
            if let Some(names) = service.other_variables.as_ref().filter(|names| !names.is_empty()) {
                let say = format!("runs with another {} than the compose file gives now", names.join(", "));
                return Seen::Known((Value::Word("other"), say));
            }
            // Versions differ in what they put into the hash.
            let version = container.details.compose_version.as_deref().unwrap_or_default();
            let comparable = !version.is_empty() && compose.read_by.contains(version);
            match (&service.config_hash, &container.config.hash) {
                (Some(file), Some(own)) if comparable && file != own => {
                    let say = "was made from another configuration than the compose file has now".to_string();
                    Seen::Known((Value::Word("other"), say))
                }
                (Some(_), Some(_)) if comparable => {
                    Seen::Known((Value::Word("current"), "as the compose file says".to_string()))
                }
                _ => Seen::not_asked("not compared with the compose file"),
            }
        })
    })
}

/// Whether the addresses in its environment lead out of it, and resolve.
pub(super) fn addresses(s: &Situation) -> Vec<Fact> {
    for_containers(s, |s, part, docker, container| {
        let places = places(s, part, container);
        if places.is_empty() {
            return Seen::not_asked("its environment names no address of others");
        }
        // Who shares the host's network, or another container's, is not alone there.
        let alone =
            !container.addresses.networks.is_empty() && !container.addresses.networks.contains_key("host");
        if let Some((name, host)) = places.iter().find(|(_, host)| alone && is_own(host)) {
            let say = format!("its {name} is {host}: inside a container that is itself");
            return Seen::Known((Value::Word("own"), say));
        }
        let mut unseen: Option<Why> = None;
        for (name, host) in &places {
            match docker.hosts.get(host) {
                Some(Seen::Known(false)) => {
                    let say = format!("its {name} names {host}, which does not resolve from here");
                    return Seen::Known((Value::Word("unresolved"), say));
                }
                Some(Seen::Unknown(why) | Seen::NotAsked(why)) => unseen = Some(why.clone()),
                _ => {}
            }
        }
        match unseen {
            Some(why) => Seen::Unknown(why),
            None => Seen::Known((Value::Word("outside"), "its addresses lead to others".to_string())),
        }
    })
}

/// The hosts in the environment of a part, by variable: those of others. Its own
/// address it may know as it likes.
fn places<'a>(s: &Situation, part: &str, container: &'a Instance) -> Vec<(&'a String, String)> {
    let role = s.pipeline.service(part).map(|service| service.role);
    if matches!(role, Some(Role::Broker | Role::Database)) {
        return Vec::new();
    }
    let own = s.pipeline.service(part).and_then(|service| service.address_variable.as_ref());
    let variables = container.environment.iter().filter(|(name, _)| Some(*name) != own);
    variables.flat_map(|(name, value)| hosts_of(value).into_iter().map(move |host| (name, host))).collect()
}

/// Whether it uses the database that was looked at.
pub(super) fn database(s: &Situation) -> Vec<Fact> {
    for_containers(s, |s, _, docker, container| {
        let own = DATABASE_VARIABLES.iter().find_map(|name| Some((*name, container.environment.get(*name)?)));
        let Some((variable, own)) = own else { return Seen::not_asked("its environment names no database") };
        if hosts_of(own).iter().any(|host| docker.hosts.get(host) == Some(&Seen::Known(false))) {
            return Seen::not_asked(format!("the host of its {variable} does not resolve"));
        }
        s.source.database().and_then(|rows| {
            let read = |address: &str| {
                let url = url::Url::parse(address).ok()?;
                let host = format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
                Some((host, url.path().trim_start_matches('/').to_string()))
            };
            let further = s.evidence.further_databases().filter_map(|(_, seen)| Some(&seen.known()?.address));
            let looked_at: Vec<String> =
                [&rows.address].into_iter().chain(further).filter_map(|at| Some(read(at)?.1)).collect();
            let (Some((host, name)), false) = (read(own), looked_at.is_empty()) else {
                return Seen::unknown(WhyKind::Failed, format!("{variable} could not be read"));
            };
            let say = format!("its {variable} is {host}/{name}");
            match looked_at.contains(&name) {
                false => {
                    let say = format!("{say}; {} was looked at", rows.address);
                    Seen::Known((Value::Word("other"), say))
                }
                // Another host may be another way to the same server.
                true if rows.mapped.as_ref().is_some_and(|mapped| mapped.from == host) => {
                    Seen::Known((Value::Word("same"), say))
                }
                true => Seen::not_asked(format!("{say}: whether that is {}, nobody tells", rows.address)),
            }
        })
    })
}

/// Whether it runs since before the event.
pub(super) fn since(s: &Situation) -> Vec<Fact> {
    for_containers(s, |s, _, _, container| {
        let (Some(at), Some(started)) = (s.event_at(), container.started) else {
            return Seen::not_asked("no event, or never started");
        };
        let say = |word: &str| format!("started {word} the event, {} ago", age(s.clocks.docker_now, started));
        s.id().map(|_| match started > at {
            true => (Value::Word("after"), say("after")),
            false => (Value::Word("before"), say("before")),
        })
    })
}
