//! Passwords in addresses, secret parameters and the paths of webhooks.

use super::found::Found;
use super::keys::{Kind, classify, is_secret_parameter};
use super::statements::is_statement;
use super::values::{is_masked, is_secret, is_words, looks_random};
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// How far a password is looked for, in bytes.
const MAX_USERINFO: usize = 300;

/// Schemes of addresses whose path rarely holds an @.
const WEB: [&str; 6] = ["http", "https", "ws", "wss", "git+https", "kafka"];

/// Hosts and paths of webhooks; what follows is secret.
const WEBHOOKS: [&str; 22] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "api.telegram.org/bot",
    "api.telegram.org/file/bot",
    "office.com/webhook/",
    "webhook.office.com/webhookb2/",
    "hooks.zapier.com/hooks/catch/",
    "events.pagerduty.com/integration/",
    "/with/key/",
    "hook.eu1.make.com/",
    "hook.us1.make.com/",
    "hook.integromat.com/",
    "webhook.site/",
    "api.opsgenie.com/v1/json/",
    "/incoming-webhook/",
    "open.feishu.cn/open-apis/bot/v2/hook/",
    "hc-ping.com/",
    "ingest.signalfx.com/",
    "in.logs.betterstack.com/",
];

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(scheme_end) = text[at..].find("://").map(|found| at + found) {
        let start = scheme_end + 3;
        at = start.max(authority(text, scheme_end, start, found));
    }
    parameters(text, found);
    webhooks(text, found);
    without_scheme(text, found);
}

/// Masks the credentials of the address whose authority begins at `start`, and returns where they end.
fn authority(text: &str, scheme_end: usize, start: usize, found: &mut Vec<Found>) -> usize {
    let scheme_start = text[..scheme_end].bytes().rev().take(24);
    let length = scheme_start.take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
    let scheme = text[scheme_end - length..scheme_end].to_ascii_lowercase();
    let Some(end) = userinfo_end(&scheme, text, start) else { return start };
    let userinfo = &text[start..end];
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let is_marker = ["x-oauth-basic", "x", "api_token", "api_key"].contains(&password);
    if password.is_empty() || is_marker {
        let is_web = WEB.contains(&scheme.as_str()) || scheme.starts_with("git");
        let is_token = looks_random(user, if is_web { 8 } else { 12 })
            || user.len() >= 20 && user.bytes().all(|byte| byte.is_ascii_hexdigit());
        if (is_token || userinfo.contains(':') && is_web && !user.is_empty()) && !is_statement(user) {
            found.push(Found::new(start..start + user.len()));
        }
    } else if !is_masked(password) && !is_placeholder(password) {
        found.push(Found::new(start + user.len() + 1..end));
    }
    end
}

/// Reports whether a password only stands for one, as in documentation.
fn is_placeholder(password: &str) -> bool {
    password == "password"
        || password.starts_with("${") && password.ends_with('}')
        || password.starts_with('$') && password[1..].bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        || password.starts_with("{{") && password.ends_with("}}")
}

/// Returns where the user and password of an address end: before an `@`, or where the text ends that
/// looks like a password.
fn userinfo_end(scheme: &str, text: &str, start: usize) -> Option<usize> {
    let limit = text.floor_char_boundary(start + MAX_USERINFO);
    let line = text[start..limit].find('\n').map_or(limit, |end| start + end);
    let rest = &text[start..line];
    let run = rest.find(|c: char| c.is_whitespace() || "\"'<>`\\".contains(c)).unwrap_or(rest.len());
    let authority = rest[..run].find(['/', '?', '#']).unwrap_or(run);
    let is_web = WEB.contains(&scheme);
    if let Some(at) = rest[..authority].rfind('@') {
        let has_password = rest[..at].contains(':');
        let longer = last_at(&rest[..run]).filter(|_| has_password && !is_web);
        return Some(start + longer.map_or(at, |longer| longer.max(at)));
    }
    if is_host_list(&rest[..authority]) {
        // A number before the path may be the beginning of a password.
        let is_password = !is_web && rest[..authority].contains(':') && authority < run;
        return last_at(&rest[..run]).filter(|_| is_password && !scheme.is_empty()).map(|at| start + at);
    }
    let colon = rest[..authority].find(':')?;
    let after = &rest[colon + 1..];
    if let Some(at) = last_at(after.split("://").next().unwrap_or_default()) {
        return Some(start + colon + 1 + at);
    }
    // The address was cut off, or the password holds what ends an address.
    let tail = &rest[colon + 1..run];
    let is_port = ["port", "{port}", "$port"].contains(&tail.to_ascii_lowercase().as_str());
    (!tail.is_empty() && !is_port && !is_statement(tail) && !is_masked(tail)).then_some(start + run)
}

