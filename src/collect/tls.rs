//! The cryptography provider for all TLS connections.

/// Installs the rustls crypto provider. Without one, building a TLS client panics.
pub fn install_tls_provider() {
    // An error means that a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
