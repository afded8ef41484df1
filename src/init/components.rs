//! Classifies the components of the project as services or workers, and finds their consumer
//! groups, addresses and health endpoints.

use crate::collect::discovered::classify::{self, Kind, kind};
use crate::collect::discovered::{Cluster, Component, Database, DiscoveredGroup, Discovery, Record};
use crate::evidence::Name;
use crate::init::draft::{DeadLetters, Service, System, Worker};
use crate::init::log_lines::start_patterns;
use crate::init::naming::{similarity, words};
use crate::text::address::hosts_of;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The comment to write if no database was found.
pub const NO_DATABASE_ADDRESS: &str = "no component has a database address in its environment";

/// The components by kind.
#[derive(Debug, Clone, Default)]
pub struct Components {
    /// Services that are not workers, including broker and database.
    pub services: Vec<Service>,
    /// Workers.
    pub workers: Vec<Worker>,
    /// Components that are neither services nor workers, and why.
    pub left_out: Vec<(Name, String)>,
}

/// Classifies the components. The topics of workers do not include `dead`, the dead-letter topic.
pub fn classify_components(discovery: &Discovery, dead: Option<&str>) -> Components {
    let groups = groups_by_component(discovery);
    let mut components = Components::default();
    for component in &discovery.components {
        let group = groups.get(&component.name);
        match kind(component) {
            Kind::Broker => components.services.push(service(component, "broker", discovery)),
            Kind::Database => components.services.push(service(component, "database", discovery)),
            Kind::Auxiliary => {
                components.left_out.push((component.name.clone(), "not part of the pipeline".into()))
            }
            Kind::Job => components.left_out.push((component.name.clone(), "runs once and exits".into())),
            _ if component.container.is_none() && !component.profiles.is_empty() => {
                let profiles = component.profiles.join(", ");
                let reason = format!("is behind the profile {profiles}, and has no container");
                components.left_out.push((component.name.clone(), reason));
            }
            _ if group.is_some() => components.workers.push(worker(component, group, discovery, dead)),
            Kind::Worker if uses_broker_or_database(component) => {
                components.workers.push(worker(component, None, discovery, dead))
            }
            Kind::Http => components.services.push(service(component, "api", discovery)),
            Kind::Worker => {
                let reason = "publishes no port and has no broker or database address".to_string();
                components.left_out.push((component.name.clone(), reason));
            }
        }
    }
    mark_emitters(&mut components, discovery);
    set_start_patterns(&mut components.workers, discovery);
    components
}

fn set_start_patterns(workers: &mut [Worker], discovery: &Discovery) {
    let log = |name: &Name| discovery.components.iter().find(|component| component.name == *name);
    let logs = workers.iter().filter_map(|worker| log(&worker.name));
    let logs: Vec<_> = logs.map(|component| (component.name.as_str(), component.log.as_slice())).collect();
    let mut patterns = start_patterns(&logs);
    for worker in workers {
        worker.started = patterns.remove(worker.name.as_str());
    }
}

/// Reports whether a component's environment holds the address of a broker or database.
fn uses_broker_or_database(component: &Component) -> bool {
    let component = std::slice::from_ref(component);
    classify::brokers(component).is_some() || !classify::databases(component).is_empty()
}

/// Turns services into emitters: those named in records as their source, or else those that have
/// the broker's address, or else those whose address no other component has.
fn mark_emitters(components: &mut Components, discovery: &Discovery) {
    let sources = record_sources(discovery.kafka.known());
    let component =
        |service: &Service| discovery.components.iter().find(|component| component.name == service.name);
    let uses_broker = |component: &Component| classify::brokers(std::slice::from_ref(component)).is_some();
    let by_records = |service: &Service| sources.contains(&service.name);
    let by_broker = |service: &Service| component(service).is_some_and(uses_broker);
    let is_never_called = |service: &Service| service.address_variable.is_none();
    let _ = make_emitters(components, by_records, "records name it as their source")
        || make_emitters(components, by_broker, "it has the broker's address, so it may send")
        || make_emitters(components, is_never_called, "guessed: no other component has its address");
}

/// Turns the selected API services into emitters. Reports whether there were any.
fn make_emitters(components: &mut Components, is_emitter: impl Fn(&Service) -> bool, reason: &str) -> bool {
    let mut any = false;
    let services = components.services.iter_mut();
    for service in services.filter(|service| service.role == "api" && is_emitter(service)) {
        service.role = "emitter";
        service.comment = format!("{}; {reason}", service.comment);
        any = true;
    }
    any
}

