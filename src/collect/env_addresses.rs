//! Broker and database addresses in a service's environment variables, under the names
//! that common frameworks use.

use crate::collect::connection_strings::{Pairs, libpq_mode};
use crate::text::address::{hosts_of, is_broker_list, is_host, is_loopback_host};
use std::collections::BTreeMap;
use url::Url;

/// Common variables for a complete address, in order of precedence.
const USUAL_NAMES: [&str; 3] = ["KAFKA_BROKERS", "POSTGRES_URL", "DATABASE_URL"];

/// Words that rule out a Kafka address even if the variable name mentions Kafka or a broker.
const NOT_KAFKA: [&str; 10] =
    ["REGISTRY", "CONNECT", "REST", "MQTT", "AMQP", "RABBIT", "REDIS", "CELERY", "PROXY", "CONSOLE"];

/// Words in the names of variables that hold secrets, whose values are never treated as addresses.
const SECRET_WORDS: [&str; 14] = [
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "SASL",
    "JAAS",
    "AUTH",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "APIKEY",
];

/// Protocols that may prefix an address in a list of brokers.
const PROTOCOLS: [&str; 6] = ["kafka", "kafka+ssl", "plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// Words in variable names that indicate other kinds of servers.
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

/// The variables of an environment.
pub struct Variables<'a> {
    /// Original name and value by normalized name. For example, `spring.datasource.url` is
    /// found as `SPRING_DATASOURCE_URL`.
    by_name: BTreeMap<String, (&'a str, &'a str)>,
}

impl<'a> Variables<'a> {
    /// Reads name-value pairs. Empty values are ignored.
    pub fn new(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let named = variables.into_iter().filter(|(_, value)| !value.is_empty());
        let by_name = named.map(|(name, value)| (normalized(name), (name, value)));
        Variables { by_name: by_name.collect() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.by_name.get(name).map(|(_, value)| *value)
    }

    /// Prepends the prefix to each name and returns the first variable that is set.
    fn first(&self, prefix: &str, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.get(&format!("{prefix}{name}")))
    }

    /// Iterates over the normalized name, original name and value of each variable, with common
    /// names first.
    fn iter(&self) -> impl Iterator<Item = (&str, &'a str, &'a str)> {
        let mut all: Vec<_> = self
            .by_name
            .iter()
            .map(|(normalized, (name, value))| (normalized.as_str(), *name, *value))
            .collect();
        all.sort_by_key(|(normalized, ..)| {
            USUAL_NAMES.iter().position(|known| known == normalized).unwrap_or(USUAL_NAMES.len())
        });
        all.into_iter()
    }

    /// Returns the lists of brokers (`host:port,…`), each with its variable.
    pub fn brokers(&self) -> Vec<(&'a str, String)> {
        let named = self.iter().filter(|(normalized, name, _)| {
            let is_kafka = ["KAFKA", "BROKER", "BOOTSTRAP"].iter().any(|word| normalized.contains(word));
            is_kafka && !NOT_KAFKA.iter().any(|word| normalized.contains(word)) && !names_secret(name)
        });
        let lists = named.filter_map(|(normalized, name, value)| {
            let port = normalized.strip_suffix("HOST").and_then(|prefix| self.first(prefix, &["PORT"]));
            let list = port.map_or(value.to_string(), |port| format!("{value}:{port}"));
            Some((name, broker_list(&list)?))
        });
        lists.collect()
    }

    /// Returns the PostgreSQL databases as URLs, each with its variable. A URL includes the
    /// user and password if they are set.
    pub fn databases(&self) -> Vec<(&'a str, String)> {
        let whole = self.iter().filter_map(|(normalized, name, value)| {
            let url = normalized_url(value)
                .map(|url| self.with_login(normalized, url))
                .or_else(|| url_from_pairs(value))?;
            Some((name, self.with_ssl_mode(url)))
        });
        let mut databases: Vec<(&str, String)> = whole.collect();
        let hosts =
            self.iter().filter(|(normalized, ..)| !NOT_POSTGRES.iter().any(|word| normalized.contains(word)));
        databases.extend(hosts.filter_map(|(normalized, name, host)| {
            Some((name, self.with_ssl_mode(self.url_from_parts(normalized, host)?)))
        }));
        databases
    }

