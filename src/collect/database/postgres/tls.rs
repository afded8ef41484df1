//! TLS with libpq's semantics. rustls always verifies the server, but `prefer`
//! and `require` do not, and `verify-ca` does not check the host name.

use crate::base::error::Mistake;
use crate::collect::database::postgres::ssl_options::{Mode, Roots, Ssl};
use crate::input::text_file::describe;
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

/// Builds the TLS connector for an address's options and reads the certificate files. Does not
/// contact the server.
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
            let config = config.with_client_auth_cert(chain, secret);
            config.map_err(|error| Mistake::new(&place, error.to_string()))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Which servers are accepted.
#[derive(Debug)]
enum Trust {
    /// Any server.
    Any,
    /// Servers with a certificate signed by a trusted root.
    Verified {
        verifier: Arc<WebPkiServerVerifier>,
        /// Certificates from the root file; a server may present one of them directly.
        roots: Vec<CertificateDer<'static>>,
        /// Whether the certificate must match the host name.
        check_name: bool,
    },
}

impl Trust {
    fn new(ssl: &Ssl, provider: &Arc<CryptoProvider>) -> Result<Trust, Mistake> {
        let check_name = ssl.mode == Mode::VerifyFull;
        let file_roots = match &ssl.roots {
            _ if ssl.mode == Mode::Disable => return Ok(Trust::Any),
            // As in libpq, a root certificate file makes weaker modes as strict as verify-ca.
            Some(Roots::File(file)) => certificates("sslrootcert", file)?,
            Some(Roots::System) => Vec::new(),
            None if check_name || ssl.mode == Mode::VerifyCa => Vec::new(),
            None => return Ok(Trust::Any),
        };
        let mut store = RootCertStore::empty();
        if file_roots.is_empty() {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        } else {
            store.add_parsable_certificates(file_roots.iter().cloned());
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
        let verifier = verifier.build().map_err(|error| {
            let help = "expected sslrootcert=FILE, a file with PEM certificates";
            Mistake::new("sslrootcert", error.to_string()).help(help)
        })?;
        Ok(Trust::Verified { verifier, roots: file_roots, check_name })
    }
}

fn certificates(option: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let wrong = |what: String| {
        Mistake::new(format!("{option} {}", file.display()), what)
            .help("expected a readable file with PEM certificates")
    };
    if file.is_dir() {
        return Err(wrong("is a directory".into()));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(|found| found.collect());
    match found {
        Ok(found) if found.is_empty() => Err(wrong("contains no certificate".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(unreadable(error))),
    }
}

fn unreadable(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => describe(&error),
        pem::Error::NoItemsFound => "contains no PEM item of the expected kind".into(),
        other => format!("is not valid PEM: {other}"),
    }
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Reports whether to skip the signature check because webpki cannot parse the
    /// certificate, such as the X.509 version 1 certificates that `openssl x509 -req`
    /// creates. If any server is accepted, a signature by an unknown key proves nothing.
    fn skips_signature(&self, certificate: &CertificateDer<'_>) -> bool {
        matches!(self.trust, Trust::Any) && ParsedCertificate::try_from(certificate).is_err()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Verified { verifier, roots, check_name } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        // OpenSSL accepts a self-signed certificate that is its own root; webpki
        // does not accept a root as a server certificate.
        if roots.iter().any(|root| root == certificate) {
            if *check_name {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match verifier.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // webpki checks the name last, so everything else is valid.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !check_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.skips_signature(certificate) {
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
        if self.skips_signature(certificate) {
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