/// Returns the sources named in the records.
fn record_sources(cluster: Option<&Cluster>) -> BTreeSet<String> {
    let records =
        cluster.into_iter().flat_map(|cluster| cluster.topics.values()).flat_map(|topic| &topic.records);
    records.filter_map(|record| record_source(record).map(String::from)).collect()
}

/// Returns the source named in a record's headers or fields.
pub fn record_source(record: &Record) -> Option<&str> {
    let names = ["source", "producer", "emitter", "sender", "ce_source", "x-source", "from"];
    let header = names.iter().find_map(|name| record.headers.get(*name));
    let field = || {
        let fields = |name: &&str| record.fields.iter().find(|(field, _)| field == *name);
        names.iter().take(4).find_map(fields).map(|(_, value)| value)
    };
    header.or_else(field).map(String::as_str)
}

/// Returns the consumer group of each component, with its name and a comment on how it was
/// found.
fn groups_by_component(discovery: &Discovery) -> BTreeMap<Name, (Name, DiscoveredGroup, String)> {
    let mut found = BTreeMap::new();
    let Some(cluster) = discovery.kafka.known() else { return found };
    for (name, group) in &cluster.groups {
        if let Some((component, comment)) = find_member(name, group, &discovery.components) {
            found.entry(component.name.clone()).or_insert((name.clone(), group.clone(), comment));
        }
    }
    found
}

/// Finds the component that belongs to a consumer group, by the first of these that matches: a member's
/// address, the group's name in the component's environment, a member's client id, or a similar name.
fn find_member<'a>(
    name: &str,
    group: &DiscoveredGroup,
    components: &'a [Component],
) -> Option<(&'a Component, String)> {
    let usable = || {
        components
            .iter()
            .filter(|component| !matches!(kind(component), Kind::Broker | Kind::Database | Kind::Auxiliary))
    };
    let by_address = usable().find(|component| !component.addresses.is_disjoint(&group.hosts));
    let by_variable =
        || usable().find(|component| component.variables.values().any(|value| value.expose() == name));
    let by_client =
        || usable().find(|component| group.clients.iter().any(|client| client == &component.name));
    let by_name = || {
        let ranked = usable().map(|component| (similarity(&component.name, name), component));
        ranked
            .filter(|(similarity, _)| *similarity > 0.3)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, component)| component)
    };
    let with_comment = |found: &'static str| move |component| (component, format!("{found} group {name}"));
    by_address
        .map(with_comment("it has the address of a member of"))
        .or_else(|| by_variable().map(with_comment("its environment names")))
        .or_else(|| by_client().map(with_comment("its name is the client id of a member of")))
        .or_else(|| by_name().map(with_comment("guessed from its name:")))
}

fn worker(
    component: &Component,
    group: Option<&(Name, DiscoveredGroup, String)>,
    discovery: &Discovery,
    dead: Option<&str>,
) -> Worker {
    let is_not_dead = |topic: &&Name| Some(topic.as_str()) != dead;
    let environment = address_variables(component, discovery);
    Worker {
        name: component.name.clone(),
        container: custom_container_name(component, discovery),
        group: group.map(|(name, ..)| name.clone()),
        topics: group
            .map(|(_, group, _)| group.topics.iter().filter(is_not_dead).cloned().collect())
            .unwrap_or_default(),
        started: None,
        image: component.image.clone(),
        command: component.command.clone(),
        environment,
        comment: match group {
            Some((.., comment)) => comment.clone(),
            None => "it publishes no port, and it has a broker or database address".into(),
        },
    }
}

/// Returns the environment variables that hold the addresses of other components, and those with
/// the port, database and credentials for such an address.
fn address_variables(component: &Component, discovery: &Discovery) -> Vec<Name> {
    let others = || discovery.components.iter().filter(|other| other.name != component.name);
    let is_component =
        |host: &str| others().any(|other| other.name == host || other.container.as_deref() == Some(host));
    // Also matches a bare host such as `pg-main`, and `Host=pg-main;Port=5432`.
    let has_address = |value: &str| {
        let mut words = value.split([';', ' ', ',']).map(|word| word.rsplit('=').next().unwrap_or(word));
        words.any(is_component) || hosts_of(value).iter().any(|host| is_component(host))
    };
    let variables = component.variables.iter().filter(|(_, value)| has_address(value.expose()));
    let addresses: Vec<&Name> = variables.map(|(name, _)| name).collect();
    let belongs = |name: &Name| addresses.iter().any(|address| belongs_to_address(name, address));
    component.variables.keys().filter(|name| addresses.contains(name) || belongs(name)).cloned().collect()
}

