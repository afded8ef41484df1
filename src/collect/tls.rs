//! Code shared by all TLS connections: the cryptography provider and the messages for failures.

use crate::evidence::{Reason, ReasonKind};
use jiff::Timestamp;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error};

/// Installs the rustls crypto provider. Without one, building a TLS client panics.
pub fn install_tls_provider() {
    // An error means that a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Explains why a TLS connection to `peer` failed.
pub fn tls_reason(error: &Error, peer: &str) -> Reason {
    let failed = |message: String| Reason::new(ReasonKind::Failed, message);
    match error {
        Error::InvalidMessage(_) => failed(format!("{peer} does not speak TLS")),
        Error::InvalidCertificate(error) => failed(certificate(error, peer)),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            let message = format!("{peer} requires a client certificate");
            Reason::new(ReasonKind::Auth, message)
        }
        Error::AlertReceived(alert) => failed(format!("{peer} ended the TLS handshake: {alert:?}")),
        other => failed(format!("TLS connection to {peer} failed: {other}")),
    }
}

fn certificate(error: &CertificateError, peer: &str) -> String {
    let not_trusted = |why: &str| format!("certificate of {peer} is not trusted ({why})");
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("certificate of {peer} expired on {}; today is {}", date(*not_after), date(*time))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let (start, today) = (date(*not_before), date(*time));
            format!("certificate of {peer} is not valid before {start}; today is {today}")
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name".to_string() } else { names.join(", ") };
            format!("certificate of {peer} is for {names}, not for {}", shown(expected))
        }
        CertificateError::UnknownIssuer => not_trusted("signed by itself or by an unknown authority"),
        // rustls-webpki reports a self-signed certificate only in this way.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            not_trusted("self-signed")
        }
        CertificateError::Other(other) if format!("{other:?}").contains("UnsupportedCertVersion") => {
            not_trusted("X.509 version 1, which cannot be verified")
        }
        CertificateError::Revoked => not_trusted("revoked"),
        CertificateError::BadSignature => not_trusted("its signature is wrong"),
        CertificateError::Expired => format!("certificate of {peer} is expired"),
        CertificateError::NotValidForName => format!("certificate of {peer} is for another name"),
        other => not_trusted(&other.to_string()),
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let time = Timestamp::from_second(seconds);
    time.map_or_else(|_| "a date beyond the year 9999".into(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// Extracts the name from `DnsName("db.example")`.
fn bare(presented: &str) -> &str {
    presented.split_once('(').map_or(presented, |(_, name)| name.trim_matches(['"', '(', ')']))
}

fn shown(expected: &ServerName) -> String {
    expected.to_str().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::InvalidMessage;
    use std::time::Duration;

    fn words(error: Error) -> String {
        tls_reason(&error, "db:5432").message
    }

    fn second(second: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(second))
    }

    #[test]
    fn names_dates_and_names_of_certificates() {
        let expired = CertificateError::ExpiredContext {
            time: second(1_795_918_584),
            not_after: second(1_735_689_600),
        };
        assert_eq!(
            words(expired.into()),
            "certificate of db:5432 expired on 2025-01-01; today is 2026-11-29"
        );
        let early =
            CertificateError::NotValidYetContext { time: second(0), not_before: second(1_735_689_600) };
        let expected = "certificate of db:5432 is not valid before 2025-01-01; today is 1970-01-01";
        assert_eq!(words(early.into()), expected);
        let other = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("127.0.0.1").unwrap(),
            presented: vec!["DnsName(\"elsewhere.example\")".into(), "IpAddress(10.0.0.1)".into()],
        };
        let expected = "certificate of db:5432 is for elsewhere.example, 10.0.0.1, not for 127.0.0.1";
        assert_eq!(words(other.into()), expected);
    }

    #[test]
    fn tells_plain_text_from_an_untrusted_certificate() {
        assert_eq!(words(InvalidMessage::InvalidContentType.into()), "db:5432 does not speak TLS");
        let issuer = "certificate of db:5432 is not trusted (signed by itself or by an unknown authority)";
        assert_eq!(words(CertificateError::UnknownIssuer.into()), issuer);
    }
}
