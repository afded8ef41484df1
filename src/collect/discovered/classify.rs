//! Classifies a project's components, and finds the broker and databases named in their
//! environments.

use crate::base::secret::Secret;
use crate::collect::discovered::{Component, Uses};
use crate::collect::env_addresses::{is_loopback, postgres_url};
use crate::evidence::Name;
use crate::text::address::{hosts_of, is_loopback_host};
use std::collections::BTreeMap;
use url::Url;

/// A component's kind, inferred from its image, name and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Kafka, or a broker with the same protocol.
    Broker,
    /// PostgreSQL.
    Database,
    /// A supporting service, such as a cache, a console or a proxy.
    Auxiliary,
    /// A setup job that runs once and exits.
    Job,
    /// A service that listens on a port.
    Http,
    /// A component without ports.
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
const AUXILIARY: [&str; 29] = [
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

/// Finds which components have the address of another one in their environments.
pub fn find_uses(components: &mut [Component]) {
    let mut found = vec![Uses::default(); components.len()];
    for (user, component) in components.iter().enumerate() {
        let others = |hosts: &[String]| -> Vec<usize> {
            let others = components.iter().enumerate().filter(|(index, _)| *index != user);
            let named = others.filter(|(_, other)| hosts.iter().any(|host| other.has_host_name(host)));
            named.map(|(index, _)| index).collect()
        };
        for value in component.variables.values() {
            for index in others(&hosts_of(value.expose())) {
                found[index].is_called = true;
            }
        }
        let databases = component.environment().databases();
        let hosts = databases.iter().filter_map(|(_, address)| host_and_name(address));
        let hosts: Vec<String> = hosts.map(|(host, _)| host).collect();
        for index in others(&hosts) {
            found[index].is_database = true;
            found[user].has_database = true;
        }
    }
    for (component, uses) in components.iter_mut().zip(found) {
        component.uses = uses;
    }
}

/// Infers a component's kind from its image, name and ports, and from how others use it.
pub fn kind(component: &Component) -> Kind {
    let image = image_name(&component.image);
    // `kafka-2` is one of several brokers, but `kafka-mailer` is not a broker.
    let name =
        component.name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches(['-', '_']);
    let matches_any = |words: &[&str]| words.contains(&image.as_str()) || words.contains(&name);
    let jobs = ["init", "migrate", "migrations", "migration", "setup", "seed"];
    match () {
        () if AUXILIARY.iter().any(|word| image.contains(word)) || AUXILIARY.contains(&name) => {
            Kind::Auxiliary
        }
        () if component.one_shot || jobs.iter().any(|word| has_suffix(component, word)) => Kind::Job,
        () if matches_any(&BROKERS) => Kind::Broker,
        () if component.uses.is_database => Kind::Database,
        // A client may have the server's image, for its tools.
        () if matches_any(&DATABASES) && !component.uses.has_database => Kind::Database,
        () if component.ports.is_empty() || is_only_exposed(component) => Kind::Worker,
        () => Kind::Http,
    }
}

/// Reports whether the ports tell nothing: all services that share an image have the ports that it exposes.
fn is_only_exposed(component: &Component) -> bool {
    let is_checked = component.healthcheck.as_deref().is_some_and(|test| test.contains("http"));
    let serves = ["api", "web", "http", "gateway", "server", "frontend", "backend"];
    let mut words = component.name.split(['-', '_', '.']);
    component.published.is_empty()
        && !component.uses.is_called
        && !is_checked
        && !words.any(|word| serves.contains(&word))
}

/// Reports whether the component's name ends in this word.
fn has_suffix(component: &Component, word: &str) -> bool {
    let before = component.name.strip_suffix(word);
    before.is_some_and(|before| before.is_empty() || before.ends_with(['-', '_']))
}

/// Drops the registry, namespace and tag: `registry:5000/shop/kafka:3@sha256…` → `kafka`.
fn image_name(image: &str) -> String {
    let last = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_lowercase()
}

/// Returns the list of brokers that most components use, preferring one that names a broker
/// in this project. Includes each component and the variable that holds its list.
pub fn brokers(components: &[Component]) -> Option<(String, Vec<(Name, Name)>)> {
    let mut lists: BTreeMap<String, Vec<(Name, Name)>> = BTreeMap::new();
    for component in
        components.iter().filter(|component| !matches!(kind(component), Kind::Broker | Kind::Auxiliary))
    {
        for (name, list) in component.environment().brokers() {
            if !is_loopback(&list) {
                lists.entry(list).or_default().push((component.name.clone(), name.to_string()));
            }
        }
    }
    let names_project_broker = |list: &str| {
        let mut brokers = components.iter().filter(|component| kind(component) == Kind::Broker);
        let hosts = hosts_of(list);
        brokers.any(|broker| hosts.contains(&broker.name))
    };
    lists.into_iter().max_by_key(|(list, used_by)| (names_project_broker(list), used_by.len()))
}

/// A database that components use.
#[derive(Debug, Clone)]
pub struct DatabaseUse {
    /// Connection string.
    pub address: Secret,
    /// Database name on the server.
    pub name: Name,
    /// Host name, as containers know it.
    pub host: Name,
    /// Components that use it, each with the variable that holds the address.
    pub used_by: Vec<(Name, Name)>,
}

/// Returns the databases that components use, most used first. If there are none, returns the
/// database that the server's own container creates.
pub fn databases(components: &[Component]) -> Vec<DatabaseUse> {
    let mut found: Vec<DatabaseUse> = Vec::new();
    for component in
        components.iter().filter(|component| !matches!(kind(component), Kind::Database | Kind::Auxiliary))
    {
        for (variable, address) in component.environment().databases() {
            let Some((host, name)) = host_and_name(&address) else { continue };
            let user = (component.name.clone(), variable.to_string());
            match found.iter_mut().find(|known| known.host == host && known.name == name) {
                Some(known) => known.used_by.push(user),
                None => {
                    found.push(DatabaseUse { address: Secret::new(address), name, host, used_by: vec![user] })
                }
            }
        }
    }
    found.sort_by_key(|usage| std::cmp::Reverse(usage.used_by.len()));
    if found.is_empty() {
        found.extend(
            components
                .iter()
                .filter(|component| kind(component) == Kind::Database)
                .find_map(of_database_server),
        );
    }
    found
}

/// Returns the host and database name in a URL, or `None` for a loopback host.
fn host_and_name(address: &str) -> Option<(Name, Name)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str().filter(|host| !is_loopback_host(host))?;
    let name = url.path().trim_start_matches('/');
    let name = if name.is_empty() { url.username() } else { name };
    Some((host.to_string(), name.to_string()))
}