/// Reports whether a text is a list of hosts with ports, or without.
fn is_host_list(text: &str) -> bool {
    text.split(',').all(|host| match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((_, port)) => port.strip_prefix(':').unwrap_or(port).bytes().all(|b| b.is_ascii_digit()),
        None => match host.split_once(':') {
            Some((_, port)) => {
                let port = port.trim_end_matches([':', '.', ')', ';', ']', '}', '*', ',']);
                port.bytes().all(|b| b.is_ascii_digit()) || port.starts_with(['$', '{', '<', '%'])
            }
            None => true,
        },
    })
}

/// Returns the last `@` that is followed by a host.
fn last_at(text: &str) -> Option<usize> {
    let is_host = |host: &str| {
        let end =
            host.find(|c: char| !c.is_ascii_alphanumeric() && !"-._[]".contains(c)).unwrap_or(host.len());
        let after = host[end..].chars().next();
        end > 0 && after.is_none_or(|c| ":/?#,;)\"'`\\ <>]}".contains(c))
    };
    text.match_indices('@').map(|(at, _)| at).rfind(|at| is_host(&text[at + 1..]))
}

/// Masks secret parameters: `?code=x&auth=y`.
fn parameters(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = text[at..].find(['?', '&']).map(|found| at + found + 1) {
        at = start;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%[]".contains(byte);
        let length = bytes[start..].iter().take(80).take_while(|byte| is_name(byte)).count();
        let from = start + length + 1;
        if bytes.get(from - 1) != Some(&b'=') {
            continue;
        }
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&#<>\"`".contains(byte);
        let end = (from..bytes.len()).find(|at| ends(&bytes[*at])).unwrap_or(bytes.len());
        let value = text[from..end].trim_end_matches(['\'', ')', ']', ',', ';', '\\', '.', '}']);
        let name = &text[start..start + length];
        let secret = match classify(name) {
            Some(Kind::Weak) => value.len() >= 4 && !is_statement(value) && !is_count(value),
            Some(kind) => is_secret(kind, value),
            None if name.eq_ignore_ascii_case("key") => looks_random(value, 8),
            None => is_secret_parameter(name) && value.len() >= 6 && !is_words(value) && !is_count(value),
        };
        if secret && !is_masked(value) {
            found.push(Found::new(from..from + value.len()));
        }
        at = end;
    }
}

fn is_count(value: &str) -> bool {
    value.len() < 8 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Directories whose random parts are secret.
const WEBHOOK_PARENTS: [&str; 5] = ["/hooks/", "/webhook/", "/webhooks/", "/token/", "/apikey/"];

/// Finds any of the places after which a webhook's secret stands.
static ANY_WEBHOOK: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::new(WEBHOOKS.into_iter().chain(WEBHOOK_PARENTS)).expect("a few constant words")
});

/// Masks the end of a webhook's path.
fn webhooks(text: &str, found: &mut Vec<Found>) {
    if !ANY_WEBHOOK.is_match(text) {
        return;
    }
    for webhook in WEBHOOKS {
        for (at, _) in text.match_indices(webhook) {
            let start = at + webhook.len();
            let path = path(text, start);
            let path = match webhook.ends_with("bot") {
                true => path.split('/').next().unwrap_or_default(),
                false => path,
            };
            if path.len() >= 4 && !is_masked(path) && looks_like_key(path) {
                found.push(Found::new(start..start + path.len()));
            }
        }
    }
    generic_webhooks(text, found);
}

/// Returns the path that begins at `start`, up to a query, a quote or a space.
fn path(text: &str, start: usize) -> &str {
    let rest = &text[start..text.floor_char_boundary(start + MAX_USERINFO)];
    rest.split(|c: char| c.is_whitespace() || "\"'<>`?#\\)".contains(c)).next().unwrap_or_default()
}

fn looks_like_key(path: &str) -> bool {
    path.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) || path.len() >= 20
}

/// Masks long random parts of paths below `/hooks/` and the like.
fn generic_webhooks(text: &str, found: &mut Vec<Found>) {
    for parent in WEBHOOK_PARENTS {
        for (at, _) in text.match_indices(parent) {
            let start = at + parent.len();
            let mut offset = start;
            for part in path(text, start).split('/') {
                let is_id = part.bytes().filter(|byte| *byte == b'-').count() >= 4;
                if looks_random(part, 16) && !is_id {
                    found.push(Found::new(offset..offset + part.len()));
                }
                offset += part.len() + 1;
            }
        }
    }
}

/// Words before a colon that make `word:name@host` no password.
const NO_USERS: [&str; 22] = [
    "user",
    "mail",
    "email",
    "mailto",
    "from",
    "to",
    "cc",
    "bcc",
    "by",
    "sender",
    "recipient",
    "author",
    "reply-to",
    "sip",
    "sips",
    "acct",
    "xmpp",
    "contact",
    "owner",
    "login",
    "username",
    "for",
];

