//! Which parts of the project are services and which workers, and what each reads.

use crate::collect::discovery::kinds::{self, Kind, kind};
use crate::collect::discovery::{Cluster, Database, GroupSeen, Part, Survey};
use crate::evidence::Name;
use crate::init::draft::{DeadLetters, Service, System, Worker};
use crate::init::names::{alike, words};
use crate::text::address::hosts_of;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// All parts by what they are.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Services that are no workers; broker and database among them.
    pub services: Vec<Service>,
    /// Workers.
    pub workers: Vec<Worker>,
    /// The others, and why.
    pub left_out: Vec<(Name, String)>,
}

/// Sorts the parts; `dead`: the topic of dead letters, which is nobody's work.
pub fn sort(survey: &Survey, dead: Option<&str>) -> Parts {
    let groups = groups(survey);
    let mut parts = Parts::default();
    for part in &survey.parts {
        let own = groups.get(&part.name);
        match kind(part) {
            Kind::Broker => parts.services.push(service(part, "broker", survey)),
            Kind::Database => parts.services.push(service(part, "database", survey)),
            Kind::Beside => parts.left_out.push((part.name.clone(), "runs beside the pipeline".into())),
            Kind::Once => parts.left_out.push((part.name.clone(), "runs once and ends".into())),
            _ if own.is_some() => parts.workers.push(worker(part, own, survey, dead)),
            Kind::Worker if is_told(part) => parts.workers.push(worker(part, None, survey, dead)),
            Kind::Http => parts.services.push(service(part, "api", survey)),
            Kind::Worker => {
                let why = "listens nowhere, and is told of neither broker nor database".to_string();
                parts.left_out.push((part.name.clone(), why));
            }
        }
    }
    name_emitters(&mut parts, survey);
    parts
}

/// Whether it is told of a broker or a database.
fn is_told(part: &Part) -> bool {
    let one = std::slice::from_ref(part);
    kinds::brokers(one).is_some() || !kinds::databases(one).is_empty()
}

/// Who sends: services that records name as their source, else those that are told
/// of the broker, else those that nobody else is told of.
fn name_emitters(parts: &mut Parts, survey: &Survey) {
    let sources = sources(survey.kafka.known());
    let part = |service: &Service| survey.parts.iter().find(|part| part.name == service.name);
    let told = |part: &Part| kinds::brokers(std::slice::from_ref(part)).is_some();
    let by_records = |service: &Service| sources.contains(&service.name);
    let by_broker = |service: &Service| part(service).is_some_and(told);
    let uncalled = |service: &Service| service.address_variable.is_none();
    let _ = make_emitters(parts, by_records, "records name it as their source")
        || make_emitters(parts, by_broker, "it is told of the broker: it may send")
        || make_emitters(parts, uncalled, "guessed: no other service is told its address");
}

/// Whether there were any of these.
fn make_emitters(parts: &mut Parts, is: impl Fn(&Service) -> bool, why: &str) -> bool {
    let mut any = false;
    for service in parts.services.iter_mut().filter(|service| service.role == "api" && is(service)) {
        service.role = "emitter";
        service.why = format!("{}; {why}", service.why);
        any = true;
    }
    any
}

/// The names that records give as where they come from.
fn sources(cluster: Option<&Cluster>) -> BTreeSet<String> {
    let records =
        cluster.into_iter().flat_map(|cluster| cluster.topics.values()).flat_map(|topic| &topic.records);
    records.filter_map(|record| source_of(record).map(String::from)).collect()
}

/// Who a record says that it comes from.
pub fn source_of(record: &crate::collect::discovery::Record) -> Option<&str> {
    let names = ["source", "producer", "emitter", "sender", "ce_source", "x-source", "from"];
    let header = names.iter().find_map(|name| record.headers.get(*name));
    let field = || {
        let fields = |name: &&str| record.fields.iter().find(|(field, _)| field == *name);
        names.iter().take(4).find_map(fields).map(|(_, value)| value)
    };
    header.or_else(field).map(String::as_str)
}

/// The groups of each part: by its members' addresses, by its environment, by name.
fn groups(survey: &Survey) -> BTreeMap<Name, (Name, GroupSeen, String)> {
    let mut found = BTreeMap::new();
    let Some(cluster) = survey.kafka.known() else { return found };
    for (name, group) in &cluster.groups {
        if let Some((part, why)) = member_of(name, group, &survey.parts) {
            found.entry(part.name.clone()).or_insert((name.clone(), group.clone(), why));
        }
    }
    found
}

fn member_of<'a>(name: &str, group: &GroupSeen, parts: &'a [Part]) -> Option<(&'a Part, String)> {
    let usable =
        || parts.iter().filter(|part| !matches!(kind(part), Kind::Broker | Kind::Database | Kind::Beside));
    let by_address = usable().find(|part| !part.addresses.is_disjoint(&group.hosts));
    let by_variable = || usable().find(|part| part.variables.values().any(|value| value.expose() == name));
    let by_client = || usable().find(|part| group.clients.iter().any(|client| client == &part.name));
    let by_name = || {
        let ranked = usable().map(|part| (alike(&part.name, name), part));
        ranked.filter(|(alike, _)| *alike > 0.3).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, part)| part)
    };
    let because = |why: &'static str| move |part| (part, format!("{why} group {name}"));
    by_address
        .map(because("its address is that of a member of"))
        .or_else(|| by_variable().map(because("its environment names")))
        .or_else(|| by_client().map(because("its name is the client id of a member of")))
        .or_else(|| by_name().map(because("guessed by its name:")))
}