    /// Adds libpq's variables for TLS, which apply to every address that does not say otherwise.
    fn with_ssl_mode(&self, mut address: String) -> String {
        for (variable, option) in [("PGSSLMODE", "sslmode"), ("PGSSLROOTCERT", "sslrootcert")] {
            if let Some(value) = self.get(variable).filter(|_| !has_option(&address, option)) {
                address = with_option(&address, option, value);
            }
        }
        address
    }

    /// Adds the user and password from the variables that frameworks use alongside the URL.
    fn with_login(&self, normalized: &str, address: String) -> String {
        let Ok(mut url) = Url::parse(&address) else { return address };
        if !url.username().is_empty() || url.query_pairs().any(|(name, _)| name == "user") {
            return address;
        }
        let stems = ["JDBC_URL", "URL", "URI"].into_iter().filter_map(|end| normalized.strip_suffix(end));
        for stem in stems {
            if let Some(user) = self.first(stem, &USERS) {
                let _ = url.set_username(user);
                let _ = url.set_password(self.first(stem, &PASSWORDS));
                return url.into();
            }
        }
        address
    }

    /// Builds a URL from the host, database, user and password in variables with the same
    /// prefix.
    fn url_from_parts(&self, normalized: &str, host: &str) -> Option<String> {
        let prefix = normalized.strip_suffix("HOST").or_else(|| normalized.strip_suffix("HOSTNAME"))?;
        let user = self.first(prefix, &USERS);
        // With libpq's variables, the database name defaults to the user name.
        let name = self.first(prefix, &["DATABASE", "NAME", "DB", "DBNAME", "DATABASE_NAME", "DB_NAME"]);
        let name = name.or_else(|| user.filter(|_| prefix == "PG"))?;
        let port = self.first(prefix, &["PORT"]).unwrap_or("5432");
        let is_postgres = !prefix.is_empty() && is_host(host) && !["3306", "1433", "27017"].contains(&port);
        let url = postgres_url(host, port, name, user?, self.first(prefix, &PASSWORDS));
        let mode =
            self.first(prefix, &["SSLMODE", "SSL_MODE", "SSL"]).filter(|_| prefix != "PG").map(libpq_mode);
        url.filter(|_| is_postgres).map(|url| match mode {
            Some(mode) => with_option(&url, "sslmode", &mode),
            None => url,
        })
    }
}

const USERS: [&str; 4] = ["USER", "USERNAME", "USER_NAME", "LOGIN"];
const PASSWORDS: [&str; 3] = ["PASSWORD", "PASS", "PWD"];

/// Normalizes a variable name to upper case with underscores.
fn normalized(name: &str) -> String {
    name.to_uppercase().replace(['.', '-'], "_")
}

/// Reports whether a variable's name indicates that its value is a secret:
/// `KAFKA_SASL_JAAS_CONFIG`, `kafka.password`, `kafkaAuthToken`.
fn names_secret(name: &str) -> bool {
    let mut words = String::new();
    let mut last = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && last.is_lowercase()) {
            words.push(' ');
        }
        words.extend(Some(c).filter(|c| c.is_alphanumeric()).into_iter().flat_map(char::to_uppercase));
        last = c;
    }
    words.split(' ').any(|word| SECRET_WORDS.contains(&word))
}

/// Returns a list of brokers without protocols, or `None` if the value is not a list of
/// brokers.
fn broker_list(value: &str) -> Option<String> {
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
    is_broker_list(&list).then_some(list)
}

