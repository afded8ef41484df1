//! Addresses that a service is told by its environment, whatever its framework calls
//! the variables.

use crate::text::address::{hosts_of, is_own};
use std::collections::BTreeMap;
use url::Url;

/// What holds an address by itself, the first one first.
const USUAL: [&str; 3] = ["KAFKA_BROKERS", "POSTGRES_URL", "DATABASE_URL"];

/// Words of names that are not Kafka's own address, although Kafka's word is in them.
const NOT_KAFKA: [&str; 10] =
    ["REGISTRY", "CONNECT", "REST", "MQTT", "AMQP", "RABBIT", "REDIS", "CELERY", "PROXY", "CONSOLE"];

/// The protocols that a list of brokers may name.
const PROTOCOLS: [&str; 6] = ["kafka", "kafka+ssl", "plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// Words of names that are another kind of server's.
const NOT_POSTGRES: [&str; 12] = [
    "MYSQL",
    "MARIADB",
    "MSSQL",
    "MONGO",
    "REDIS",
    "RABBIT",
    "SMTP",
    "MAIL",
    "KAFKA",
    "ELASTIC",
    "CASSANDRA",
    "ORACLE",
];

/// An environment: variables by their names.
pub struct Variables<'a> {
    /// With the names as everybody writes them, and as they are: `spring.datasource.url`
    /// is `SPRING_DATASOURCE_URL`, too.
    by_name: BTreeMap<String, (&'a str, &'a str)>,
}

impl<'a> Variables<'a> {
    /// Of names and values; an empty value is none.
    pub fn of(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let named = variables.into_iter().filter(|(_, value)| !value.is_empty());
        let by_name = named.map(|(name, value)| (usual(name), (name, value)));
        Variables { by_name: by_name.collect() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.by_name.get(name).map(|(_, value)| *value)
    }

    /// The first of these names behind a prefix that there is.
    fn any(&self, prefix: &str, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.get(&format!("{prefix}{name}")))
    }

    /// The variables, those with the usual names first.
    fn iter(&self) -> impl Iterator<Item = (&str, &'a str, &'a str)> {
        let mut all: Vec<_> =
            self.by_name.iter().map(|(usual, (name, value))| (usual.as_str(), *name, *value)).collect();
        all.sort_by_key(|(usual, ..)| USUAL.iter().position(|known| known == usual).unwrap_or(USUAL.len()));
        all.into_iter()
    }

    /// The lists of brokers that it tells, each with its variable: `host:port,…`.
    pub fn brokers(&self) -> Vec<(&'a str, String)> {
        let named = self.iter().filter(|(usual, ..)| {
            let is_kafka = ["KAFKA", "BROKER", "BOOTSTRAP"].iter().any(|word| usual.contains(word));
            is_kafka && !NOT_KAFKA.iter().any(|word| usual.contains(word))
        });
        let told = named.filter_map(|(usual, name, value)| {
            let port = usual.strip_suffix("HOST").and_then(|prefix| self.any(prefix, &["PORT"]));
            let list = port.map_or(value.to_string(), |port| format!("{value}:{port}"));
            Some((name, list_of(&list)?))
        });
        told.collect()
    }

    /// The PostgreSQL databases that it tells, each with its variable, as URLs with what
    /// there is of user and password.
    pub fn databases(&self) -> Vec<(&'a str, String)> {
        let whole = self.iter().filter_map(|(usual, name, value)| {
            let url = url_of(value).map(|url| self.with_login(usual, url)).or_else(|| of_pairs(value))?;
            Some((name, url))
        });
        let mut told: Vec<(&str, String)> = whole.collect();
        let parts = self.iter().filter(|(usual, ..)| !NOT_POSTGRES.iter().any(|word| usual.contains(word)));
        told.extend(parts.filter_map(|(usual, name, host)| Some((name, self.of_parts(usual, host)?))));
        told
    }

    /// Frameworks tell user and password beside the address.
    fn with_login(&self, usual: &str, address: String) -> String {
        let Ok(mut url) = Url::parse(&address) else { return address };
        if !url.username().is_empty() || url.query_pairs().any(|(name, _)| name == "user") {
            return address;
        }
        let stems = ["JDBC_URL", "URL", "URI"].into_iter().filter_map(|end| usual.strip_suffix(end));
        for stem in stems {
            if let Some(user) = self.any(stem, &USERS) {
                let _ = url.set_username(user);
                let _ = url.set_password(self.any(stem, &PASSWORDS));
                return url.into();
            }
        }
        address
    }

