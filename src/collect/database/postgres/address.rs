//! Where PostgreSQL is and how to speak to it: a URL or libpq's `key=value`
//! form. tokio-postgres knows fewer TLS settings than libpq does, so those are
//! taken out and interpreted here.

use crate::base::error::Mistake;
use crate::collect::database::postgres::ssl::{PLACE, Ssl};
use crate::collect::database::postgres::tls;
use crate::text::suggestion::way_out;
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, Error};

/// Options that tokio-postgres reads, and those read here.
const OPTIONS: [&str; 24] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "ssl",
    "schema",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// Options of libpq and of other drivers that change nothing here: addresses
/// are often those of services in other languages.
const IGNORED: [&str; 21] = [
    "client_encoding",
    "connection_limit",
    "fallback_application_name",
    "gssencmode",
    "idle_timeout",
    "keepalives_count",
    "max",
    "max_idle_connection_lifetime",
    "passfile",
    "pgbouncer",
    "pool_max_conns",
    "pool_timeout",
    "prepare",
    "sslaccept",
    "sslcompression",
    "sslcrl",
    "sslsni",
    "ssl_min_protocol_version",
    "socket_timeout",
    "statement_cache_size",
    "uselibpqcompat",
];

/// A PostgreSQL address, understood. It holds the password and is never shown.
#[derive(Clone)]
pub struct Address {
    config: Config,
    /// What is asked of TLS.
    pub ssl: Ssl,
    /// `schema=` (Prisma's): the schema to look into, instead of the role's search path.
    pub schema: Option<String>,
}

/// One place to try: host names may stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name for TLS, or path of a socket.
    pub host: Host,
    /// `hostaddr`, where given.
    pub ip: Option<IpAddr>,
    /// Port.
    pub port: u16,
}

/// Whether the address can be used: its form, `sslmode`, and that the files it
/// names can be read. Contacts nothing; the message holds no secret.
pub fn check(text: &str) -> Result<(), Mistake> {
    tls::connector(&Address::read(text)?.ssl).map(|_| ())
}

impl Address {
    /// Understands an address. The message of a mistake holds no secret.
    pub fn read(text: &str) -> Result<Address, Mistake> {
        let text = text.trim();
        let (rest, taken) = if is_url(text) { take_from_url(text) } else { take_from_pairs(text) };
        let config: Config = rest.parse().map_err(|error| not_understood(&error))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let help = "expected for example postgres://user:password@host:5432/database";
            return Err(Mistake::new(PLACE, "names no host").help(help));
        }
        let value = |name: &str| {
            let found = taken.iter().rev().find(|(taken, _)| taken == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        Ok(Address { config, ssl: Ssl::read(&value)?, schema: value("schema") })
    }

    /// The hosts, in the order in which they are tried.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let (hosts, ips) = (self.config.get_hosts(), self.config.get_hostaddrs());
        let ports = self.config.get_ports();
        (0..hosts.len().max(ips.len()))
            .filter_map(|i| {
                let ip = ips.get(i).copied();
                let named = hosts.get(i).cloned();
                Some(Endpoint {
                    host: named.or_else(|| ip.map(|ip| Host::Tcp(ip.to_string())))?,
                    ip,
                    port: ports.get(i).or(ports.first()).copied().unwrap_or(5432),
                })
            })
            .collect()
    }

    /// All of them, for messages: `a:5432, b:5432`.
    pub fn places(&self) -> String {
        let shown: Vec<String> = self.endpoints().iter().map(Endpoint::shown).collect();
        shown.join(", ")
    }