/// Masks passwords of addresses without a scheme: `user:password@tcp(db:3306)/shop`,
/// `jdbc:oracle:thin:user/password@//db`, `user:password@registry.example/image`.
fn without_scheme(text: &str, found: &mut Vec<Found>) {
    let (mut at, mut floor) = (0, 0);
    while let Some(sign) = text[at..].find('@').map(|found| at + found) {
        // Of several, the last one ends the password.
        if sign == floor || text.as_bytes().get(sign + 1) == Some(&b'@') {
            at = sign + 1;
            continue;
        }
        let first = floor.max(text.ceil_char_boundary(sign.saturating_sub(MAX_USERINFO)));
        let after_last = |ends: &[u8]| {
            let is_end = |byte: &u8| byte.is_ascii_whitespace() || ends.contains(byte);
            text.as_bytes()[first..sign].iter().rposition(is_end).map_or(first, |at| first + at + 1)
        };
        let word = after_last(b"");
        let start = word.max(after_last(b"\"<>`(|"));
        let after = &text[sign + 1..];
        let before = &text[start..sign];
        at = sign + 1;
        let password = driver(before, after).or_else(|| schemeless(before, after));
        let password = password.map(|password| start + password);
        if let Some(from) = password.or_else(|| Some(word + thin(&text[word..sign])?)) {
            // The password may contain an @.
            let rest = &text[sign + 1..text.floor_char_boundary(sign + MAX_USERINFO)];
            let run = rest.find(|c: char| c.is_whitespace() || "\"'<>`".contains(c)).unwrap_or(rest.len());
            let more = rest[..run].rfind('@').filter(|more| is_place(&rest[more + 1..run]));
            let end = more.map_or(sign, |more| sign + 1 + more);
            if !is_masked(&text[from..end]) {
                found.push(Found::new(from..end));
            }
            at = end + 1;
            floor = at;
        }
    }
}

fn is_place(text: &str) -> bool {
    text.starts_with("tcp(")
        || text.starts_with("unix(")
        || text.starts_with("//")
        || text
            .split(['/', '?', ')'])
            .next()
            .is_some_and(|host| !host.is_empty() && is_host_list(host) && host.contains(':'))
}

/// Returns where the password begins in `jdbc:oracle:thin:user/password`.
fn thin(before: &str) -> Option<usize> {
    let kinds = ["jdbc:oracle:thin:", "jdbc:oracle:oci:", "jdbc:oracle:oci8:"];
    let start = kinds.iter().find_map(|kind| Some(before.find(kind)? + kind.len()))?;
    Some(start + before[start..].find('/')? + 1)
}

/// Returns where the password begins in `user:password@tcp(…)`, an address of Go's MySQL driver.
fn driver(before: &str, after: &str) -> Option<usize> {
    let is_driver = ["tcp(", "unix(", "tcp6(", "udp(", "cloudsql("].iter().any(|net| after.starts_with(net));
    let user = before.rfind(['=', '\'']).filter(|at| before[*at..].contains(':')).map_or(0, |at| at + 1);
    let user = if before[..before.find(':').unwrap_or(0)].contains(['=', '\'']) { user } else { 0 };
    is_driver.then(|| before[user..].find(':').map(|colon| user + colon + 1))?.filter(|at| *at < before.len())
}

/// Returns where the password begins in `user:password@host/…`, if it looks like one.
fn schemeless(before: &str, after: &str) -> Option<usize> {
    if before.contains("://") {
        return None;
    }
    let start = before.rfind(['=', ',', '\'', '[', '{', ';']).map_or(0, |at| at + 1);
    let (user, password) = before[start..].split_once(':')?;
    let is_user =
        !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let host =
        after.split(|c: char| !c.is_ascii_alphanumeric() && !"-._".contains(c)).next().unwrap_or_default();
    let next = after[host.len()..].chars().next();
    let begins = host.starts_with(|c: char| c.is_ascii_alphabetic())
        || host.split('.').count() == 4 && host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let is_digest = ["sha256", "sha512", "sha1", "md5"].contains(&host);
    let has_place = matches!(next, Some(':' | '/')) || host.contains('.') || host == "localhost";
    let has_port = next == Some(':') && after[host.len() + 1..].starts_with(|c: char| c.is_ascii_digit());
    let is_mail = NO_USERS.contains(&user.to_ascii_lowercase().as_str()) && !has_port;
    let is_password = password.len() >= 6
        && !is_words(password)
        && !password.contains('/')
        && !is_statement(password)
        && !password.starts_with(['$', '{', '<'])
        && !is_masked(password);
    let place_is_digits = user == "kafka" && password.bytes().all(|byte| byte.is_ascii_digit());
    (is_user && !is_mail && begins && has_place && is_password && !is_digest && !place_is_digits)
        .then_some(start + user.len() + 1)
}
