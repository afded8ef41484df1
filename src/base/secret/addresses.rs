//! The secrets in the addresses of systems.

use super::scan::{self, is_secret_value};
use url::Url;

/// Returns the secrets in an address: its password, the token that is its user, and secret parameters.
pub fn secrets_of_address(address: &str) -> Vec<String> {
    let mut secrets = secrets_in(address);
    if let Ok(url) = Url::parse(address) {
        secrets.extend(url.password().map(String::from));
        let parameters = url.query_pairs();
        secrets.extend(
            parameters
                .filter(|(name, value)| is_secret_value(name, value))
                .map(|(_, value)| value.into_owned()),
        );
    }
    with_decoded(secrets)
}

/// Returns the names in an address, which are no secrets: its user, host and database.
pub fn names_of_address(address: &str) -> Vec<String> {
    let address = address.strip_prefix("jdbc:").unwrap_or(address);
    let Ok(url) = Url::parse(address) else { return Vec::new() };
    // A user without a password may be a token.
    let user = url.password().map(|_| percent_decoded(url.username()));
    let path = url.path_segments().into_iter().flatten().map(String::from);
    user.into_iter().chain(url.host_str().map(String::from)).chain(path).collect()
}

/// Returns the secrets that are found in a text, as they are and without percent encoding.
pub(super) fn secrets_in(text: &str) -> Vec<String> {
    let found = scan::secrets(text).into_iter().map(|found| text[found.range].to_string());
    with_decoded(found.collect())
}

fn with_decoded(mut secrets: Vec<String>) -> Vec<String> {
    let decoded: Vec<String> = secrets.iter().map(|secret| percent_decoded(secret)).collect();
    secrets.extend(decoded);
    secrets.sort();
    secrets.dedup();
    secrets
}

/// Decodes percent encoding.
fn percent_decoded(text: &str) -> String {
    let encoded = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(encoded.as_bytes()).next();
    decoded.map_or_else(|| text.to_string(), |(name, _)| name.into_owned())
}
