//! Connection strings of pairs: libpq's `host=db password='a b'` and ADO.NET's `Host=db;SSL Mode=Require`.

use std::collections::BTreeMap;

/// The pairs of a connection string, by key in lower case without spaces.
pub(crate) struct Pairs(BTreeMap<String, String>);

impl Pairs {
    /// Reads a connection string.
    pub(crate) fn read(text: &str) -> Pairs {
        let pairs = if text.contains(';') { ado_pairs(text) } else { libpq_pairs(text) };
        let key = |key: String| key.to_lowercase().replace([' ', '_'], "");
        Pairs(pairs.into_iter().map(|(name, value)| (key(name), value)).collect())
    }

    /// Returns the value of the first of these keys that is present.
    pub(crate) fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.0.get(*key)).map(String::as_str)
    }

    /// Returns the TLS mode with libpq's name. An unknown mode is returned as it is, so that the address is
    /// refused instead of used without TLS.
    pub(crate) fn ssl_mode(&self) -> Option<String> {
        self.get(&["sslmode", "ssl"]).map(libpq_mode)
    }
}

/// Returns libpq's name for a TLS mode: `VerifyFull` → `verify-full`.
pub(crate) fn libpq_mode(mode: &str) -> String {
    let plain: String = mode.trim().to_lowercase().replace(['-', '_', ' '], "");
    let known = match plain.as_str() {
        "disable" | "disabled" | "false" | "0" | "off" | "no" => "disable",
        "allow" => "allow",
        "prefer" | "preferred" => "prefer",
        "require" | "required" | "true" | "1" | "on" | "yes" => "require",
        "noverify" => "no-verify",
        "verifyca" => "verify-ca",
        "verifyfull" | "verifyidentity" => "verify-full",
        _ => return mode.trim().to_string(),
    };
    known.to_string()
}

/// Reads `key=value;…`. A value in quotes may hold semicolons, and doubled quotes.
fn ado_pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.chars().next().filter(|c| ['"', '\''].contains(c)) {
            Some(quote) => until_quote(&after[1..], quote),
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_string(), next)
            }
        };
        pairs.push((key.trim_start_matches(';').trim().to_string(), value));
        rest = next.trim_start_matches([';', ' ']);
    }
    pairs
}

/// Returns the text up to a quote that is not doubled, and what follows.
fn until_quote(text: &str, quote: char) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return (value, &text[at + 1..]);
        }
        value.push(character);
    }
    (value, "")
}

/// Reads `key = value …`. A value in single quotes may hold spaces; a backslash escapes.
fn libpq_pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quoted = after.starts_with('\'');
        let mut value = String::new();
        let mut end = after.len();
        let mut escaped = false;
        for (at, character) in after.char_indices().skip(usize::from(quoted)) {
            match character {
                _ if escaped => escaped = false,
                '\\' => {
                    escaped = true;
                    continue;
                }
                '\'' if quoted => {
                    end = at + 1;
                    break;
                }
                c if c.is_whitespace() && !quoted => {
                    end = at;
                    break;
                }
                _ => {}
            }
            value.push(character);
        }
        pairs.push((key.trim().to_string(), value));
        rest = &after[end..];
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quoted_values_of_both_forms() {
        for (text, password, mode) in [
            (r"host=db password='a b\' c' sslmode=verify-full", "a b' c", Some("verify-full")),
            (r"host = db password = a\ b", "a b", None),
            (r#"Host=db;Password="a;b""c";SSL Mode=VerifyFull"#, "a;b\"c", Some("verify-full")),
            ("Host=db;Password='a;b' ;Ssl_Mode=Require;", "a;b", Some("require")),
            ("Host=db;Password=a=b c;SslMode=VerifyCA", "a=b c", Some("verify-ca")),
            ("Host=db;Password=x;SSL Mode=Verfy", "x", Some("Verfy")),
        ] {
            let pairs = Pairs::read(text);
            assert_eq!(pairs.get(&["host"]), Some("db"), "{text}");
            assert_eq!(pairs.get(&["password"]), Some(password), "{text}");
            assert_eq!(pairs.ssl_mode().as_deref(), mode, "{text}");
        }
    }
}
