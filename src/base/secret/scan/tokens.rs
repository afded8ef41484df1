//! Tokens and hashes that are known by their shape.

use super::found::Found;
use super::values::looks_random;
use std::sync::LazyLock;

/// How a token begins, and the fewest characters that follow.
const PREFIXES: &[(&str, usize)] = &[
    ("AKIA", 8),
    ("ASIA", 8),
    ("ABIA", 12),
    ("ACCA", 12),
    ("ghp_", 6),
    ("gho_", 6),
    ("ghu_", 6),
    ("ghs_", 6),
    ("ghr_", 6),
    ("github_pat_", 6),
    ("glpat-", 6),
    ("gldt-", 6),
    ("glrt-", 6),
    ("glptt-", 6),
    ("glsoat-", 6),
    ("glcbt-", 6),
    ("xoxb-", 6),
    ("xoxp-", 6),
    ("xoxa-", 6),
    ("xoxr-", 6),
    ("xoxs-", 6),
    ("xoxe-", 6),
    ("xoxc-", 6),
    ("xoxd-", 6),
    ("xoxe.xox", 6),
    ("xapp-", 6),
    ("sk_live_", 4),
    ("sk_test_", 4),
    ("rk_live_", 4),
    ("rk_test_", 4),
    ("pk_live_", 12),
    ("whsec_", 6),
    ("sk-ant-", 6),
    ("sk-proj-", 6),
    ("sk-svcacct-", 6),
    ("sk-or-", 6),
    ("sk-", 12),
    ("AIza", 8),
    ("ya29.", 6),
    ("GOCSPX-", 6),
    ("1//0", 12),
    ("npm_", 6),
    ("pypi-", 12),
    ("SG.", 8),
    ("dop_v1_", 6),
    ("doo_v1_", 6),
    ("dor_v1_", 6),
    ("hf_", 10),
    ("api_org_", 10),
    ("shpat_", 6),
    ("shpss_", 6),
    ("shpca_", 6),
    ("shppa_", 6),
    ("sq0atp-", 6),
    ("sq0csp-", 6),
    ("EAAA", 24),
    ("nfp_", 10),
    ("lin_api_", 6),
    ("figd_", 6),
    ("ntn_", 10),
    ("secret_", 20),
    ("rubygems_", 6),
    ("PMAK-", 6),
    ("NRAK-", 6),
    ("NRAL-", 6),
    ("NRII-", 6),
    ("glsa_", 6),
    ("glc_", 10),
    ("hvs.", 6),
    ("hvb.", 6),
    ("hvr.", 6),
    ("AGE-SECRET-KEY-", 6),
    ("tskey-", 6),
    ("sbp_", 10),
    ("pscale_pw_", 6),
    ("pscale_tkn_", 6),
    ("xkeysib-", 6),
    ("xsmtpsib-", 6),
    ("CFPAT-", 6),
    ("dckr_pat_", 6),
    ("dckr_oat_", 6),
    ("dp.pt.", 6),
    ("dp.st.", 6),
    ("FLWSECK", 8),
    ("gsk_", 10),
    ("r8_", 12),
    ("ATATT3", 8),
    ("ATCTT3", 8),
    ("ATBB", 16),
    ("BBDC-", 6),
    ("amzn.mws.", 8),
    ("sntrys_", 6),
    ("sntryu_", 6),
    ("pul-", 16),
    ("ops_eyJ", 6),
    ("v2.local.", 8),
    ("v4.local.", 8),
    ("v2.public.", 8),
    ("v4.public.", 8),
    ("dapi", 32),
    ("oy2", 40),
    ("EZAK", 20),
    ("EZTK", 20),
    ("PRIVATE-", 24),
    ("AQoDYXdz", 8),
    ("FwoGZXIvYXdz", 8),
    ("IQoJb3JpZ2lu", 8),
    ("sl.", 60),
    ("tfp_", 16),
    ("rnd_", 20),
    ("fly_", 20),
    ("FlyV1", 8),
    ("fo1_", 16),
    ("vercel_", 16),
    ("pat_", 24),
    ("lsv2_", 10),
    ("pplx-", 16),
    ("xai-", 16),
    ("$2a$", 10),
    ("$2b$", 10),
    ("$2y$", 10),
    ("$argon2", 10),
    ("$1$", 8),
    ("$5$", 8),
    ("$6$", 8),
    ("$y$", 8),
    ("$7$", 8),
    ("$apr1$", 6),
    ("$scrypt$", 8),
    ("$pbkdf2", 8),
    ("$5$rounds=", 6),
    ("$6$rounds=", 6),
    ("SCRAM-SHA-256$", 6),
    ("SCRAM-SHA-512$", 6),
    ("pbkdf2_sha256$", 6),
    ("pbkdf2_sha1$", 6),
    ("bcrypt_sha256$", 6),
    ("{SSHA}", 6),
    ("{SSHA512}", 6),
    ("{SHA}", 6),
    ("{CRYPT}", 6),
    ("{BCRYPT}", 6),
    ("{bcrypt}", 6),
];

