//! Hosts and addresses in text.

/// The variables that usually hold the database's address, the first one first.
pub const DATABASE_VARIABLES: [&str; 2] = ["POSTGRES_URL", "DATABASE_URL"];

/// The hosts of an address: of a list of brokers (`host:port`, or each with its
/// protocol), of a database's or service's URL. A value that is no address has none.
pub fn hosts_of(address: &str) -> Vec<String> {
    let host = |place: &str| {
        let (is_url, place) = match place.trim().split_once("://") {
            Some((_, rest)) => (true, rest),
            None => (false, place.trim()),
        };
        let place = place.split(['/', '?']).next().unwrap_or_default();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        let (name, port) = match place.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, true),
            _ => (place, false),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ((is_url || port) && !name.is_empty()).then(|| name.to_string())
    };
    // The hosts of one URL share its scheme.
    match address.matches("://").count() {
        1 => {
            let (scheme, rest) = address.split_once("://").unwrap_or_default();
            let rest = rest.split(['/', '?']).next().unwrap_or_default();
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            rest.split(',').filter_map(|place| host(&format!("{scheme}://{place}"))).collect()
        }
        _ => address.split(',').filter_map(host).collect(),
    }
}

/// Whether a host means the machine, or the container, that uses it.
pub fn is_own(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "::1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_in_every_form_of_address() {
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