/// Returns the database that a PostgreSQL container creates.
fn of_database_server(component: &Component) -> Option<DatabaseUse> {
    let user = component.variable("POSTGRES_USER").unwrap_or("postgres");
    let name = component.variable("POSTGRES_DB").unwrap_or(user);
    let password = component.variable("POSTGRES_PASSWORD");
    let address = postgres_url(&component.name, "5432", name, user, password)?;
    let used_by = vec![(component.name.clone(), "POSTGRES_PASSWORD".to_string())];
    Some(DatabaseUse {
        address: Secret::new(address),
        name: name.into(),
        host: component.name.clone(),
        used_by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, image: &str, port: Option<u16>, variables: &[(&str, &str)]) -> Component {
        Component {
            name: name.into(),
            image: image.into(),
            ports: port.into_iter().collect(),
            variables: variables.iter().map(|(k, v)| (k.to_string(), Secret::new(*v))).collect(),
            ..Component::default()
        }
    }

    #[test]
    fn classifies_components_by_image_name_and_ports() {
        for (name, image, port, expected) in [
            ("events", "bitnami/kafka:3.7", Some(9092), Kind::Broker),
            ("kafka", "registry:5000/own@sha256:0", Some(9092), Kind::Broker),
            ("db", "postgres:15", Some(5432), Kind::Database),
            ("kafka-2", "own", Some(9092), Kind::Broker),
            ("mailer", "shop/kafka-mailer", None, Kind::Worker),
            ("ui", "provectuslabs/kafka-ui", Some(8080), Kind::Auxiliary),
            ("kafka-init", "shop", None, Kind::Job),
            ("api", "kafka-shop/api", Some(80), Kind::Http),
            ("packer", "shop", None, Kind::Worker),
        ] {
            let published = port.into_iter().collect();
            let component = Component { published, ..component(name, image, port, &[]) };
            assert_eq!(kind(&component), expected, "{name}");
        }
    }

    #[test]
    fn classifies_components_by_how_others_use_them() {
        let orders = ("DATABASE_URL", "postgres://u:hunter2@orders/orders");
        let mut components = [
            component("orders", "own/image", Some(5432), &[]),
            component("relay", "postgres:15", Some(5432), &[orders]),
            component("packer", "shop", Some(3000), &[orders]),
            component("pricing", "shop", Some(3000), &[orders]),
            component("web", "shop", Some(3000), &[orders, ("PRICES", "http://pricing:3000/")]),
        ];
        find_uses(&mut components);
        let kinds = components.each_ref().map(kind);
        assert_eq!(kinds, [Kind::Database, Kind::Worker, Kind::Worker, Kind::Http, Kind::Http]);
    }

    #[test]
    fn most_used_addresses_come_first() {
        let components = [
            component("api", "x", Some(80), &[("DATABASE_URL", "postgres://u:hunter2@db/shop")]),
            component("a", "x", None, &[("SPRING_KAFKA_BOOTSTRAP_SERVERS", "events:9092")]),
            component(
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
            component("c", "x", None, &[("DB_HOST", "db"), ("DB_NAME", "shop"), ("DB_USER", "u")]),
            component("d", "x", None, &[("DATABASE_URL", "postgres://u:x@localhost/own")]),
        ];
        let (address, used_by) = brokers(&components).unwrap();
        assert_eq!((address.as_str(), used_by.len()), ("events:9092", 2));
        let found = databases(&components);
        let names: Vec<(&str, usize)> =
            found.iter().map(|usage| (usage.name.as_str(), usage.used_by.len())).collect();
        assert_eq!(names, [("shop", 3), ("reports", 1)]);
    }
}