/// Beginnings that words have, too. A token has digits or capitals.
const GENERIC: [&str; 24] = [
    "npm_", "hf_", "sk-", "secret_", "pat_", "dapi", "glc_", "ntn_", "nfp_", "rnd_", "fly_", "sbp_",
    "vercel_", "pul-", "r8_", "gsk_", "api_org_", "xai-", "pplx-", "sl.", "tfp_", "fo1_", "PRIVATE-", "SG.",
];

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut aws_key = false;
    let mut at = 0;
    while at < bytes.len() {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        if before.is_ascii_alphanumeric() || !begins(bytes[at]) {
            at += 1;
            continue;
        }
        match token(text, at) {
            Some(end) => {
                aws_key |= text[at..].starts_with("AKIA") || text[at..].starts_with("ASIA");
                found.push(Found::new(at..end));
                at = end;
            }
            None => at += 1,
        }
    }
    if aws_key {
        aws_secrets(text, found);
    }
}

/// The beginnings of tokens, by their first byte.
static BY_FIRST: LazyLock<Vec<Vec<(&str, usize)>>> = LazyLock::new(|| {
    let mut by_first = vec![Vec::new(); 256];
    for (prefix, min) in PREFIXES {
        by_first[usize::from(prefix.as_bytes()[0])].push((*prefix, *min));
    }
    by_first
});

fn begins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'$' || byte == b'{'
}

/// Returns where the token ends that begins at `at`.
fn token(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with("eyJ") {
        return json_web_token(rest).map(|length| at + length);
    }
    let first = usize::from(rest.as_bytes()[0]);
    let (prefix, min) = BY_FIRST[first].iter().find(|(prefix, _)| rest.starts_with(prefix))?;
    let is_hash = !prefix.as_bytes()[0].is_ascii_alphanumeric() || prefix.ends_with('$');
    let extra: &[u8] = if is_hash {
        b"$./+=,:"
    } else if prefix.len() == 4 && prefix.ends_with('A') {
        b""
    } else {
        b"."
    };
    let body = &rest[prefix.len()..];
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte) || extra.contains(byte);
    let length = body.bytes().take_while(is_body).count();
    let body = body[..length].trim_end_matches(['.', ',', ':', '-']);
    let is_mixed = body.bytes().any(|b| b.is_ascii_digit()) || body.bytes().any(|b| b.is_ascii_uppercase());
    (body.len() >= *min && (is_mixed || !GENERIC.contains(prefix))).then_some(at + prefix.len() + body.len())
}

/// Returns the length of a JSON Web Token: at least two parts, the first one an object.
fn json_web_token(text: &str) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-=.".contains(byte);
    let length = text.bytes().take_while(is_part).count();
    let token = text[..length].trim_end_matches('.');
    let mut parts = token.split('.');
    let first = parts.next().unwrap_or_default().len();
    (first >= 8 && (parts.next().is_some_and(|part| part.len() >= 2) || first >= 24)).then_some(token.len())
}

/// Masks the secret keys beside an AWS access key: 40 characters of base64.
fn aws_secrets(text: &str, found: &mut Vec<Found>) {
    let is_key = |c: char| c.is_ascii_alphanumeric() || "/+".contains(c);
    let mut at = 0;
    for word in text.split(|c: char| !is_key(c)) {
        let start = at;
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
        if word.len() == 40 && looks_random(word, 40) {
            found.push(Found::new(start..start + word.len()));
        }
    }
}