/// Normalizes a URL: `jdbc:postgresql://…`, `postgresql+asyncpg://…` → `postgresql://…`.
fn normalized_url(value: &str) -> Option<String> {
    let value = value.trim();
    let jdbc = value.strip_prefix("jdbc:");
    let (scheme, rest) = jdbc.unwrap_or(value).split_once("://")?;
    let scheme = scheme.split('+').next()?;
    let url = matches!(scheme, "postgres" | "postgresql").then(|| format!("{scheme}://{rest}"))?;
    // With ssl=true, the JDBC driver verifies the server's name.
    let is_verified = jdbc.is_some() && !has_option(&url, "sslmode") && rest.contains("ssl=true");
    Some(if is_verified { with_option(&url, "sslmode", "verify-full") } else { url })
}

/// Builds a URL from `host=db dbname=shop` (libpq) or `Host=db;Database=shop` (Npgsql).
fn url_from_pairs(value: &str) -> Option<String> {
    let pairs = Pairs::read(value);
    let (host, port) = (pairs.get(&["host"])?, pairs.get(&["port"]).unwrap_or("5432"));
    let user = pairs.get(&["user", "username", "userid"])?;
    let name = pairs.get(&["dbname", "database"])?;
    let mut url = postgres_url(host, port, name, user, pairs.get(&["password"]))?;
    let roots = pairs.get(&["sslrootcert", "rootcertificate"]).map(String::from);
    for (option, value) in [("sslmode", pairs.ssl_mode()), ("sslrootcert", roots)] {
        if let Some(value) = value {
            url = with_option(&url, option, &value);
        }
    }
    Some(url)
}

/// Reports whether a URL has an option, or `ssl`, which stands for `sslmode`.
fn has_option(url: &str, option: &str) -> bool {
    let query = place(url).split_once('?').map(|(_, query)| query).unwrap_or_default();
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    names.any(|name| name == option || option == "sslmode" && name == "ssl" && !query.contains("ssl=true"))
}

/// Returns what follows the login in a URL. A password may hold a question mark.
fn place(url: &str) -> &str {
    url.split_once('@').map_or(url, |(_, place)| place)
}

/// Adds an option to a URL.
fn with_option(url: &str, option: &str, value: &str) -> String {
    let separator = if place(url).contains('?') { '&' } else { '?' };
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{url}{separator}{option}={}", value.replace('+', "%20"))
}

/// Builds a PostgreSQL URL; special characters are percent-encoded.
pub fn postgres_url(
    host: &str,
    port: &str,
    name: &str,
    user: &str,
    password: Option<&str>,
) -> Option<String> {
    let mut url = Url::parse(&format!("postgresql://{host}:{port}")).ok()?;
    url.set_path(name);
    url.set_username(user).ok()?;
    url.set_password(password).ok()?;
    Some(url.into())
}