    /// Host, database, user and password in variables of one prefix.
    fn of_parts(&self, usual: &str, host: &str) -> Option<String> {
        let prefix = usual.strip_suffix("HOST").or_else(|| usual.strip_suffix("HOSTNAME"))?;
        let user = self.any(prefix, &USERS);
        // libpq's own: without a name it is the user's.
        let name = self.any(prefix, &["DATABASE", "NAME", "DB", "DBNAME", "DATABASE_NAME", "DB_NAME"]);
        let name = name.or_else(|| user.filter(|_| prefix == "PG"))?;
        let port = self.any(prefix, &["PORT"]).unwrap_or("5432");
        let is_word = |text: &str| !text.contains(['/', ' ', ':', '@']);
        let is_good = !prefix.is_empty() && is_word(host) && !["3306", "1433", "27017"].contains(&port);
        made_of(host, port, name, user?, self.any(prefix, &PASSWORDS)).filter(|_| is_good)
    }
}

const USERS: [&str; 4] = ["USER", "USERNAME", "USER_NAME", "LOGIN"];
const PASSWORDS: [&str; 3] = ["PASSWORD", "PASS", "PWD"];

/// A name as environments usually write it.
fn usual(name: &str) -> String {
    name.to_uppercase().replace(['.', '-'], "_")
}

/// A list of brokers without protocols; `None`: it is none.
fn list_of(value: &str) -> Option<String> {
    let brokers: Option<Vec<&str>> = value
        .split(',')
        .map(str::trim)
        .filter(|broker| !broker.is_empty())
        .map(|broker| match broker.split_once("://") {
            Some((protocol, rest)) => {
                PROTOCOLS.contains(&protocol.to_lowercase().as_str()).then_some(rest.trim_end_matches('/'))
            }
            None => Some(broker),
        })
        .collect();
    let list = brokers?.join(",");
    let is_list = !list.contains(['@', '/', ' ']) && !hosts_of(&list).is_empty();
    is_list.then_some(list)
}

/// `jdbc:postgresql://…`, `postgresql+asyncpg://…` → `postgresql://…`.
fn url_of(value: &str) -> Option<String> {
    let value = value.trim();
    let value = value.strip_prefix("jdbc:").unwrap_or(value);
    let (scheme, rest) = value.split_once("://")?;
    let scheme = scheme.split('+').next()?;
    matches!(scheme, "postgres" | "postgresql").then(|| format!("{scheme}://{rest}"))
}

/// `host=db dbname=shop` (libpq) and `Host=db;Database=shop` (Npgsql).
fn of_pairs(value: &str) -> Option<String> {
    let separator = if value.contains(';') { ';' } else { ' ' };
    let pairs = value.split(separator).filter_map(|pair| pair.split_once('='));
    let pairs: BTreeMap<String, &str> = pairs
        .map(|(key, value)| (key.trim().to_lowercase(), value.trim().trim_matches(['\'', '"'])))
        .collect();
    let get = |keys: &[&str]| keys.iter().find_map(|key| pairs.get(*key).copied());
    let (host, port) = (get(&["host"])?, get(&["port"]).unwrap_or("5432"));
    let user = get(&["user", "username", "user id"])?;
    made_of(host, port, get(&["dbname", "database"])?, user, get(&["password"]))
}

/// A URL of its parts; signs that mean something in it are encoded.
pub fn made_of(host: &str, port: &str, name: &str, user: &str, password: Option<&str>) -> Option<String> {
    let mut url = Url::parse(&format!("postgresql://{host}:{port}")).ok()?;
    url.set_path(name);
    url.set_username(user).ok()?;
    url.set_password(password).ok()?;
    Some(url.into())
}

