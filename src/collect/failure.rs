//! The errors of HTTP clients, in words.

use crate::base::secret::redact;
use crate::evidence::{Why, WhyKind};
use std::error::Error;
use std::io::ErrorKind;

/// Why a client's request to `who` failed. What happened stands at the end of
/// the error's chain of sources; what stands before it only says "failed".
pub fn why(error: &(dyn Error + 'static), who: &str) -> Why {
    let mut chain = vec![error];
    while let Some(source) = chain[chain.len() - 1].source() {
        chain.push(source);
    }
    let text = chain.last().map_or(String::new(), ToString::to_string);
    let all = chain.iter().map(ToString::to_string).collect::<Vec<_>>();
    let io = chain.iter().find_map(|error| error.downcast_ref::<std::io::Error>());
    // A name that does not resolve has no kind of its own in the standard library.
    if all.iter().any(|text| text.contains("dns error") || text.contains("lookup address")) {
        return Why::new(WhyKind::Unresolved, format!("{who} does not resolve"));
    }
    if chain.iter().any(|error| is_tls(*error)) {
        let say = format!("no TLS with {who}: {}", redact(&text));
        return Why::new(WhyKind::Failed, say);
    }
    by_kind(io.map(std::io::Error::kind), who)
        .unwrap_or_else(|| Why::new(WhyKind::Failed, format!("{who}: {}", redact(&text))))
}

/// I/O errors hold what happened inside of them, not as their source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    let inner = io.and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

fn by_kind(kind: Option<ErrorKind>, who: &str) -> Option<Why> {
    let (kind, say) = match kind? {
        ErrorKind::PermissionDenied => (WhyKind::Permission, format!("no permission on {who}")),
        ErrorKind::NotFound => (WhyKind::Missing, format!("nothing at {who}")),
        ErrorKind::ConnectionRefused => (WhyKind::Refused, format!("connection refused by {who}")),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (WhyKind::Refused, format!("{who} cut the connection")),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (WhyKind::Refused, format!("no route to {who}"))
        }
        ErrorKind::TimedOut => (WhyKind::NoAnswer, format!("no answer from {who}")),
        _ => return None,
    };
    Some(Why::new(kind, say))
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
    fn the_last_cause_is_the_one_that_is_told() {
        let cases = [
            (io::Error::from(ErrorKind::PermissionDenied), "no permission on it"),
            (io::Error::from(ErrorKind::ConnectionRefused), "connection refused by it"),
            (io::Error::from(ErrorKind::ConnectionReset), "it cut the connection"),
            (io::Error::other("failed to lookup address information"), "it does not resolve"),
            (io::Error::other("token=hunter2 is wrong"), "it: token=*** is wrong"),
        ];
        for (error, expected) in cases {
            assert_eq!(why(&Client(error), "it").say, expected);
        }
    }
}
