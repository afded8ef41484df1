//! Connects to a server: resolves its name, maps its address through Docker and
//! negotiates TLS.

use crate::collect::database::postgres::address::{Address, Endpoint};
use crate::collect::database::postgres::errors;
use crate::collect::database::postgres::ssl_options::Mode;
use crate::collect::database::postgres::transport::{self, Failure, Opened};
use crate::collect::name_lookup::lookup;
use crate::collect::no_answer;
use crate::evidence::{AddressMapping, Reason, ReasonKind, Runtime};
use futures_util::future::join_all;
use std::net::SocketAddr;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection and how it was made.
pub type Connected = (Opened, Reached);

/// How the server was reached.
pub struct Reached {
    /// The `host:port` that answered.
    pub place: String,
    /// How the configured address was mapped, if at all.
    pub mapped: Option<AddressMapping>,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// A resolved address to try, with its configured name.
struct Candidate {
    endpoint: Endpoint,
    place: String,
    mapped: Option<AddressMapping>,
}

impl Candidate {
    /// Describes the address for messages.
    fn describe(&self) -> String {
        match &self.mapped {
            Some(mapped) => format!("{} ({} for {})", mapped.to, mapped.by, mapped.from),
            None => self.place.clone(),
        }
    }
}

/// Connects to the first server that answers. If `from_container` is set, Docker's
/// address mapping takes precedence over local name resolution.
pub async fn connect(
    address: &Address,
    tls: &MakeRustlsConnect,
    docker: Option<&Runtime>,
    from_container: bool,
    until: Instant,
) -> Result<Connected, Reason> {
    let (candidates, mut failures) = resolve_hosts(address, docker, from_container, until).await;
    for (i, candidate) in candidates.iter().enumerate() {
        let start = Instant::now();
        let left = until.saturating_duration_since(start);
        // A server that does not answer must leave time for the next server.
        let share = left / u32::try_from(candidates.len() - i).unwrap_or(1);
        let why = match timeout(share, attempt(address, tls, candidate)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(failure)) => errors::connection_error(&failure, &candidate.describe(), start.elapsed()),
            Err(_) => no_answer(&candidate.describe(), start.elapsed()),
        };
        // An error from a server is final, except "starting up" (57P03).
        if why.code.as_deref().is_some_and(|code| code != "57P03") {
            return Err(why);
        }
        // A name can resolve to several addresses, so report only the last failure.
        failures.retain(|(place, _)| *place != candidate.place);
        failures.push((candidate.place.clone(), why));
    }
    Err(combined(failures.into_iter().map(|(_, why)| why).collect()))
}

fn combined(mut failures: Vec<Reason>) -> Reason {
    let messages: Vec<String> = failures.iter().map(|why| why.message.clone()).collect();
    match failures.pop() {
        Some(last) => Reason { message: messages.join("; "), ..last },
        None => Reason::new(ReasonKind::NotConfigured, "the address does not name a host"),
    }
}

/// Resolves the hosts of an address, in order. Each failure is listed with its `host:port`.
async fn resolve_hosts(
    address: &Address,
    docker: Option<&Runtime>,
    from_container: bool,
    until: Instant,
) -> (Vec<Candidate>, Vec<(String, Reason)>) {
    let endpoints = address.endpoints();
    let places: Vec<String> = endpoints.iter().map(Endpoint::host_port).collect();
    // Resolve all hosts at once, so that an unresponsive name server costs only the time of one lookup.
    let found = endpoints.into_iter().map(|endpoint| candidates_for(endpoint, docker, from_container, until));
    let mut candidates = Vec::new();
    let mut failures = Vec::new();
    for (place, found) in places.into_iter().zip(join_all(found).await) {
        match found {
            Ok(found) => candidates.extend(found),
            Err(why) => failures.push((place, why)),
        }
    }
    (candidates, failures)
}

async fn candidates_for(
    endpoint: Endpoint,
    docker: Option<&Runtime>,
    from_container: bool,
    until: Instant,
) -> Result<Vec<Candidate>, Reason> {
    let place = endpoint.host_port();
    let name = match (&endpoint.host, endpoint.ip) {
        (Host::Tcp(name), None) => name.clone(),
        _ => {
            let mapped = None;
            return Ok(vec![Candidate { endpoint, place, mapped }]);
        }
    };
    let mapped = || docker.and_then(|docker| docker.map_address(&name, endpoint.port));
    let mut by_docker = if from_container { mapped() } else { None };
    let mut found = match &by_docker {
        Some(mapped) => lookup(&mapped.to, until).await,
        None => lookup(&place, until).await,
    };
    if found.is_err() && by_docker.is_none() {
        by_docker = mapped();
        if let Some(mapped) = &by_docker {
            found = lookup(&mapped.to, until).await;
        }
    }
    let found = found.map_err(|why| match why.kind {
        ReasonKind::Unresolved => unresolved(&name, docker),
        _ => why,
    })?;
    let candidate = |found: SocketAddr| Candidate {
        endpoint: Endpoint {
            // verify-full checks the certificate against the configured name.
            host: endpoint.host.clone(),
            ip: Some(found.ip()),
            port: found.port(),
        },
        place: by_docker.as_ref().map_or(&place, |mapped| &mapped.to).clone(),
        mapped: by_docker.clone(),
    };
    Ok(found.into_iter().map(candidate).collect())
}

fn unresolved(name: &str, docker: Option<&Runtime>) -> Reason {
    let docker_result = match docker {
        Some(_) => "and no running container has this name",
        None => "and Docker, which could map it, is not available",
    };
    Reason::new(ReasonKind::Unresolved, format!("{name} does not resolve from here, {docker_result}"))
}

async fn attempt(
    address: &Address,
    tls: &MakeRustlsConnect,
    candidate: &Candidate,
) -> Result<Connected, Failure> {
    let local = matches!(candidate.endpoint.host, Host::Unix(_));
    match address.ssl.mode {
        _ if local => open_connection(address, tls, candidate, false).await,
        Mode::Disable => open_connection(address, tls, candidate, false).await,
        Mode::Prefer => match open_connection(address, tls, candidate, true).await {
            Err(failure) if may_connect_without_tls(&failure) => {
                open_connection(address, tls, candidate, false).await
            }
            other => other,
        },
        _ => open_connection(address, tls, candidate, true).await,
    }
}

/// Reports whether to retry without TLS, as libpq does with `prefer` if the handshake
/// failed or the server admits only unencrypted connections (28000: no entry in
/// pg_hba.conf).
fn may_connect_without_tls(failure: &Failure) -> bool {
    let Failure::Driver(error, traffic) = failure else { return false };
    let refuses_tls = errors::is_tls_error(error) || error.code().is_some_and(|code| code.code() == "28000");
    refuses_tls && traffic.fault().is_none()
}

async fn open_connection(
    address: &Address,
    tls: &MakeRustlsConnect,
    candidate: &Candidate,
    encrypted: bool,
) -> Result<Connected, Failure> {
    let mode = if encrypted { SslMode::Require } else { SslMode::Disable };
    let opened = transport::open(&address.config_for(&candidate.endpoint, mode), tls).await?;
    let reached =
        Reached { place: candidate.place.clone(), mapped: candidate.mapped.clone(), tls: encrypted };
    Ok((opened, reached))
}
