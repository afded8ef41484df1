//! Hosts in addresses and connection strings.

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
}