fn worker(
    part: &Part,
    own: Option<&(Name, GroupSeen, String)>,
    survey: &Survey,
    dead: Option<&str>,
) -> Worker {
    let not_dead = |topic: &&Name| Some(topic.as_str()) != dead;
    let told: Vec<Name> = addresses_told(part, survey);
    Worker {
        name: part.name.clone(),
        container: container(part, survey),
        group: own.map(|(group, ..)| group.clone()),
        topics: own
            .map(|(_, seen, _)| seen.topics.iter().filter(not_dead).cloned().collect())
            .unwrap_or_default(),
        started: crate::init::lines::started(&part.log),
        image: part.image.clone(),
        command: part.command.clone(),
        environment: told,
        why: match own {
            Some((.., why)) => why.clone(),
            None => "it listens nowhere and is told of the broker or the database".into(),
        },
    }
}

/// The variables by which a part is told where others are, and those beside them: who
/// it is there, and of what.
fn addresses_told(part: &Part, survey: &Survey) -> Vec<Name> {
    let others = || survey.parts.iter().filter(|other| other.name != part.name);
    let is_part =
        |host: &str| others().any(|other| other.name == host || other.container.as_deref() == Some(host));
    // Also `pg-main` alone, and `Host=pg-main;Port=5432`.
    let names = |value: &str| {
        let mut words = value.split([';', ' ', ',']).map(|word| word.rsplit('=').next().unwrap_or(word));
        words.any(is_part) || hosts_of(value).iter().any(|host| is_part(host))
    };
    let told: Vec<&Name> =
        part.variables.iter().filter(|(_, value)| names(value.expose())).map(|(name, _)| name).collect();
    let beside = |name: &Name| told.iter().any(|told| is_beside(told, name));
    part.variables.keys().filter(|name| told.contains(name) || beside(name)).cloned().collect()
}

/// Whether a variable goes with one that has an address: `DB_HOST`, `DB_PASSWORD`.
fn is_beside(address: &str, other: &str) -> bool {
    let ends = ["HOSTNAME", "HOST", "SERVER", "ADDRESS", "ADDR", "URL", "URI", "DSN"];
    let upper = address.to_uppercase();
    let Some(stem) = ends.iter().find_map(|end| upper.strip_suffix(end)).filter(|stem| !stem.is_empty())
    else {
        return false;
    };
    let other = other.to_uppercase();
    let rest = other.strip_prefix(stem).map(|rest| rest.strip_suffix("_FILE").unwrap_or(rest));
    let goes = [
        "USER", "USERNAME", "LOGIN", "PASSWORD", "PASS", "PASSWD", "PWD", "DATABASE", "DBNAME", "DB", "NAME",
        "PORT", "SCHEMA", "SSLMODE",
    ];
    rest.is_some_and(|rest| goes.contains(&rest))
}

/// Compose's own name needs no mention.
fn container(part: &Part, survey: &Survey) -> Option<Name> {
    let project = survey.project.as_deref().unwrap_or_default();
    let own = |name: &&Name| {
        let plain = [format!("{project}-{}-1", part.name), format!("{project}_{}_1", part.name)];
        !plain.contains(name)
    };
    part.container.as_ref().filter(own).cloned()
}

fn service(part: &Part, role: &'static str, survey: &Survey) -> Service {
    let by_check = part.healthcheck.as_deref().and_then(url_of_check);
    let listed = |ports: &BTreeSet<u16>| ports.iter().next().copied();
    let variable = part.variable("PORT").and_then(|port| port.parse().ok());
    let listens = listed(&part.published).or_else(|| listed(&part.ports)).or(variable);
    let is_http = role == "api";
    let (port, health, why) = match (by_check, &part.answers) {
        (Some((port, path)), _) => {
            (port.or(listens), Some(path), "port and path of its health check in compose".to_string())
        }
        (None, Some((port, path))) => {
            (Some(*port), Some(path.clone()), format!("GET {path} was answered well at port {port}"))
        }
        (None, None) => {
            (listens, None, "its port is published or exposed; no health path was found".to_string())
        }
    };
    let called = |name: &&Name, part: &Part, value: &str| {
        hosts_of(value).contains(&part.name) && value.starts_with("http") && !name.is_empty()
    };
    let variables = survey.parts.iter().flat_map(|other| &other.variables);
    let address_variable = variables
        .filter(|(name, value)| called(name, part, value.expose()))
        .map(|(name, _)| name.clone())
        .next();
    Service {
        name: part.name.clone(),
        role,
        container: container(part, survey),
        port: port.filter(|_| is_http),
        health: health.filter(|_| is_http),
        address_variable: address_variable.filter(|_| is_http),
        why: if is_http { why } else { format!("image {}", part.image) },
    }
}

