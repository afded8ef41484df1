//! How libpq's options ask for TLS.

use crate::base::error::Mistake;
use crate::text::suggestion::way_out;
use std::path::PathBuf;

/// What a message calls the address: the address itself holds the password.
pub(crate) const PLACE: &str = "PostgreSQL address";

/// libpq's values of `sslmode` (`no-verify` is what Node's driver calls `require`).
pub(crate) const MODES: [&str; 7] =
    ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

/// What is asked of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssl {
    /// How the server is known.
    pub mode: Mode,
    /// Who vouches for it.
    pub roots: Option<Roots>,
    /// `sslcert` and `sslkey`: how the server knows us.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// libpq's `sslmode`; `allow` is taken as `prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never encrypted.
    Disable,
    /// Encrypted where the server can, else not.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, and the certificate is signed by one of the roots.
    VerifyCa,
    /// The same, and the certificate is that of the host's name.
    VerifyFull,
}

/// libpq's `sslrootcert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// `system`: the machine's own.
    System,
    /// A file in PEM.
    File(PathBuf),
}

impl Ssl {
    pub(crate) fn read(value: &impl Fn(&str) -> Option<String>) -> Result<Ssl, Mistake> {
        let roots = value("sslrootcert").map(|file| match file.as_str() {
            "system" => Roots::System,
            file => Roots::File(file.into()),
        });
        let by_driver = matches!(value("ssl").as_deref(), Some("true" | "1"));
        let mode = match value("sslmode") {
            Some(mode) => Mode::read(&mode)?,
            // Without a mode, libpq takes the machine's roots to mean the strictest one.
            None if roots == Some(Roots::System) => Mode::VerifyFull,
            None if by_driver => Mode::Require,
            None => Mode::Prefer,
        };
        if roots == Some(Roots::System) && !matches!(mode, Mode::VerifyFull | Mode::Disable) {
            let what = "sslrootcert=system needs sslmode=verify-full";
            let help = "anybody can get a certificate that the machine's roots vouch for";
            return Err(Mistake::new(PLACE, what).help(help));
        }
        let identity = match (value("sslcert"), value("sslkey")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => return Err(Mistake::new(PLACE, "sslcert and sslkey need each other")),
        };
        Ok(Ssl { mode, roots, identity })
    }
}

impl Mode {
    pub(crate) fn read(mode: &str) -> Result<Mode, Mistake> {
        match mode {
            "disable" => Ok(Mode::Disable),
            "allow" | "prefer" => Ok(Mode::Prefer),
            "require" | "no-verify" => Ok(Mode::Require),
            "verify-ca" => Ok(Mode::VerifyCa),
            "verify-full" => Ok(Mode::VerifyFull),
            wrong => {
                let what = format!("unknown sslmode `{}`", wrong.escape_debug());
                Err(Mistake::new(PLACE, what).help(way_out(wrong, MODES)))
            }
        }
    }
}
