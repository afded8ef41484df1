//! Looks up host names within a deadline.

use crate::collect::no_answer;
use crate::collect::own_limit::{open_files_limit, own_limit};
use crate::evidence::{Reason, ReasonKind};
use std::io::Error;
use std::net::SocketAddr;
use tokio::net::lookup_host;
use tokio::time::{Duration, Instant, timeout};

/// A lookup may take at most the remaining time divided by this number, so that another address can be tried.
const SHARE: u32 = 2;

/// Returns at least one socket address for `host:port`.
pub async fn lookup(place: &str, until: Instant) -> Result<Vec<SocketAddr>, Reason> {
    let name = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let start = Instant::now();
    let share = until.saturating_duration_since(start) / SHARE;
    let why = match timeout(share, lookup_host(place)).await {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            match found.is_empty() {
                false => return Ok(found),
                true => unresolved(name),
            }
        }
        Ok(Err(error)) => failed(&error, name, start.elapsed()),
        Err(_) => silent(name, start.elapsed()),
    };
    Err(why)
}

/// Explains an error of getaddrinfo, whose code the standard library exposes only in the message.
pub fn failed(error: &Error, name: &str, waited: Duration) -> Reason {
    let is_temporary = error.to_string().to_lowercase().contains("temporary failure");
    match own_limit(error).or_else(open_files_limit) {
        Some(limit) => limit,
        None if is_temporary => silent(name, waited),
        None => unresolved(name),
    }
}

/// Returns the reason for a name server that does not answer.
pub fn silent(name: &str, waited: Duration) -> Reason {
    let why = no_answer("the name server", waited);
    let message = format!("the name server gave no answer for {name} in {:.1} s", waited.as_secs_f64());
    match why.kind {
        ReasonKind::NoAnswer => Reason::new(ReasonKind::NoAnswer, message),
        _ => why,
    }
}

fn unresolved(name: &str) -> Reason {
    Reason::new(ReasonKind::Unresolved, format!("{name} does not resolve"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_silent_name_server_from_an_unknown_name() {
        let why = |text: &str| failed(&Error::other(text), "db", Duration::from_secs(5));
        let temporary = "failed to lookup address information: Temporary failure in name resolution";
        assert_eq!(why(temporary).message, "the name server gave no answer for db in 5.0 s");
        let unknown = "failed to lookup address information: Name or service not known";
        assert_eq!(why(unknown), Reason::new(ReasonKind::Unresolved, "db does not resolve"));
        let limit = failed(&Error::from_raw_os_error(24), "db", Duration::from_secs(5));
        assert_eq!(limit.kind, ReasonKind::OwnLimit);
    }
}