/// Whether every host of an address (a list of brokers, a database's URL) is the
/// machine itself: within a container, the container.
pub fn is_loopback(address: &str) -> bool {
    let hosts = hosts_of(address);
    !hosts.is_empty() && hosts.iter().all(|host| is_own(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases(variables: &[(&str, &str)]) -> Vec<String> {
        let told = Variables::of(variables.iter().copied());
        told.databases().into_iter().map(|(name, address)| format!("{name} {address}")).collect()
    }

    fn brokers(variables: &[(&str, &str)]) -> Vec<String> {
        let told = Variables::of(variables.iter().copied());
        told.brokers().into_iter().map(|(name, list)| format!("{name} {list}")).collect()
    }

    #[test]
    fn a_database_is_told_in_many_ways() {
        for (variables, expected) in [
            (&[("DATABASE_URL", "postgres://u:p@db/shop")][..], "DATABASE_URL postgres://u:p@db/shop"),
            (&[("DB_URI", "postgresql+asyncpg://u@db/shop")], "DB_URI postgresql://u@db/shop"),
            (
                &[
                    ("QUARKUS_DATASOURCE_JDBC_URL", "jdbc:postgresql://db:5432/shop"),
                    ("QUARKUS_DATASOURCE_USERNAME", "u"),
                    ("QUARKUS_DATASOURCE_PASSWORD", "s3cret/x"),
                ],
                "QUARKUS_DATASOURCE_JDBC_URL postgresql://u:s3cret%2Fx@db:5432/shop",
            ),
            (
                &[
                    ("spring.datasource.url", "jdbc:postgresql://db/shop"),
                    ("spring.datasource.username", "u"),
                ],
                "spring.datasource.url postgresql://u@db/shop",
            ),
            (
                &[("ConnectionStrings__Default", "Host=db;Port=5432;Database=shop;Username=u;Password=p")],
                "ConnectionStrings__Default postgresql://u:p@db:5432/shop",
            ),
            (&[("DB_DSN", "host=db dbname=shop user=u")], "DB_DSN postgresql://u@db:5432/shop"),
            (
                &[("TYPEORM_HOST", "db"), ("TYPEORM_DATABASE", "shop"), ("TYPEORM_USERNAME", "u")],
                "TYPEORM_HOST postgresql://u@db:5432/shop",
            ),
            (&[("PGHOST", "db"), ("PGUSER", "u"), ("PGPASSWORD", "p")], "PGHOST postgresql://u:p@db:5432/u"),
        ] {
            assert_eq!(databases(variables), [expected]);
        }
    }

    #[test]
    fn another_kind_of_server_is_no_database_of_ours() {
        for variables in [
            &[("MYSQL_HOST", "db"), ("MYSQL_DATABASE", "shop"), ("MYSQL_USER", "u")][..],
            &[("DB_HOST", "db"), ("DB_NAME", "shop"), ("DB_USER", "u"), ("DB_PORT", "3306")],
            &[("HOSTNAME", "1a2b"), ("NAME", "shop"), ("USER", "u")],
            &[("DATABASE_URL", "mysql://u@db/shop")],
        ] {
            assert_eq!(databases(variables), Vec::<String>::new(), "{variables:?}");
        }
    }

    #[test]
    fn brokers_are_told_with_and_without_protocol() {
        assert_eq!(brokers(&[("KAFKA_URL", "kafka://a:9092")]), ["KAFKA_URL a:9092"]);
        let list = "PLAINTEXT://a:9092, SASL_SSL://b:9093";
        assert_eq!(
            brokers(&[("SPRING_KAFKA_BOOTSTRAP_SERVERS", list)]),
            ["SPRING_KAFKA_BOOTSTRAP_SERVERS a:9092,b:9093"]
        );
        assert_eq!(brokers(&[("KAFKA_HOST", "a"), ("KAFKA_PORT", "9092")]), ["KAFKA_HOST a:9092"]);
        let first = brokers(&[("BOOTSTRAP_SERVERS", "b:1"), ("KAFKA_BROKERS", "a:1")]);
        assert_eq!(first, ["KAFKA_BROKERS a:1", "BOOTSTRAP_SERVERS b:1"]);
    }

    #[test]
    fn what_stands_beside_kafka_is_not_kafka() {
        for variable in [
            ("SCHEMA_REGISTRY_KAFKA", "registry:8081"),
            ("MQTT_BROKER", "mosquitto:1883"),
            ("CELERY_BROKER_URL", "redis://cache:6379"),
            ("BROKER_URL", "amqp://u:p@rabbit:5672"),
            ("KAFKA_CLIENT_ID", "shop"),
        ] {
            assert_eq!(brokers(&[variable]), Vec::<String>::new(), "{variable:?}");
        }
    }

    #[test]
    fn loopback_is_told_in_every_form_of_address() {
        for own in ["localhost:9092", "127.0.0.1:1,[::1]:2", "postgres://u:p@localhost/x"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["kafka:9092", "localhost:1,kafka:2", "postgres://localhost:p@db:5432/x"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
