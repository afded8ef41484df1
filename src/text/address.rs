//! Hosts in addresses and connection strings.

use crate::text::printable::is_invisible;
use url::{Host, Url};

/// Environment variables that usually hold the database address, in order of precedence.
pub const DATABASE_VARIABLES: [&str; 2] = ["POSTGRES_URL", "DATABASE_URL"];

/// Returns the hosts in an address, which is a list of brokers (`host:port`, with or without a
/// protocol) or the URL of a database or service. Any other value has no hosts.
pub fn hosts_of(address: &str) -> Vec<String> {
    let host = |server: &str| {
        let (is_url, server) = match server.trim().split_once("://") {
            Some((_, rest)) => (true, rest),
            None => (false, server.trim()),
        };
        let server = server.split(['/', '?']).next().unwrap_or_default();
        let server = server.rsplit_once('@').map_or(server, |(_, server)| server);
        let (name, has_port) = match server.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, true),
            _ => (server, false),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ((is_url || has_port) && !name.is_empty()).then(|| name.to_string())
    };
    // All hosts of a URL share its scheme.
    match address.matches("://").count() {
        1 => {
            let (scheme, rest) = address.split_once("://").unwrap_or_default();
            let rest = rest.split(['/', '?']).next().unwrap_or_default();
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            rest.split(',').filter_map(|server| host(&format!("{scheme}://{server}"))).collect()
        }
        _ => address.split(',').filter_map(host).collect(),
    }
}

/// Reports whether a string is a list of brokers: `host:port` pairs, separated by commas.
pub fn is_broker_list(list: &str) -> bool {
    list.split(',').all(|broker| is_host_and_port(broker.trim_matches(' ')))
}

/// Reports whether a string is `host:port`, where the host is a name, an IPv4 address or an IPv6
/// address in brackets.
pub fn is_host_and_port(address: &str) -> bool {
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    address.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && is_port(port))
}

/// Reports whether a string is a host name, an IPv4 address or an IPv6 address in brackets.
pub fn is_host(host: &str) -> bool {
    if host.starts_with('[') {
        return matches!(Host::parse(host), Ok(Host::Ipv6(_)));
    }
    // Containers may have underscores in their names.
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=253).contains(&host.len()) && host.bytes().all(is_allowed) && !host.starts_with(['-', '.'])
}

/// Reports whether a string is the address of a web server: `http` or `https`, and a host.
pub fn is_http_address(address: &str) -> bool {
    let is_printed = address.chars().all(|c| !c.is_whitespace() && !is_invisible(c));
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    is_printed && url.is_some_and(|url| url.host_str().is_some_and(is_host))
}

/// Reports whether an address ends in a query or a fragment, so that no path can be added to it.
pub fn has_query_or_fragment(address: &str) -> bool {
    address.contains(['?', '#'])
}

/// Reports whether a host is the loopback host of the machine or container that uses it.
pub fn is_loopback_host(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "::1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_hosts_in_every_address_format() {
        let cases = [
            ("kafka:9092,other:9093", vec!["kafka", "other"]),
            ("SASL_SSL://a:9093,SASL_SSL://b:9093", vec!["a", "b"]),
            ("postgres://u:p@db:5432,standby:5433/shop?x=1", vec!["db", "standby"]),
            ("http://api/base", vec!["api"]),
            ("http://[::1]:80", vec!["::1"]),
            ("info", vec![]),
            ("***", vec![]),
        ];
        for (address, hosts) in cases {
            assert_eq!(hosts_of(address), hosts, "{address}");
        }
    }

    #[test]
    fn an_address_contains_nothing_but_hosts_and_ports() {
        for list in ["kafka:9092", "a_b-c.internal:1,10.0.0.1:65535", "[::1]:9092, b:2"] {
            assert!(is_broker_list(list), "{list}");
        }
        for list in [
            "",
            "kafka",
            "kafka:0",
            "kafka:65536",
            "kafka:+1",
            ":9092",
            "a:1,,b:2",
            "-x:1",
            "[::1:9092",
            "[x]:1",
            "$(touch${IFS}x):9092",
            "`touch x`:9092",
            "a;b:1",
            "a b:1",
            "a\n:1",
            "a\u{202e}:1",
            "u:p@a:1",
            "a/b:1",
        ] {
            assert!(!is_broker_list(list), "{list:?}");
        }
        for address in ["http://api", "https://api.internal:8443/base", "http://[::1]:80"] {
            assert!(is_http_address(address), "{address}");
        }
        for address in [
            "api:80",
            "ftp://api",
            "http://",
            "http://$(touch)/",
            "http://a;b/",
            "http://a\tb/",
            "http://a/ b",
            "-oProxy",
        ] {
            assert!(!is_http_address(address), "{address:?}");
        }
    }
}
