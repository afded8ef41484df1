//! Parses PostgreSQL addresses, which are either URLs or in libpq's `key=value` form.
//! tokio-postgres supports fewer TLS options than libpq, so this module removes these options from
//! the address and interprets them itself.

use crate::base::error::Mistake;
use crate::collect::database::postgres::ssl_options::{PLACE, Ssl};
use crate::collect::database::postgres::tls;
use crate::text::suggestion::suggestion;
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, Error};

/// Options read by tokio-postgres or by this module.
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

/// Ignored options that are meant for libpq or other drivers, because addresses often come from
/// services written in other languages.
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

/// A parsed PostgreSQL address. It contains the password and is never printed.
#[derive(Clone)]
pub struct Address {
    config: Config,
    /// TLS options.
    pub ssl: Ssl,
    /// `schema=`, a Prisma option that replaces the role's search path.
    pub schema: Option<String>,
}

/// One of the hosts in an address. Its name may resolve to several IP addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name (verified by TLS) or socket path.
    pub host: Host,
    /// `hostaddr`, if given.
    pub ip: Option<IpAddr>,
    /// TCP port.
    pub port: u16,
}

/// Checks the address's syntax and `sslmode`, and that its certificate files are readable.
/// Does not contact the server. Errors contain no secrets.
pub fn check(text: &str) -> Result<(), Mistake> {
    tls::connector(&Address::parse(text)?.ssl).map(|_| ())
}

impl Address {
    /// Parses an address. Errors contain no secrets.
    pub fn parse(text: &str) -> Result<Address, Mistake> {
        let text = text.trim();
        let (rest, options) =
            if is_url(text) { split_url_options(text) } else { split_key_value_options(text) };
        let config: Config = rest.parse().map_err(|error| parse_error(&error))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let help = "expected an address like postgres://user:password@host:5432/database";
            return Err(Mistake::new(PLACE, "does not name a host").help(help));
        }
        let value = |name: &str| {
            let found = options.iter().rev().find(|(option, _)| option == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        Ok(Address { config, ssl: Ssl::parse(&value)?, schema: value("schema") })
    }

    /// Returns the hosts in the order in which they are tried.
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

    /// Lists the hosts for messages, as in `a:5432, b:5432`.
    pub fn host_list(&self) -> String {
        let shown: Vec<String> = self.endpoints().iter().map(Endpoint::host_port).collect();
        shown.join(", ")
    }

    /// Builds the driver configuration for one endpoint and TLS mode.
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

    /// Formats the address without its password, with `place` (`host:port`) as the host, as
    /// in `postgres://app@localhost:5432/shop`.
    pub fn shown_at(&self, place: &str) -> String {
        let user = self.config.get_user();
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        let dbname = self.config.get_dbname();
        let dbname = dbname.map_or_else(String::new, |name| format!("/{name}"));
        format!("postgres://{user}{place}{dbname}")
    }
}

impl Endpoint {
    /// Formats the endpoint as `host:port`.
    pub fn host_port(&self) -> String {
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

/// Reports whether the option must not be passed to tokio-postgres.
fn is_handled_here(name: &str) -> bool {
    let handled = ["sslmode", "sslrootcert", "sslcert", "sslkey", "ssl", "schema"];
    handled.contains(&name) || IGNORED.contains(&name)
}

type Options = Vec<(String, String)>;

/// Removes the options handled here from a URL's query and returns them.
fn split_url_options(text: &str) -> (String, Options) {
    // As in tokio-postgres, the credentials end at the first @.
    let credentials = text.find('@').unwrap_or(0);
    let Some(question) = text[credentials..].find('?') else {
        return (text.to_string(), Options::new());
    };
    let (place, query) = text.split_at(credentials + question);
    let mut kept = Vec::new();
    let mut options = Options::new();
    for pair in query[1..].split('&').filter(|pair| !pair.is_empty()) {
        // In a PostgreSQL URL, a plus sign does not mean a space.
        let plain = pair.replace('+', "%2B");
        match url::form_urlencoded::parse(plain.as_bytes()).next() {
            Some((name, value)) if is_handled_here(&name) => {
                options.push((name.into_owned(), value.into_owned()));
            }
            _ => kept.push(pair),
        }
    }
    let question = if kept.is_empty() { "" } else { "?" };
    (format!("{place}{question}{}", kept.join("&")), options)
}

/// Matches `key = value`. The value may be single-quoted and contain backslash escapes.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))").expect("a constant pattern")
});

/// Removes the options handled here from libpq's `key=value` form and returns them.
fn split_key_value_options(text: &str) -> (String, Options) {
    let mut options = Options::new();
    let rest = PAIR.replace_all(text, |found: &regex::Captures<'_>| {
        if !is_handled_here(&found[1]) {
            return found[0].to_string();
        }
        let value = found.get(2).or(found.get(3)).map_or("", |m| m.as_str());
        options.push((found[1].to_string(), unescape(value)));
        String::new()
    });
    (rest.into_owned(), options)
}