    /// The same for one endpoint, encrypted or not.
    pub fn config_for(&self, endpoint: &Endpoint, mode: SslMode) -> Config {
        let from = &self.config;
        let mut config = Config::new();
        if let Some(user) = from.get_user() {
            config.user(user);
        }
        if let Some(password) = from.get_password() {
            config.password(password);
        }
        if let Some(dbname) = from.get_dbname() {
            config.dbname(dbname);
        }
        if let Some(options) = from.get_options() {
            config.options(options);
        }
        if let Some(timeout) = from.get_connect_timeout() {
            config.connect_timeout(*timeout);
        }
        match &endpoint.host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(path) => config.host_path(path),
        };
        if let Some(ip) = endpoint.ip {
            config.hostaddr(ip);
        }
        config
            .port(endpoint.port)
            .application_name(env!("CARGO_PKG_NAME"))
            .ssl_mode(mode)
            .ssl_negotiation(from.get_ssl_negotiation())
            .target_session_attrs(from.get_target_session_attrs())
            .channel_binding(from.get_channel_binding());
        config
    }

    /// The address as it may be shown, at `place` (`host:port`):
    /// `postgres://app@localhost:5432/shop`.
    pub fn shown_at(&self, place: &str) -> String {
        let user = self.config.get_user();
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        let dbname = self.config.get_dbname();
        let dbname = dbname.map_or_else(String::new, |name| format!("/{name}"));
        format!("postgres://{user}{place}{dbname}")
    }
}

impl Endpoint {
    /// `host:port`.
    pub fn shown(&self) -> String {
        match &self.host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", self.port),
            Host::Tcp(name) => format!("{name}:{}", self.port),
            Host::Unix(path) => format!("{}:{}", path.display(), self.port),
        }
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// Whether tokio-postgres must not see the option.
fn is_ours(name: &str) -> bool {
    let read_here = ["sslmode", "sslrootcert", "sslcert", "sslkey", "ssl", "schema"];
    read_here.contains(&name) || IGNORED.contains(&name)
}

type Taken = Vec<(String, String)>;

/// Takes the options that are ours out of a URL's query.
fn take_from_url(text: &str) -> (String, Taken) {
    // As tokio-postgres reads it: credentials end at the first @.
    let credentials = text.find('@').unwrap_or(0);
    let Some(question) = text[credentials..].find('?') else {
        return (text.to_string(), Taken::new());
    };
    let (place, query) = text.split_at(credentials + question);
    let mut kept = Vec::new();
    let mut taken = Taken::new();
    for pair in query[1..].split('&').filter(|pair| !pair.is_empty()) {
        // In an address of PostgreSQL a plus is a plus, not a space.
        let plain = pair.replace('+', "%2B");
        match url::form_urlencoded::parse(plain.as_bytes()).next() {
            Some((name, value)) if is_ours(&name) => {
                taken.push((name.into_owned(), value.into_owned()));
            }
            _ => kept.push(pair),
        }
    }
    let question = if kept.is_empty() { "" } else { "?" };
    (format!("{place}{question}{}", kept.join("&")), taken)
}

/// `key = value`, the value perhaps in single quotes, backslash escapes.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))").expect("a constant pattern")
});

/// Takes the options that are ours out of libpq's `key=value` form.
fn take_from_pairs(text: &str) -> (String, Taken) {
    let mut taken = Taken::new();
    let rest = PAIR.replace_all(text, |found: &regex::Captures<'_>| {
        if !is_ours(&found[1]) {
            return found[0].to_string();
        }
        let value = found.get(2).or(found.get(3)).map_or("", |m| m.as_str());
        taken.push((found[1].to_string(), without_escapes(value)));
        String::new()
    });
    (rest.into_owned(), taken)
}