/// Reports whether a variable completes the address in another variable, as `DB_PASSWORD` does for `DB_HOST`.
fn belongs_to_address(name: &str, address: &str) -> bool {
    let address_suffixes = ["HOSTNAME", "HOST", "SERVER", "ADDRESS", "ADDR", "URL", "URI", "DSN"];
    let upper = address.to_uppercase();
    let Some(stem) =
        address_suffixes.iter().find_map(|suffix| upper.strip_suffix(suffix)).filter(|stem| !stem.is_empty())
    else {
        return false;
    };
    let name = name.to_uppercase();
    let rest = name.strip_prefix(stem).map(|rest| rest.strip_suffix("_FILE").unwrap_or(rest));
    let suffixes = [
        "USER", "USERNAME", "LOGIN", "PASSWORD", "PASS", "PASSWD", "PWD", "DATABASE", "DBNAME", "DB", "NAME",
        "PORT", "SCHEMA", "SSLMODE",
    ];
    rest.is_some_and(|rest| suffixes.contains(&rest))
}

/// Returns the container's name, unless Compose chose it.
fn custom_container_name(component: &Component, discovery: &Discovery) -> Option<Name> {
    let project = discovery.project.as_deref().unwrap_or_default();
    let is_custom = |name: &&Name| {
        // The last part is the number of the replica.
        let number = ['-', '_'].into_iter().find_map(|separator| {
            name.strip_prefix(&format!("{project}{separator}{}{separator}", component.name))
        });
        number.is_none_or(|number| number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    component.container.as_ref().filter(is_custom).cloned()
}

fn service(component: &Component, role: &'static str, discovery: &Discovery) -> Service {
    let from_healthcheck = component.healthcheck.as_deref().and_then(healthcheck_endpoint);
    let first = |ports: &BTreeSet<u16>| ports.iter().next().copied();
    let variable = component.variable("PORT").and_then(|port| port.parse().ok());
    let main_port = first(&component.published).or_else(|| first(&component.ports)).or(variable);
    let is_http = role == "api";
    let (port, health, comment) = match (from_healthcheck, &component.health_endpoint) {
        (Some((port, path)), _) => {
            (port.or(main_port), Some(path), "port and path from its Compose health check".to_string())
        }
        (None, Some((port, path))) => {
            (Some(*port), Some(path.clone()), format!("GET {path} on port {port} succeeded"))
        }
        (None, None) => {
            (main_port, None, "its port is published or exposed; no health endpoint was found".to_string())
        }
    };
    let is_address = |name: &&Name, value: &str| {
        hosts_of(value).contains(&component.name) && value.starts_with("http") && !name.is_empty()
    };
    let variables = discovery.components.iter().flat_map(|other| &other.variables);
    let address_variable = variables
        .filter(|(name, value)| is_address(name, value.expose()))
        .map(|(name, _)| name.clone())
        .next();
    Service {
        name: component.name.clone(),
        role,
        container: custom_container_name(component, discovery),
        port: port.filter(|_| is_http),
        health: health.filter(|_| is_http),
        address_variable: address_variable.filter(|_| is_http),
        comment: if is_http { comment } else { format!("image {}", component.image) },
    }
}

/// Returns the port and path of the URL in a health check's command.
fn healthcheck_endpoint(test: &str) -> Option<(Option<u16>, String)> {
    static URL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"https?://[^/\s:"']+(?::(\d+))?(/[^\s"'|&;)]*)"#).expect("a constant pattern")
    });
    let found = URL.captures(test)?;
    let port = found.get(1).and_then(|port| port.as_str().parse().ok());
    Some((port, found.get(2)?.as_str().to_string()))
}

/// Finds the dead-letter topic by its name, and the headers that hold the reason and the worker.
pub fn find_dead_letters(cluster: Option<&Cluster>) -> Option<DeadLetters> {
    let cluster = cluster?;
    let is_read = |topic: &Name| cluster.groups.values().any(|group| group.topics.contains(topic));
    let is_candidate = |name: &Name| match dead_letter_match(name) {
        DeadLetterMatch::Certain => true,
        DeadLetterMatch::Possible => !is_read(name),
        DeadLetterMatch::None => false,
    };
    let is_certain = |name: &Name| matches!(dead_letter_match(name), DeadLetterMatch::Certain);
    let candidates = cluster.topics.iter().filter(|(name, _)| is_candidate(name));
    let (name, topic) = candidates.max_by_key(|(name, topic)| (is_certain(name), topic.records.len()))?;
    let headers: BTreeSet<&String> = topic.records.iter().flat_map(|record| record.headers.keys()).collect();
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
    // One header cannot hold both the reason and the worker.
    let worker = worker.filter(|worker| Some(worker) != reason.as_ref());
    Some(DeadLetters { topic: name.clone(), reason, worker })
}