/// Reports whether every host of an address (a list of brokers or a database URL) is a
/// loopback host, which refers to the container itself.
pub fn is_loopback(address: &str) -> bool {
    let hosts = hosts_of(address);
    !hosts.is_empty() && hosts.iter().all(|host| is_loopback_host(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases(variables: &[(&str, &str)]) -> Vec<String> {
        let variables = Variables::new(variables.iter().copied());
        variables.databases().into_iter().map(|(name, address)| format!("{name} {address}")).collect()
    }

    fn brokers(variables: &[(&str, &str)]) -> Vec<String> {
        let variables = Variables::new(variables.iter().copied());
        variables.brokers().into_iter().map(|(name, list)| format!("{name} {list}")).collect()
    }

    #[test]
    fn reads_databases_from_variables_of_common_frameworks() {
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
    fn reads_tls_modes_of_every_form() {
        for (variables, expected) in [
            (
                &[("DB_DSN", r"host=db dbname=shop user=u password='a b\' c' sslmode=require")][..],
                "DB_DSN postgresql://u:a%20b'%20c@db:5432/shop?sslmode=require",
            ),
            (
                &[("Db__Default", "Host=db;Database=shop;Username=u;Password='a;b';SSL Mode=VerifyFull")],
                "Db__Default postgresql://u:a%3Bb@db:5432/shop?sslmode=verify-full",
            ),
            (
                &[("Db__Default", "Host=db;Database=shop;Username=u;Ssl Mode=Verfy Full")],
                "Db__Default postgresql://u@db:5432/shop?sslmode=Verfy%20Full",
            ),
            (
                &[("DATABASE_URL", "postgres://u:p@db/shop"), ("PGSSLMODE", "verify-full")],
                "DATABASE_URL postgres://u:p@db/shop?sslmode=verify-full",
            ),
            (
                &[("DATABASE_URL", "postgres://u@db/shop?sslmode=disable"), ("PGSSLMODE", "require")],
                "DATABASE_URL postgres://u@db/shop?sslmode=disable",
            ),
            (
                &[
                    ("PGHOST", "db"),
                    ("PGUSER", "u"),
                    ("PGSSLMODE", "verify-ca"),
                    ("PGSSLROOTCERT", "/ca.pem"),
                ],
                "PGHOST postgresql://u@db:5432/u?sslmode=verify-ca&sslrootcert=%2Fca.pem",
            ),
            (
                &[
                    ("TYPEORM_HOST", "db"),
                    ("TYPEORM_DATABASE", "s"),
                    ("TYPEORM_USERNAME", "u"),
                    ("TYPEORM_SSL", "true"),
                ],
                "TYPEORM_HOST postgresql://u@db:5432/s?sslmode=require",
            ),
            (
                &[("JDBC_URL", "jdbc:postgresql://db/shop?user=u&ssl=true")],
                "JDBC_URL postgresql://db/shop?user=u&ssl=true&sslmode=verify-full",
            ),
        ] {
            assert_eq!(databases(variables), [expected]);
        }
    }

    #[test]
    fn ignores_databases_that_are_not_postgres() {
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
    fn reads_brokers_with_and_without_protocol() {
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
    fn ignores_addresses_of_systems_that_are_not_kafka() {
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
    fn ignores_values_that_are_no_addresses() {
        for value in [
            "$(touch${IFS}PWNED):9092",
            "`touch x`:9092",
            "a;touch x:9092",
            "a:9092\nb:9092",
            "a:0",
            "--help:1",
            "a:9092,$(x):1",
            "a|b:1",
            "a\u{202e}b:1",
        ] {
            assert_eq!(brokers(&[("KAFKA_BROKERS", value)]), Vec::<String>::new(), "{value:?}");
            let host = value.trim_end_matches(":9092");
            let parts = [("PGHOST", host), ("PGUSER", "u"), ("PGDATABASE", "d")];
            assert_eq!(databases(&parts), Vec::<String>::new(), "{value:?}");
        }
    }

    #[test]
    fn secrets_are_not_read_as_addresses() {
        for name in [
            "KAFKA_PASSWORD",
            "KAFKA_SASL_JAAS_CONFIG",
            "KAFKA_CLIENT_SECRET",
            "BROKER_AUTH",
            "kafka.sasl.password",
            "BOOTSTRAP_TOKEN",
            "kafkaAuthToken",
            "KAFKA_API_KEY",
            "broker-credentials",
        ] {
            assert_eq!(brokers(&[(name, "hunter:2")]), Vec::<String>::new(), "{name}");
        }
        // Only whole words count.
        assert_eq!(brokers(&[("KAFKA_AUTHORS_BROKERS", "a:1")]), ["KAFKA_AUTHORS_BROKERS a:1"]);
    }

    #[test]
    fn detects_loopback_in_lists_and_urls() {
        for loopback in ["localhost:9092", "127.0.0.1:1,[::1]:2", "postgres://u:p@localhost/x"] {
            assert!(is_loopback(loopback), "{loopback}");
        }
        for other in ["kafka:9092", "localhost:1,kafka:2", "postgres://localhost:p@db:5432/x"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
