//! Texts that try to be more than data. Each contains [`MARK`] where it would be run, or be taken
//! for the program's own words.

/// The text by which a payload is recognised wherever it ends up.
pub const MARK: &str = "PWNED";

/// A name that needs no quotes and means nothing to anyone.
pub const HARMLESS: &str = "harmless-name";

/// The payloads, for shells, SQL, YAML, TOML, the console producer, Markdown and terminals.
pub const PAYLOADS: [&str; 30] = [
    "$(touch${IFS}PWNED)",
    "`touch PWNED`",
    ";touch PWNED",
    "|touch PWNED",
    "&&touch PWNED&",
    "'\"; touch PWNED #",
    "\"; touch PWNED; \"",
    "'; touch PWNED; '",
    "\ntouch PWNED\n",
    "\rtouch PWNED",
    "a\\\ntouch PWNED",
    "PWNED\\",
    "-exec=PWNED",
    "--PWNED",
    "${x:-$(touch PWNED)}",
    "<(touch PWNED)",
    ">PWNED",
    "~PWNED*?[a]{b,PWNED}",
    "a PWNED b",
    "PWNED\tPWNED\tPWNED",
    "x:1,PWNED:y",
    "%0atouch%20PWNED",
    "'; drop table PWNED; --",
    "\\'; drop table PWNED; --",
    "$$; drop table PWNED; $$",
    "x: {privileged: PWNED}",
    "PWNED # \n    privileged: true",
    "x\nHEALTHY: PWNED",
    "PWNED\u{1b}[2J\u{9b}31m\u{202e}\u{200b}",
    "<img src=x onerror=PWNED> [PWNED](//PWNED) @PWNED https://PWNED.example *PWNED*",
];

/// Returns the texts that place a payload where `old` stands: instead of it, after it, and in each
/// part of an address.
pub fn variants(old: &str, payload: &str) -> Vec<String> {
    let mut variants = vec![payload.to_string(), format!("{old}{payload}")];
    match old.split_once("://") {
        Some((scheme, rest)) => {
            let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (user, host) = server.split_once('@').unwrap_or(("", server));
            let port = host.rsplit_once(':').map_or("", |(_, port)| port);
            if !user.is_empty() {
                variants.push(format!("{scheme}://{payload}@{host}/{path}"));
                variants.push(format!("{scheme}://{user}@{payload}:{port}/{path}"));
            }
            variants.push(format!("{scheme}://{payload}:{port}/{path}"));
        }
        None => {
            if let Some((_, port)) = old.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) {
                variants.push(format!("{payload}:{port}"));
            }
        }
    }
    variants
}
