//! Converts errors from HTTP clients to readable reasons.

use crate::base::secret::redact;
use crate::collect::error_chain::error_chain;
use crate::collect::name_lookup;
use crate::collect::own_limit::own_limit;
use crate::collect::tls::tls_reason;
use crate::evidence::{Reason, ReasonKind};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Returns why a request to `peer` failed after `waited`. The last error in the chain says what
/// happened; the errors before it only say that the request failed.
pub fn reason(error: &(dyn Error + 'static), peer: &str, waited: Duration) -> Reason {
    let chain = error_chain(error);
    let io = chain.iter().find_map(|error| error.downcast_ref::<io::Error>());
    if let Some(limit) = chain.iter().filter_map(|error| error.downcast_ref()).find_map(own_limit) {
        return limit;
    }
    if let Some(error) = chain.iter().find(|error| is_lookup_error(**error)) {
        return name_lookup::failed(&io::Error::other(error.to_string()), host(peer), waited);
    }
    if let Some(error) = chain.iter().find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return tls_reason(error, peer);
    }
    let in_body = chain.iter().any(|error| error.to_string().contains("reading a body"));
    let in_http = chain.iter().find_map(|error| error.downcast_ref::<hyper::Error>());
    let message = match in_http {
        Some(_) if in_body => Some((ReasonKind::Failed, cut(peer))),
        Some(error) if error.is_parse_too_large() => {
            Some((ReasonKind::Limit, format!("{peer} answered with headers that are too long")))
        }
        Some(error) if error.is_parse() => Some((ReasonKind::Failed, not_http(peer))),
        Some(error) if error.is_incomplete_message() => Some((ReasonKind::Refused, closed(peer))),
        _ => None,
    };
    let message = message.or_else(|| for_kind(io?.kind(), peer));
    let last = chain.last().map_or(String::new(), ToString::to_string);
    let (kind, message) = message.unwrap_or((ReasonKind::Failed, format!("{peer}: {}", redact(&last))));
    Reason::new(kind, message)
}

/// Returns the message for a response that is not HTTP.
pub fn not_http(peer: &str) -> String {
    format!("{peer} answered, but not in HTTP")
}

/// Returns the message for a connection that was closed without an answer.
pub fn closed(peer: &str) -> String {
    format!("{peer} closed the connection without an answer")
}

/// Returns the message for an answer that was cut off.
pub fn cut(peer: &str) -> String {
    format!("{peer} cut the connection in the middle of an answer")
}

/// Reports whether a plaintext request failed as it would if the server expected TLS: the server
/// closes the connection, or answers with a TLS alert.
pub fn may_expect_tls(why: &Reason, peer: &str) -> bool {
    why.message == closed(peer) || why.message == not_http(peer)
}

/// Returns the reason for a peer that accepts only TLS.
pub fn expects_tls(peer: &str) -> Reason {
    Reason::new(ReasonKind::Failed, format!("{peer} expects TLS"))
}

/// `io::ErrorKind` has no variant for a name that does not resolve.
fn is_lookup_error(error: &(dyn Error + 'static)) -> bool {
    error.to_string().contains("lookup address")
}

fn host(peer: &str) -> &str {
    let bare = peer.split_once("://").map_or(peer, |(_, rest)| rest);
    bare.rsplit_once(':').map_or(bare, |(host, _)| host)
}

fn for_kind(kind: ErrorKind, peer: &str) -> Option<(ReasonKind, String)> {
    Some(match kind {
        ErrorKind::PermissionDenied => (ReasonKind::Permission, format!("no permission to access {peer}")),
        ErrorKind::NotFound => (ReasonKind::Missing, format!("{peer} does not exist")),
        ErrorKind::ConnectionRefused => (ReasonKind::Refused, format!("connection refused by {peer}")),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (ReasonKind::Refused, closed(peer)),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (ReasonKind::Refused, format!("no route to {peer}"))
        }
        ErrorKind::TimedOut => (ReasonKind::NoAnswer, format!("no answer from {peer}")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let lookup = "failed to lookup address information: ";
        let cases = [
            (io::Error::from(ErrorKind::PermissionDenied), "no permission to access it:1"),
            (io::Error::from(ErrorKind::ConnectionRefused), "connection refused by it:1"),
            (io::Error::from(ErrorKind::ConnectionReset), "it:1 closed the connection without an answer"),
            (io::Error::other(format!("{lookup}Name or service not known")), "it does not resolve"),
            (
                io::Error::other(format!("{lookup}Temporary failure in name resolution")),
                "the name server gave no answer for it in 2.0 s",
            ),
            (
                io::Error::from_raw_os_error(24),
                "this machine's own limit on open files is reached, so nothing was asked",
            ),
            (
                io::Error::other(rustls::Error::from(rustls::InvalidMessage::InvalidContentType)),
                "it:1 does not speak TLS",
            ),
            (io::Error::other("token=hunter2 is wrong"), "it:1: token=<secret:1> is wrong"),
        ];
        for (error, expected) in cases {
            assert_eq!(reason(&Client(error), "it:1", Duration::from_secs(2)).message, expected);
        }
    }
}
