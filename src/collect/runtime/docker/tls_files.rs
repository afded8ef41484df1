//! TLS to the engine, with the files that the docker command uses.

use crate::collect::tls::install_tls_provider;
use crate::evidence::{Reason, ReasonKind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Builds a connector from `ca.pem`, `cert.pem` and `key.pem` in `DOCKER_CERT_PATH` or `~/.docker`.
/// Missing files are ignored.
pub(crate) fn connector() -> Result<TlsConnector, Reason> {
    install_tls_provider();
    let directory = directory();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(certificates(&directory.join("ca.pem"))?);
    let config = ClientConfig::builder().with_root_certificates(roots);
    let (own, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    let config = match own.exists() && key.exists() {
        false => config.with_no_client_auth(),
        true => {
            let secret = PrivateKeyDer::from_pem_file(&key).map_err(|_| unreadable(&key))?;
            config.with_client_auth_cert(certificates(&own)?, secret).map_err(|_| unreadable(&own))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn directory() -> PathBuf {
    let set = std::env::var_os("DOCKER_CERT_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    set.or_else(|| Some(std::env::home_dir()?.join(".docker"))).unwrap_or_default()
}

/// Reads the certificates in a file, or none if there is no such file.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Reason> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let all = CertificateDer::pem_file_iter(file).map_err(|_| unreadable(file))?;
    all.collect::<Result<_, _>>().map_err(|_| unreadable(file))
}

fn unreadable(file: &Path) -> Reason {
    let message = format!("{} cannot be read as PEM; Docker's TLS needs it", file.display());
    Reason::new(ReasonKind::NotConfigured, message)
}