fn unescape(value: &str) -> String {
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

fn parse_error(error: &Error) -> Mistake {
    // The driver's messages name options and positions but never values.
    let reason = std::error::Error::source(error).map(ToString::to_string);
    let reason = reason.unwrap_or_else(|| error.to_string());
    let help = match reason.split('`').nth(1) {
        Some(option) if reason.starts_with("unknown option") => suggestion(option, OPTIONS),
        _ => "expected postgres://user:password@host:5432/database, or host=… user=…".into(),
    };
    Mistake::new(PLACE, reason).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::database::postgres::ssl_options::{Mode, Roots};

    fn read(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
    }

    fn mistake(text: &str) -> String {
        let mistake = Address::parse(text).err().expect(text).to_string();
        assert!(!mistake.contains("hunter2"), "{mistake}");
        mistake
    }

    #[test]
    fn parses_url_and_key_value_form_alike() {
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
            assert_eq!(endpoint.host_port(), "db:6432");
            let config = address.config_for(endpoint, SslMode::Require);
            assert_eq!(config.get_password(), Some(&b"hunter2"[..]));
            assert_eq!(config.get_connect_timeout().unwrap().as_secs(), 3);
        }
    }

    #[test]
    fn password_may_contain_separators() {
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
    fn keeps_order_and_ports_of_several_hosts() {
        let address = read("postgres://app@a:1,[::1]:2,c/shop");
        let shown: Vec<_> = address.endpoints().iter().map(Endpoint::host_port).collect();
        assert_eq!(shown, ["a:1", "[::1]:2", "c:5432"]);
        let address = read("host=db hostaddr=10.0.0.1 user=app");
        let endpoint = &address.endpoints()[0];
        assert_eq!(
            (endpoint.host_port().as_str(), endpoint.ip.unwrap().to_string()),
            ("db:5432", "10.0.0.1".to_string())
        );
        let address = read("host=/var/run/postgresql user=app");
        assert_eq!(address.endpoints()[0].host_port(), "/var/run/postgresql:5432");
    }

    #[test]
    fn default_ssl_modes() {
        assert_eq!(read("postgres://db").ssl.mode, Mode::Prefer);
        assert_eq!(read("postgres://db?ssl=true").ssl.mode, Mode::Require);
        let system = read("postgres://db?sslrootcert=system").ssl;
        assert_eq!((system.mode, system.roots), (Mode::VerifyFull, Some(Roots::System)));
    }

    #[test]
    fn errors_name_the_option_and_a_suggestion() {
        let cases = [
            (
                "postgres://a:hunter2@db?sslmode=verify_full",
                "unknown sslmode `verify_full`\n  did you mean `verify-full`?",
            ),
            ("postgres://a:hunter2@db?sslmod=require", "unknown option `sslmod`\n  did you mean `sslmode`?"),
            ("postgres://a:hunter2@db:port/shop", "option `port`"),
            ("postgres:///shop", "does not name a host"),
            ("hunter2", "expected postgres://"),
            ("postgres://db?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
            ("postgres://db?sslcert=/x", "must be given together"),
        ];
        for (text, expected) in cases {
            let mistake = mistake(text);
            assert!(mistake.contains(expected), "{text}: {mistake}");
        }
    }

    #[test]
    fn rejects_unreadable_root_certificate() {
        let mistake = check("postgres://db?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem");
        let mistake = mistake.unwrap_err().to_string();
        assert!(mistake.contains("/nowhere/ca.pem"), "{mistake}");
        assert_eq!(check("postgres://app:x@db/shop"), Ok(()));
    }
}
