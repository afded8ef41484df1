//! The provider of cryptography that all TLS here uses.

/// Makes TLS work: without a provider, clients panic when they are made.
pub fn install_tls_provider() {
    // The error says that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
