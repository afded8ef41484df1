//! What kind of service each part of a project is, and what addresses it is told.

use crate::base::secret::Secret;
use crate::collect::addresses::{is_loopback, made_of};
use crate::collect::discovery::Part;
use crate::evidence::Name;
use crate::text::address::{hosts_of, is_own};
use std::collections::BTreeMap;
use url::Url;

/// What a part is, as far as it can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Kafka, or what speaks like it.
    Broker,
    /// PostgreSQL.
    Database,
    /// Something that people run beside: a cache, a console, a proxy.
    Beside,
    /// It ran once, to prepare something.
    Once,
    /// It listens on a port.
    Http,
    /// It listens nowhere.
    Worker,
}

const BROKERS: [&str; 7] =
    ["kafka", "cp-kafka", "cp-server", "kafka-native", "redpanda", "confluent-local", "broker"];
const DATABASES: [&str; 8] = [
    "postgres",
    "postgresql",
    "postgis",
    "timescaledb",
    "timescaledb-ha",
    "pgvector",
    "alloydbomni",
    "spilo",
];
const BESIDE: [&str; 29] = [
    "zookeeper",
    "schema-registry",
    "kafka-ui",
    "kafka-connect",
    "kafdrop",
    "akhq",
    "kowl",
    "console",
    "redis",
    "valkey",
    "memcached",
    "rabbitmq",
    "pgadmin",
    "adminer",
    "pgbouncer",
    "grafana",
    "prometheus",
    "loki",
    "jaeger",
    "otel",
    "nginx",
    "traefik",
    "caddy",
    "mailhog",
    "minio",
    "elasticsearch",
    "exporter",
    "pgweb",
    "postgrest",
];

/// The kind of a part: by its image, else by its name; and by whether it listens.
pub fn kind(part: &Part) -> Kind {
    let image = image_name(&part.image);
    // `kafka-2` is one of several brokers; a `kafka-mailer` is none.
    let name =
        part.name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches(['-', '_']);
    let is = |words: &[&str]| words.contains(&image.as_str()) || words.contains(&name);
    let once = ["init", "migrate", "migrations", "migration", "setup", "seed"];
    match () {
        () if BESIDE.iter().any(|word| image.contains(word)) || BESIDE.contains(&name) => Kind::Beside,
        () if part.ended || once.iter().any(|word| ends_in(part, word)) => Kind::Once,
        () if is(&BROKERS) => Kind::Broker,
        () if is(&DATABASES) => Kind::Database,
        () if part.ports.is_empty() => Kind::Worker,
        () => Kind::Http,
    }
}

fn ends_in(part: &Part, word: &str) -> bool {
    let before = part.name.strip_suffix(word);
    before.is_some_and(|before| before.is_empty() || before.ends_with(['-', '_']))
}

/// `registry:5000/shop/kafka:3@sha256…` → `kafka`: who made it says nothing.
fn image_name(image: &str) -> String {
    let last = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_lowercase()
}

/// The brokers that most parts are told, those of a broker of the project first, and who
/// is told them by which variable.
pub fn brokers(parts: &[Part]) -> Option<(String, Vec<(Name, Name)>)> {
    let mut told: BTreeMap<String, Vec<(Name, Name)>> = BTreeMap::new();
    for part in parts.iter().filter(|part| !matches!(kind(part), Kind::Broker | Kind::Beside)) {
        for (name, list) in part.told().brokers() {
            if !is_loopback(&list) {
                told.entry(list).or_default().push((part.name.clone(), name.to_string()));
            }
        }
    }
    let leads_to_one = |list: &str| {
        let mut brokers = parts.iter().filter(|part| kind(part) == Kind::Broker);
        let hosts = hosts_of(list);
        brokers.any(|broker| hosts.contains(&broker.name))
    };
    told.into_iter().max_by_key(|(list, who)| (leads_to_one(list), who.len()))
}

/// A database that parts are told of.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its whole address.
    pub address: Secret,
    /// Its name on the server.
    pub name: Name,
    /// Its host, as containers know it.
    pub host: Name,
    /// Who is told of it, by which variable.
    pub who: Vec<(Name, Name)>,
}

