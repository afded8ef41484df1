//! TLS as libpq means it. rustls always verifies; `prefer` and `require` do
//! not, and `verify-ca` does not look at the name.

use crate::base::error::Mistake;
use crate::collect::database::postgres::ssl::{Mode, Roots, Ssl};
use crate::input::file::in_words;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What encrypts the connection, as the address asks; reads the files that it
/// names. Contacts nothing.
pub fn connector(ssl: &Ssl) -> Result<MakeRustlsConnect, Mistake> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Verifier { trust: Trust::new(ssl, &provider)?, provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Mistake::new("TLS", error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &ssl.identity {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("sslcert", certificate)?;
            let place = format!("sslkey {}", key.display());
            let secret =
                PrivateKeyDer::from_pem_file(key).map_err(|error| Mistake::new(&place, unreadable(error)))?;
            let fits = config.with_client_auth_cert(chain, secret);
            fits.map_err(|error| Mistake::new(&place, error.to_string()))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Which servers are let through.
#[derive(Debug)]
enum Trust {
    /// Whoever answers.
    Anybody,
    /// Those that the roots vouch for.
    Vouched {
        by: Arc<WebPkiServerVerifier>,
        /// Certificates of the root file: a server may show one of them itself.
        given: Vec<CertificateDer<'static>>,
        /// And only under the host's name.
        named: bool,
    },
}

impl Trust {
    fn new(ssl: &Ssl, provider: &Arc<CryptoProvider>) -> Result<Trust, Mistake> {
        let named = ssl.mode == Mode::VerifyFull;
        let given = match &ssl.roots {
            _ if ssl.mode == Mode::Disable => return Ok(Trust::Anybody),
            // A root given makes the weaker modes as strict as verify-ca, as in libpq.
            Some(Roots::File(file)) => certificates("sslrootcert", file)?,
            Some(Roots::System) => Vec::new(),
            None if named || ssl.mode == Mode::VerifyCa => Vec::new(),
            None => return Ok(Trust::Anybody),
        };
        let mut roots = RootCertStore::empty();
        if given.is_empty() {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        } else {
            roots.add_parsable_certificates(given.iter().cloned());
        }
        let by = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let by = by.build().map_err(|error| {
            let help = "expected sslrootcert=FILE, with certificates in PEM";
            Mistake::new("sslrootcert", error.to_string()).help(help)
        })?;
        Ok(Trust::Vouched { by, given, named })
    }
}

fn certificates(option: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let wrong = |what: String| {
        Mistake::new(format!("{option} {}", file.display()), what)
            .help("expected a readable file with certificates in PEM")
    };
    if file.is_dir() {
        return Err(wrong("is a directory".into()));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(|found| found.collect());
    match found {
        Ok(found) if found.is_empty() => Err(wrong("holds no certificate".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(unreadable(error))),
    }
}

fn unreadable(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => in_words(&error),
        pem::Error::NoItemsFound => "holds nothing of the kind in PEM".into(),
        other => format!("is not PEM: {other}"),
    }
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Certificates of X.509 version 1, as `openssl x509 -req` makes them, are
    /// unreadable for webpki. Where anybody is let through, the signature of an
    /// unknown key would prove nothing anyway.
    fn cannot_and_need_not(&self, certificate: &CertificateDer<'_>) -> bool {
        matches!(self.trust, Trust::Anybody) && ParsedCertificate::try_from(certificate).is_err()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Vouched { by, given, named } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        // A self-signed certificate that is its own root: OpenSSL takes it,
        // webpki does not take a root as a server's certificate.
        if given.iter().any(|root| root == shown) {
            if *named {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match by.verify_server_cert(shown, intermediates, name, ocsp, now) {
            // The name is looked at last: all the rest is right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !named => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.cannot_and_need_not(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.cannot_and_need_not(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