/// How well a name matches that of a dead-letter topic.
enum DeadLetterMatch {
    /// The name is unmistakable.
    Certain,
    /// The name contains a word that ordinary topics may also contain.
    Possible,
    /// The name does not match.
    None,
}

fn dead_letter_match(topic: &str) -> DeadLetterMatch {
    let name = topic.to_lowercase().replace(['_', '.'], "-");
    let possible = [
        "error", "errors", "failed", "failure", "failures", "poison", "parked", "parking", "invalid",
        "rejected", "dead",
    ];
    let has = |list: &[&str]| words(topic).iter().any(|word| list.contains(&word.as_str()));
    match () {
        () if name.contains("dead-letter") || name.contains("deadletter") => DeadLetterMatch::Certain,
        () if has(&["dlq", "dlt"]) => DeadLetterMatch::Certain,
        () if has(&possible) => DeadLetterMatch::Possible,
        () => DeadLetterMatch::None,
    }
}

/// Returns the broker and the first database. Addresses in a component's environment are not
/// repeated, because the collectors find them there.
pub fn main_systems(discovery: &Discovery, components: &Components) -> (Option<System>, System) {
    let with_role = |role: &str| components.services.iter().find(|service| service.role == role);
    let kafka = with_role("broker").map(|service| {
        let comment = classify::brokers(&discovery.components).map_or_else(
            || "no component has its address in its environment".to_string(),
            |(_, users)| address_source(&users),
        );
        System { service: service.name.clone(), comment, ..System::default() }
    });
    let database = discovery.databases.first();
    let users = database.map(|database| database_users(discovery, database)).unwrap_or_default();
    let comment = database.map_or(NO_DATABASE_ADDRESS.to_string(), |database| {
        format!("database {}: {}", database.name, address_source(&users))
    });
    let service = database_service(database, discovery, components);
    let address = database.map(|database| database.address.clone()).filter(|_| users.is_empty());
    let used_by =
        Some(&users).filter(|_| discovery.databases.len() > 1).and_then(|users| find_user(users, components));
    (kafka, System { service, address, used_by, comment, ..System::default() })
}

/// Returns the service that runs a database: the one that its users' addresses name, or else any database.
pub fn database_service(
    database: Option<&Database>,
    discovery: &Discovery,
    components: &Components,
) -> String {
    let is_host =
        |component: &&Component| database.is_some_and(|database| component.has_host_name(&database.host));
    let named = discovery.components.iter().find(is_host).map(|component| &component.name);
    let mut databases = components.services.iter().filter(|service| service.role == "database");
    let first = databases.clone().next();
    let service = databases.find(|service| Some(&service.name) == named).or(first);
    service.map_or("postgres".to_string(), |service| service.name.clone())
}

/// Returns the components that use a database, each with the variable that holds its address. A
/// configured address is taken to be that of the first database that components use.
fn database_users(discovery: &Discovery, database: &Database) -> Vec<(Name, Name)> {
    let first = || classify::databases(&discovery.components).into_iter().next().map(|usage| usage.used_by);
    match database.used_by.as_slice() {
        [] => first().unwrap_or_default(),
        users => users.to_vec(),
    }
}

/// Returns the first user that is a service or worker of the pipeline.
pub fn find_user(users: &[(Name, Name)], components: &Components) -> Option<Name> {
    let services = components.services.iter().map(|service| &service.name);
    let all: BTreeSet<&Name> = services.chain(components.workers.iter().map(|worker| &worker.name)).collect();
    users.iter().map(|(component, _)| component).find(|component| all.contains(component)).cloned()
}

/// Describes where an address comes from: `address from KAFKA_BROKERS in api, packer`.
pub fn address_source(users: &[(Name, Name)]) -> String {
    let mut by_variable: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (component, variable) in users {
        by_variable.entry(variable).or_default().push(component);
    }
    let each =
        by_variable.iter().map(|(variable, components)| format!("{variable} in {}", components.join(", ")));
    let each: Vec<String> = each.collect();
    if each.is_empty() {
        "address from a flag or the environment".to_string()
    } else {
        format!("address from {}", each.join("; "))
    }
}