/// The databases that parts are told of, the one that most use first; else the
/// one that the database's own container was made with.
pub fn databases(parts: &[Part]) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    for part in parts.iter().filter(|part| !matches!(kind(part), Kind::Database | Kind::Beside)) {
        for (variable, address) in part.told().databases() {
            let Some((host, name)) = place(&address) else { continue };
            let who = (part.name.clone(), variable.to_string());
            match found.iter_mut().find(|told| told.host == host && told.name == name) {
                Some(told) => told.who.push(who),
                None => found.push(Told { address: Secret::new(address), name, host, who: vec![who] }),
            }
        }
    }
    found.sort_by_key(|told| std::cmp::Reverse(told.who.len()));
    if found.is_empty() {
        found.extend(parts.iter().filter(|part| kind(part) == Kind::Database).find_map(of_server));
    }
    found
}

/// Host and database of an address; none where it is the container itself.
fn place(address: &str) -> Option<(Name, Name)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str().filter(|host| !is_own(host))?;
    let name = url.path().trim_start_matches('/');
    let name = if name.is_empty() { url.username() } else { name };
    Some((host.to_string(), name.to_string()))
}

fn of_server(part: &Part) -> Option<Told> {
    let user = part.variable("POSTGRES_USER").unwrap_or("postgres");
    let name = part.variable("POSTGRES_DB").unwrap_or(user);
    let password = part.variable("POSTGRES_PASSWORD");
    let address = made_of(&part.name, "5432", name, user, password)?;
    let who = vec![(part.name.clone(), "POSTGRES_PASSWORD".to_string())];
    Some(Told { address: Secret::new(address), name: name.into(), host: part.name.clone(), who })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, image: &str, port: Option<u16>, variables: &[(&str, &str)]) -> Part {
        Part {
            name: name.into(),
            image: image.into(),
            ports: port.into_iter().collect(),
            variables: variables.iter().map(|(k, v)| (k.to_string(), Secret::new(*v))).collect(),
            ..Part::default()
        }
    }

    #[test]
    fn parts_are_told_apart_by_their_image_and_by_whether_they_listen() {
        for (name, image, port, expected) in [
            ("events", "bitnami/kafka:3.7", Some(9092), Kind::Broker),
            ("kafka", "registry:5000/own@sha256:0", Some(9092), Kind::Broker),
            ("db", "postgres:15", Some(5432), Kind::Database),
            ("kafka-2", "own", Some(9092), Kind::Broker),
            ("mailer", "shop/kafka-mailer", None, Kind::Worker),
            ("ui", "provectuslabs/kafka-ui", Some(8080), Kind::Beside),
            ("kafka-init", "shop", None, Kind::Once),
            ("api", "kafka-shop/api", Some(80), Kind::Http),
            ("packer", "shop", None, Kind::Worker),
        ] {
            assert_eq!(kind(&part(name, image, port, &[])), expected, "{name}");
        }
    }

    #[test]
    fn the_addresses_that_most_are_told_come_first() {
        let parts = [
            part("api", "x", Some(80), &[("DATABASE_URL", "postgres://u:hunter2@db/shop")]),
            part("a", "x", None, &[("SPRING_KAFKA_BOOTSTRAP_SERVERS", "events:9092")]),
            part(
                "b",
                "x",
                None,
                &[
                    ("SPRING_KAFKA_BOOTSTRAP_SERVERS", "events:9092"),
                    ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db:5432/shop"),
                    ("SPRING_DATASOURCE_USERNAME", "u"),
                    ("REPORTS_URL", "postgresql+asyncpg://u:x@db2/reports"),
                ],
            ),
            part("c", "x", None, &[("DB_HOST", "db"), ("DB_NAME", "shop"), ("DB_USER", "u")]),
            part("d", "x", None, &[("DATABASE_URL", "postgres://u:x@localhost/own")]),
        ];
        let (address, who) = brokers(&parts).unwrap();
        assert_eq!((address.as_str(), who.len()), ("events:9092", 2));
        let found = databases(&parts);
        let names: Vec<(&str, usize)> =
            found.iter().map(|told| (told.name.as_str(), told.who.len())).collect();
        assert_eq!(names, [("shop", 3), ("reports", 1)]);
    }
}
