//! Whether an address expects TLS. A broker that does closes a plain connection
//! without a word, exactly as a published port does behind which nothing runs;
//! so this asks, with the first message of a handshake.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// An answer takes no longer than this.
const PATIENCE: Duration = Duration::from_millis(200);
/// The records that TLS answers a handshake with: an alert, or its own part.
const RECORDS: [u8; 2] = [0x15, 0x16];

/// Whether `host:port` answers a TLS handshake; blocks for a moment.
pub fn is_expected_at(address: &str) -> bool {
    let Ok(mut addresses) = address.to_socket_addrs() else {
        return false;
    };
    addresses.any(|address| {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).ok();
        stream.and_then(first_byte).is_some_and(|byte| RECORDS.contains(&byte))
    })
}

fn first_byte(mut stream: TcpStream) -> Option<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().ok()?;
    let config = config.with_root_certificates(RootCertStore::empty());
    // The name does not matter: nothing is verified, the handshake ends here.
    let name = ServerName::try_from("kafka").ok()?;
    let mut hello = ClientConnection::new(Arc::new(config.with_no_client_auth()), name).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    hello.write_tls(&mut stream).ok()?;
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    Some(byte[0])
}
