//! The way to the server: names, the addresses behind them, TLS or not.

use crate::collect::database::postgres::address::{Address, Endpoint};
use crate::collect::database::postgres::ssl::Mode;
use crate::collect::database::postgres::why;
use crate::collect::no_answer;
use crate::evidence::{Mapped, Runtime, Why, WhyKind};
use std::net::SocketAddr;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection, and how it came about.
pub type Connected = (Client, Reached);

/// What was connected to.
pub struct Reached {
    /// `host:port` that answered.
    pub place: String,
    /// How the configured address was mapped, if it was.
    pub mapped: Option<Mapped>,
    /// Whether it is encrypted.
    pub tls: bool,
}

/// One thing to connect to: a resolved address, under its configured name.
struct Way {
    endpoint: Endpoint,
    place: String,
    mapped: Option<Mapped>,
}

impl Way {
    /// How messages call it.
    fn shown(&self) -> String {
        match &self.mapped {
            Some(mapped) => format!("{} ({} for {})", mapped.to, mapped.by, mapped.from),
            None => self.place.clone(),
        }
    }
}

/// Connects to the first server that answers. `inside`: the address is one that
/// a container was given, so containers know best what it means.
pub async fn connect(
    address: &Address,
    tls: &MakeRustlsConnect,
    docker: Option<&Runtime>,
    inside: bool,
    until: Instant,
) -> Result<Connected, Why> {
    let start = Instant::now();
    let (ways, mut troubles) = ways(address, docker, inside).await;
    for (i, way) in ways.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        // A way that stays silent must leave time for the next one.
        let share = left / u32::try_from(ways.len() - i).unwrap_or(1);
        let why = match timeout(share, attempt(address, tls, way)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => why::connecting(&error, &way.shown(), start.elapsed()),
            Err(_) => no_answer(&way.shown(), start.elapsed()),
        };
        // A server that answers "no" has answered; "starting up" (57P03) is no answer yet.
        if why.code.as_deref().is_some_and(|code| code != "57P03") {
            return Err(why);
        }
        // One name can have several addresses: the last outcome tells.
        troubles.retain(|(place, _)| *place != way.place);
        troubles.push((way.place.clone(), why));
    }
    Err(all_of(troubles.into_iter().map(|(_, why)| why).collect()))
}

fn all_of(mut troubles: Vec<Why>) -> Why {
    let says: Vec<String> = troubles.iter().map(|why| why.say.clone()).collect();
    match troubles.pop() {
        Some(last) => Why { say: says.join("; "), ..last },
        None => Why::new(WhyKind::NotConfigured, "the address names no host"),
    }
}

/// What the address's hosts stand for, in order, and why the others stand for
/// nothing, by place.
async fn ways(address: &Address, docker: Option<&Runtime>, inside: bool) -> (Vec<Way>, Vec<(String, Why)>) {
    let mut ways = Vec::new();
    let mut troubles = Vec::new();
    for endpoint in address.endpoints() {
        let place = endpoint.shown();
        match ways_to(endpoint, docker, inside).await {
            Ok(found) => ways.extend(found),
            Err(why) => troubles.push((place, why)),
        }
    }
    (ways, troubles)
}

async fn ways_to(endpoint: Endpoint, docker: Option<&Runtime>, inside: bool) -> Result<Vec<Way>, Why> {
    let place = endpoint.shown();
    let name = match (&endpoint.host, endpoint.ip) {
        (Host::Tcp(name), None) => name.clone(),
        _ => {
            let mapped = None;
            return Ok(vec![Way { endpoint, place, mapped }]);
        }
    };
    let mapped = || docker.and_then(|docker| docker.reach(&name, endpoint.port));
    let mut by_docker = if inside { mapped() } else { None };
    let mut found = match &by_docker {
        Some(mapped) => resolve(&mapped.to).await,
        None => resolve(&place).await,
    };
    if found.is_empty() && by_docker.is_none() {
        by_docker = mapped();
        if let Some(mapped) = &by_docker {
            found = resolve(&mapped.to).await;
        }
    }
    if found.is_empty() {
        return Err(unresolved(&name, docker));
    }
    let way = |found: SocketAddr| Way {
        endpoint: Endpoint {
            // The configured name stays: verify-full is about that one.
            host: endpoint.host.clone(),
            ip: Some(found.ip()),
            port: found.port(),
        },
        place: by_docker.as_ref().map_or(&place, |mapped| &mapped.to).clone(),
        mapped: by_docker.clone(),
    };
    Ok(found.into_iter().map(way).collect())
}

async fn resolve(place: &str) -> Vec<SocketAddr> {
    match lookup_host(place).await {
        Ok(found) => found.collect(),
        Err(_) => Vec::new(),
    }
}

fn unresolved(name: &str, docker: Option<&Runtime>) -> Why {
    let but = match docker {
        Some(_) => "and no running container answers to it",
        None => "and Docker, which might know it, was not seen",
    };
    Why::new(WhyKind::Unresolved, format!("the name {name} does not resolve here, {but}"))
}

async fn attempt(address: &Address, tls: &MakeRustlsConnect, way: &Way) -> Result<Connected, Error> {
    let local = matches!(way.endpoint.host, Host::Unix(_));
    match address.ssl.mode {
        _ if local => open(address, tls, way, false).await,
        Mode::Disable => open(address, tls, way, false).await,
        Mode::Prefer => match open(address, tls, way, true).await {
            Err(error) if plain_may_do(&error) => open(address, tls, way, false).await,
            other => other,
        },
        _ => open(address, tls, way, true).await,
    }
}

/// As libpq does with `prefer`: without TLS where TLS does not come about, or
/// where the server lets us in only without (28000: no entry in pg_hba.conf).
fn plain_may_do(error: &Error) -> bool {
    why::is_tls(error) || error.code().is_some_and(|code| code.code() == "28000")
}

async fn open(
    address: &Address,
    tls: &MakeRustlsConnect,
    way: &Way,
    encrypted: bool,
) -> Result<Connected, Error> {
    let mode = if encrypted { SslMode::Require } else { SslMode::Disable };
    let config = address.config_for(&way.endpoint, mode);
    let (client, connection) = config.connect(tls.clone()).await?;
    // Ends by itself when the client is dropped; its errors come out of the client's calls.
    tokio::spawn(connection);
    let reached = Reached { place: way.place.clone(), mapped: way.mapped.clone(), tls: encrypted };
    Ok((client, reached))
}