/// Port and path of the URL in a health check's command.
fn url_of_check(test: &str) -> Option<(Option<u16>, String)> {
    static URL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"https?://[^/\s:"']+(?::(\d+))?(/[^\s"'|&;)]*)"#).expect("a constant pattern")
    });
    let found = URL.captures(test)?;
    let port = found.get(1).and_then(|port| port.as_str().parse().ok());
    Some((port, found.get(2)?.as_str().to_string()))
}

/// The topic of dead letters, by its name, and the headers of its records.
pub fn dead_letters(cluster: Option<&Cluster>) -> Option<DeadLetters> {
    let cluster = cluster?;
    let is_read = |topic: &Name| cluster.groups.values().any(|group| group.topics.contains(topic));
    let sounds = |name: &Name| match death(name) {
        Death::Named => true,
        Death::Likely => !is_read(name),
        Death::No => false,
    };
    let dead = cluster.topics.iter().filter(|(name, _)| sounds(name));
    let (topic, seen) =
        dead.max_by_key(|(name, seen)| (matches!(death(name), Death::Named), seen.records.len()))?;
    let headers: BTreeSet<&String> = seen.records.iter().flat_map(|record| record.headers.keys()).collect();
    let header = |words: &[&str]| {
        let named = |word: &&str| headers.iter().find(|name| name.to_lowercase().contains(word));
        words.iter().find_map(named).map(|name| (*name).clone())
    };
    let reason = header(&["exception-message", "error", "reason", "cause", "exception"]);
    let worker = header(&[
        "failedby",
        "failed-by",
        "failed_by",
        "handler",
        "worker",
        "consumer",
        "origin",
        "service",
        "source",
        "group",
    ]);
    // One header does not say both.
    let worker = worker.filter(|worker| Some(worker) != reason.as_ref());
    Some(DeadLetters { topic: topic.clone(), reason, worker })
}

/// Whether a topic sounds like one of dead letters.
enum Death {
    /// By a name that nothing else has.
    Named,
    /// By a word that an ordinary topic may have too.
    Likely,
    No,
}

fn death(topic: &str) -> Death {
    let name = topic.to_lowercase().replace(['_', '.'], "-");
    let likely = [
        "error", "errors", "failed", "failure", "failures", "poison", "parked", "parking", "invalid",
        "rejected", "dead",
    ];
    let has = |list: &[&str]| words(topic).iter().any(|word| list.contains(&word.as_str()));
    match () {
        () if name.contains("dead-letter") || name.contains("deadletter") => Death::Named,
        () if has(&["dlq", "dlt"]) => Death::Named,
        () if has(&likely) => Death::Likely,
        () => Death::No,
    }
}

/// The broker and the first database. What a container is told a run finds by itself.
pub fn systems(survey: &Survey, parts: &Parts) -> (Option<System>, System) {
    let of_role = |role: &str| parts.services.iter().find(|service| service.role == role);
    let kafka = of_role("broker").map(|service| {
        let told = kinds::brokers(&survey.parts);
        let why = told.map_or("no service is told its address".to_string(), |(_, who)| told_by(&who));
        System { service: service.name.clone(), why, ..System::default() }
    });
    let database = survey.databases.first();
    let told = database.map(|database| who_is_told(survey, database)).unwrap_or_default();
    let why = database.map_or("no service is told of a database".to_string(), |database| {
        format!("database {}: {}", database.name, told_by(&told))
    });
    let service = of_role("database").map_or("postgres".to_string(), |service| service.name.clone());
    let address = database.map(|database| database.address.clone()).filter(|_| told.is_empty());
    let used_by = Some(&told).filter(|_| survey.databases.len() > 1).and_then(|told| user(told, parts));
    (kafka, System { service, address, used_by, why, ..System::default() })
}

/// Who is told of a database; an address that was given stands for the first one that
/// containers are told.
fn who_is_told(survey: &Survey, database: &Database) -> Vec<(Name, Name)> {
    let first = || kinds::databases(&survey.parts).into_iter().next().map(|told| told.who);
    match database.told.as_slice() {
        [] => first().unwrap_or_default(),
        told => told.to_vec(),
    }
}

/// A service or worker that is told of it.
pub fn user(told: &[(Name, Name)], parts: &Parts) -> Option<Name> {
    let services = parts.services.iter().map(|service| &service.name);
    let all: BTreeSet<&Name> = services.chain(parts.workers.iter().map(|worker| &worker.name)).collect();
    told.iter().map(|(part, _)| part).find(|part| all.contains(part)).cloned()
}

/// `KAFKA_BROKERS of api, packer`.
pub fn told_by(who: &[(Name, Name)]) -> String {
    let mut by_variable: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (part, variable) in who {
        by_variable.entry(variable).or_default().push(part);
    }
    let each = by_variable.iter().map(|(variable, parts)| format!("{variable} of {}", parts.join(", ")));
    let each: Vec<String> = each.collect();
    if each.is_empty() {
        "by the address that was given".to_string()
    } else {
        format!("as told by {}", each.join("; "))
    }
}