fn without_escapes(value: &str) -> String {
    let mut plain = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

fn not_understood(error: &Error) -> Mistake {
    // The driver's reasons name options and positions, never values.
    let reason = std::error::Error::source(error).map(ToString::to_string);
    let reason = reason.unwrap_or_else(|| error.to_string());
    let help = match reason.split('`').nth(1) {
        Some(option) if reason.starts_with("unknown option") => way_out(option, OPTIONS),
        _ => "expected postgres://user:password@host:5432/database, or host=… user=…".into(),
    };
    Mistake::new(PLACE, reason).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::database::postgres::ssl::{Mode, Roots};

    fn read(text: &str) -> Address {
        Address::read(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
    }

    fn mistake(text: &str) -> String {
        let mistake = Address::read(text).err().expect(text).to_string();
        assert!(!mistake.contains("hunter2"), "{mistake}");
        mistake
    }

    #[test]
    fn urls_and_pairs_say_the_same() {
        let url = "postgresql://app:hunter2@db:6432/shop?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca+1.pem&connect_timeout=3&pgbouncer=true";
        let pairs = "host=db port = 6432 user=app password='hunter2' dbname=shop sslmode=verify-ca sslrootcert='/etc/ca+1.pem' connect_timeout=3";
        for text in [url, pairs] {
            let address = read(text);
            assert_eq!(address.shown_at("db:6432"), "postgres://app@db:6432/shop");
            assert_eq!(address.ssl.mode, Mode::VerifyCa);
            assert_eq!(address.ssl.roots, Some(Roots::File("/etc/ca+1.pem".into())), "{text}");
            let [endpoint] = &address.endpoints()[..] else {
                panic!("one endpoint");
            };
            assert_eq!(endpoint.shown(), "db:6432");
            let config = address.config_for(endpoint, SslMode::Require);
            assert_eq!(config.get_password(), Some(&b"hunter2"[..]));
            assert_eq!(config.get_connect_timeout().unwrap().as_secs(), 3);
        }
    }

    #[test]
    fn passwords_may_hold_what_separates_the_rest() {
        let address = read("postgres://app:hu?n&sslmode=x@db/shop?sslmode=disable");
        assert_eq!(address.ssl.mode, Mode::Disable);
        let config = address.config_for(&address.endpoints()[0], SslMode::Disable);
        assert_eq!(config.get_password(), Some(&b"hu?n&sslmode=x"[..]));
        let address = read(r"host=db password='it\'s sslmode=x' sslmode=require");
        assert_eq!(address.ssl.mode, Mode::Require);
        let config = address.config_for(&address.endpoints()[0], SslMode::Disable);
        assert_eq!(config.get_password(), Some(&b"it's sslmode=x"[..]));
    }

    #[test]
    fn several_hosts_keep_their_order_and_ports() {
        let address = read("postgres://app@a:1,[::1]:2,c/shop");
        let shown: Vec<_> = address.endpoints().iter().map(Endpoint::shown).collect();
        assert_eq!(shown, ["a:1", "[::1]:2", "c:5432"]);
        let address = read("host=db hostaddr=10.0.0.1 user=app");
        let endpoint = &address.endpoints()[0];
        assert_eq!(
            (endpoint.shown().as_str(), endpoint.ip.unwrap().to_string()),
            ("db:5432", "10.0.0.1".to_string())
        );
        let address = read("host=/var/run/postgresql user=app");
        assert_eq!(address.endpoints()[0].shown(), "/var/run/postgresql:5432");
    }

    #[test]
    fn modes_without_being_named() {
        assert_eq!(read("postgres://db").ssl.mode, Mode::Prefer);
        assert_eq!(read("postgres://db?ssl=true").ssl.mode, Mode::Require);
        let system = read("postgres://db?sslrootcert=system").ssl;
        assert_eq!((system.mode, system.roots), (Mode::VerifyFull, Some(Roots::System)));
    }

    #[test]
    fn mistakes_name_the_option_and_the_way_out() {
        let cases = [
            (
                "postgres://a:hunter2@db?sslmode=verify_full",
                "unknown sslmode `verify_full`\n  did you mean `verify-full`?",
            ),
            ("postgres://a:hunter2@db?sslmod=require", "unknown option `sslmod`\n  did you mean `sslmode`?"),
            ("postgres://a:hunter2@db:port/shop", "option `port`"),
            ("postgres:///shop", "names no host"),
            ("hunter2", "expected postgres://"),
            ("postgres://db?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
            ("postgres://db?sslcert=/x", "need each other"),
        ];
        for (text, expected) in cases {
            let mistake = mistake(text);
            assert!(mistake.contains(expected), "{text}: {mistake}");
        }
    }

    #[test]
    fn a_root_certificate_that_cannot_be_read_is_a_mistake() {
        let mistake = check("postgres://db?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem");
        let mistake = mistake.unwrap_err().to_string();
        assert!(mistake.contains("/nowhere/ca.pem"), "{mistake}");
        assert_eq!(check("postgres://app:x@db/shop"), Ok(()));
    }
}
