//! libpq's TLS options.

use crate::base::error::Mistake;
use crate::text::suggestion::suggestion;
use std::path::PathBuf;

/// Names the address in messages, because the address itself contains the password.
pub(crate) const PLACE: &str = "PostgreSQL address";

/// libpq's values for `sslmode`, plus `no-verify`, the Node driver's name for `require`.
pub(crate) const MODES: [&str; 7] =
    ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

/// TLS options in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssl {
    /// How the server is verified.
    pub mode: Mode,
    /// Trusted root certificates.
    pub roots: Option<Roots>,
    /// Client certificate and key (`sslcert`, `sslkey`).
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// libpq's `sslmode`. `allow` is treated as `prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server supports it.
    Prefer,
    /// Encrypted, without verifying the server.
    Require,
    /// Encrypted, with a certificate signed by a trusted root.
    VerifyCa,
    /// Like `VerifyCa`, but the certificate must also match the host name.
    VerifyFull,
}

/// libpq's `sslrootcert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// `system`: the operating system's roots.
    System,
    /// A PEM file.
    File(PathBuf),
}

impl Ssl {
    pub(crate) fn parse(value: &impl Fn(&str) -> Option<String>) -> Result<Ssl, Mistake> {
        let roots = value("sslrootcert").map(|file| match file.as_str() {
            "system" => Roots::System,
            file => Roots::File(file.into()),
        });
        // Other drivers' name: a switch, or a mode.
        let by_driver = value("ssl").map(|ssl| match ssl.as_str() {
            "true" | "1" => Ok(Mode::Require),
            "false" | "0" => Ok(Mode::Disable),
            mode => Mode::parse(mode),
        });
        let by_driver = by_driver.transpose()?;
        let mode = match value("sslmode") {
            Some(mode) => Mode::parse(&mode)?,
            // As in libpq, the system roots imply the strictest mode.
            None if roots == Some(Roots::System) => Mode::VerifyFull,
            None => by_driver.unwrap_or(Mode::Prefer),
        };
        if roots == Some(Roots::System) && !matches!(mode, Mode::VerifyFull | Mode::Disable) {
            let what = "sslrootcert=system needs sslmode=verify-full";
            let help =
                "anyone can get a certificate that the system roots trust, so the host name must match too";
            return Err(Mistake::new(PLACE, what).help(help));
        }
        let identity = match (value("sslcert"), value("sslkey")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => return Err(Mistake::new(PLACE, "sslcert and sslkey must be given together")),
        };
        Ok(Ssl { mode, roots, identity })
    }
}

impl Mode {
    pub(crate) fn parse(mode: &str) -> Result<Mode, Mistake> {
        match mode {
            "disable" => Ok(Mode::Disable),
            "allow" | "prefer" => Ok(Mode::Prefer),
            "require" | "no-verify" => Ok(Mode::Require),
            "verify-ca" => Ok(Mode::VerifyCa),
            "verify-full" => Ok(Mode::VerifyFull),
            wrong => {
                let what = format!("unknown sslmode `{}`", wrong.escape_debug());
                Err(Mistake::new(PLACE, what).help(suggestion(wrong, MODES)))
            }
        }
    }
}
