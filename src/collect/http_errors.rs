//! Turns errors from HTTP clients into reasons that people can read.

use crate::base::secret::redact;
use crate::evidence::{Reason, ReasonKind};
use std::error::Error;
use std::io::ErrorKind;

/// Returns why a request to `peer` failed. The last error in the source chain says
/// what happened; the ones before it only say that the request failed.
pub fn reason(error: &(dyn Error + 'static), peer: &str) -> Reason {
    let mut chain = vec![error];
    while let Some(source) = chain[chain.len() - 1].source() {
        chain.push(source);
    }
    let last = chain.last().map_or(String::new(), ToString::to_string);
    let messages = chain.iter().map(ToString::to_string).collect::<Vec<_>>();
    let io = chain.iter().find_map(|error| error.downcast_ref::<std::io::Error>());
    // `io::ErrorKind` has no variant for a name that does not resolve.
    if messages.iter().any(|message| message.contains("dns error") || message.contains("lookup address")) {
        return Reason::new(ReasonKind::Unresolved, format!("{peer} does not resolve"));
    }
    if chain.iter().any(|error| is_tls_error(*error)) {
        let message = format!("TLS connection to {peer} failed: {}", redact(&last));
        return Reason::new(ReasonKind::Failed, message);
    }
    reason_for_kind(io.map(std::io::Error::kind), peer)
        .unwrap_or_else(|| Reason::new(ReasonKind::Failed, format!("{peer}: {}", redact(&last))))
}

/// An I/O error returns the error it wraps from `get_ref`, not from `source`.
fn is_tls_error(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    let inner = io.and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls_error(inner))
}

fn reason_for_kind(kind: Option<ErrorKind>, peer: &str) -> Option<Reason> {
    let (kind, message) = match kind? {
        ErrorKind::PermissionDenied => (ReasonKind::Permission, format!("no permission to access {peer}")),
        ErrorKind::NotFound => (ReasonKind::Missing, format!("{peer} does not exist")),
        ErrorKind::ConnectionRefused => (ReasonKind::Refused, format!("connection refused by {peer}")),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (ReasonKind::Refused, format!("{peer} closed the connection")),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (ReasonKind::Refused, format!("no route to {peer}"))
        }
        ErrorKind::TimedOut => (ReasonKind::NoAnswer, format!("no answer from {peer}")),
        _ => return None,
    };
    Some(Reason::new(kind, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug)]
    struct Client(io::Error);

    impl std::fmt::Display for Client {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("client error (Connect)")
        }
    }

    impl Error for Client {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn reports_the_last_error_in_the_source_chain() {
        let cases = [
            (io::Error::from(ErrorKind::PermissionDenied), "no permission to access it"),
            (io::Error::from(ErrorKind::ConnectionRefused), "connection refused by it"),
            (io::Error::from(ErrorKind::ConnectionReset), "it closed the connection"),
            (io::Error::other("failed to lookup address information"), "it does not resolve"),
            (io::Error::other("token=hunter2 is wrong"), "it: token=*** is wrong"),
        ];
        for (error, expected) in cases {
            assert_eq!(reason(&Client(error), "it").message, expected);
        }
    }
}
