//! Detects whether an address requires TLS. A TLS server closes a plain connection
//! without a response, exactly like a published port with nothing listening behind it,
//! so the probe sends the first message of a TLS handshake.

use crate::collect::timeout_at;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Timeout for the connection and for the response.
const TIMEOUT: Duration = Duration::from_millis(200);
/// Content types of the first TLS record in a response: alert or handshake.
const CONTENT_TYPES: [u8; 2] = [0x15, 0x16];

/// Reports whether `host:port` answers a TLS handshake before `until`.
pub async fn expects_tls_before(address: String, until: Instant) -> bool {
    let probe = tokio::task::spawn_blocking(move || expects_tls(&address));
    matches!(timeout_at(until, probe).await, Ok(Ok(true)))
}

/// Reports whether `host:port` answers a TLS handshake; blocks for up to 0.2 s per step.
pub fn expects_tls(address: &str) -> bool {
    let Ok(mut addresses) = address.to_socket_addrs() else {
        return false;
    };
    addresses.any(|address| {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT).ok();
        stream.and_then(first_byte).is_some_and(|byte| CONTENT_TYPES.contains(&byte))
    })
}

fn first_byte(mut stream: TcpStream) -> Option<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().ok()?;
    let config = config.with_root_certificates(RootCertStore::empty());
    // The name does not matter: the handshake ends before anything is verified.
    let name = ServerName::try_from("kafka").ok()?;
    let mut hello = ClientConnection::new(Arc::new(config.with_no_client_auth()), name).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    hello.write_tls(&mut stream).ok()?;
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    Some(byte[0])
}
