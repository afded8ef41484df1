//! Words that state something about a secret instead of being one: `password: required`.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Longest of the words.
const MAX_LENGTH: usize = 16;

static STATEMENTS: LazyLock<HashSet<&str>> = LazyLock::new(|| WORDS.split_ascii_whitespace().collect());

const WORDS: &str = "
    a about absent accepted active aes aes256 all allowed already an and anonymous any are argon2
    argon2i argon2id at auth authentication authorization auto available bad basic bcrypt be bearer
    been before being blank blocked but by cached can cannot cert certificate changed changes check
    checked cleartext closed compromised configured contains cookie correct corrupt corrupted could
    created decoded default deleted denied deprecated did different digest disabled does done
    dropped due duplicate ed25519 empty enabled encoded encrypted end enforced env environment eof
    equal error es256 expected expired expires external fail failed failure false fetched field
    fields file for forbidden found from generated given good granted gssapi guest had has
    has-changed hashed have header hidden hmac hs256 hs512 httponly iam identifier idle if ignored
    in inactive incorrect inherit init injected insecure internal invalid is issued it jwt kerberos
    kerberos5 known lax ldap leaked length limit loaded local locked long longer lookup lost
    malformed managed manager mandatory masked match matched matches may md5 mechanism method
    mismatch missing mounted mtls must n/a nan needed needs negotiate never new nil no none not now
    ntlm null oauth oauth2 obsolete of off oidc ok old omitted on only open opened optional or out
    outdated pam parsed passed password passwords pbkdf2 peer pending permanent plain plaintext
    policy present private prompt protected protection provided provider public radius read readable
    ready redacted refresh refreshed refused rejected removed renewed replaced requested required
    reset returned revoke revoked rotate rotated rotation rs256 rsa same saml sasl sasl_ssl scram
    scram-sha-256 scram-sha-512 scrypt secret secrets secure see sent session set sha-256 sha-512
    sha1 sha256 sha384 sha512 shorter should signed skipped so ssl sso stale started still stored
    strict string strong success supplied supported taken temporary test that the then this tls to
    token tokens too true truncated trust type unauthorized unavailable unchanged undefined
    unexpected unknown unlimited unreadable unset unsupported unused update updated used user
    username using valid validated value verification verified via was weak were when which will
    with without wrong x509 yes you your
";

/// Reports whether a word only states something, such as `required`.
pub(super) fn is_statement(word: &str) -> bool {
    let word = word.trim_matches(|letter: char| ".,;:!?()[]{}\"'`<>".contains(letter));
    word.len() <= MAX_LENGTH && STATEMENTS.contains(word.to_ascii_lowercase().as_str())
}
