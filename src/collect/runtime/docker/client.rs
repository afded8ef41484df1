//! The Docker Engine client and helpers shared by all requests.

use crate::base::secret::{redact, redact_url};
use crate::collect::runtime::docker::address;
use crate::collect::runtime::docker::container_list::{ContainerList, Listed};
use crate::collect::runtime::docker::transport::{Failure, Transport};
use crate::collect::{http_errors, tls_probe, with_deadline};
use crate::config::Config;
use crate::evidence::{Reason, ReasonKind};
use bollard::errors::Error;
use bollard::models::ContainerInspectResponse;
use bollard::{API_DEFAULT_VERSION, BollardRequest, body_full};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use tokio::time::{Duration, Instant};

/// Time reserved before the deadline for returning the results.
pub(crate) const DEADLINE_MARGIN: Duration = Duration::from_millis(150);

/// Returns the time at which a driver gives up so that its results arrive before the
/// deadline.
pub(crate) fn before_deadline(until: Instant) -> Instant {
    until.checked_sub(DEADLINE_MARGIN).unwrap_or(until)
}

/// Formats a path for display, relative to the current directory if the path is inside it.
pub(crate) fn shown_path(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&current) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        Ok(_) => ".".into(),
        Err(_) => path.display().to_string(),
    }
}

/// Bollard's timeout in seconds. The callers' deadlines are much earlier.
const CLIENT_TIMEOUT: u64 = 3600;

/// How many times longer than `--log-limit` a log may be: the limit is applied to an estimate.
const MAX_LOG_FACTOR: u64 = 2;

/// A client, and the engine's address for display.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) client: bollard::Docker,
    pub(crate) address: String,
    transport: Arc<Transport>,
}

impl Engine {
    /// Finds the engine's address and creates a client. Sends nothing.
    pub(crate) fn connect(config: &Config) -> Result<Engine, Reason> {
        crate::collect::tls::install_tls_provider();
        let host = address::address(config.endpoints.docker.as_deref())?;
        let address = redact_url(&host);
        let transport = Arc::new(Transport::new(&host, config.deadline, MAX_LOG_FACTOR * config.log_limit)?);
        let sender = transport.clone();
        let send = move |request: BollardRequest| {
            let sender = sender.clone();
            async move { sender.send(request).await }
        };
        let client = bollard::Docker::connect_with_custom_transport(
            send,
            Some("http://engine"),
            CLIENT_TIMEOUT,
            API_DEFAULT_VERSION,
        );
        match client {
            Ok(client) => Ok(Engine { client, address, transport }),
            Err(error) => Err(error_reason(&error, &address)),
        }
    }

    /// Requests a path whose response bollard would buffer in full, and returns the body if the
    /// request succeeds.
    pub(crate) async fn get(&self, path: &str) -> Result<Incoming, Error> {
        let request = Request::get(format!("http://engine{path}")).body(body_full(Bytes::new()))?;
        let response = self.transport.send(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        let body = response.into_body().collect().await?.to_bytes();
        let message = serde_json::from_slice::<EngineError>(&body).map(|error| error.message);
        let message = message.unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned());
        Err(Error::DockerResponseServerError { status_code: status.as_u16(), message })
    }

    /// Returns all containers. The list can be long, so only the required fields are kept.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, Error> {
        let body = self.get("/containers/json?all=true").await?.collect().await?.to_bytes();
        Ok(serde_json::from_slice::<ContainerList>(&body)?.0)
    }

    /// Converts a client error to a reason.
    pub(crate) fn reason(&self, error: &Error) -> Reason {
        error_reason(error, &self.address)
    }

    /// Returns a clearer reason if the request failed because the engine expects TLS, or else `why`.
    pub(crate) async fn explain(&self, why: Reason, until: Instant) -> Reason {
        let Some(peer) = self.transport.plain_peer() else { return why };
        if !http_errors::may_expect_tls(&why, &self.address) {
            return why;
        }
        match tls_probe::expects_tls_before(peer, until).await {
            true => http_errors::expects_tls(&self.address),
            false => why,
        }
    }
}

/// The body of an error response.
#[derive(Deserialize)]
struct EngineError {
    message: String,
}

/// Returns the error that bollard wraps. The wrapper is transparent, so the source chain skips the
/// wrapped error.
fn inner(error: &Error) -> &(dyn std::error::Error + 'static) {
    match error {
        Error::HyperResponseError { err } => err,
        Error::IOError { err } => err,
        other => other,
    }
}

/// Converts a client error to a reason that names the address.
pub(crate) fn error_reason(error: &Error, address: &str) -> Reason {
    let path = address.strip_prefix("unix://").unwrap_or(address);
    let no_permission = || Reason::new(ReasonKind::Permission, format!("no permission to access {path}"));
    let no_engine = |kind| Reason::new(kind, format!("no Docker Engine at {address}"));
    if let Some(failure) = Failure::of(inner(error)) {
        return failure.reason(address);
    }
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let details = redact(message.trim());
            let separator = if details.is_empty() { "" } else { ": " };
            let (kind, what) = match status_code {
                401 => (ReasonKind::Auth, "wants a login"),
                403 => (ReasonKind::Permission, "denies access"),
                _ => (ReasonKind::Failed, "failed to answer"),
            };
            let message = format!("{address} {what} (HTTP status {status_code}){separator}{details}");
            Reason::new(kind, message).code(status_code.to_string())
        }
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => {
            let message = format!("{address} does not respond like a Docker Engine");
            Reason::new(ReasonKind::Failed, message)
        }
        Error::RequestTimeoutError => Reason::new(ReasonKind::NoAnswer, format!("no answer from {address}")),
        other => match http_errors::reason(inner(other), address, Duration::ZERO) {
            why if why.kind == ReasonKind::Permission => no_permission(),
            why if why.message.ends_with(&format!(" by {address}")) => {
                let message = format!("no Docker Engine at {address}: connection refused");
                Reason::new(why.kind, message)
            }
            why if why.kind == ReasonKind::Missing => no_engine(why.kind),
            why => why,
        },
    }
}

/// Inspects a container. Returns `None` if it has been removed since it was listed.
pub(crate) async fn inspect(engine: &Engine, id: &str) -> Result<Option<ContainerInspectResponse>, Reason> {
    match engine.client.inspect_container(id, None).await {
        Ok(response) => Ok(Some(response)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(engine.reason(&error)),
    }
}

/// Maximum number of containers inspected at the same time.
const INSPECTED_AT_ONCE: usize = 8;
/// An inspection may take at most the remaining time divided by this number, so that a hanging
/// inspection does not delay the results of the others.
const INSPECTION_SHARE: u32 = 4;

/// Inspects the containers, a few at a time, and passes each result to `keep`. If a container
/// cannot be inspected, only its own evidence is lost.
pub(crate) async fn inspect_all<T>(
    engine: &Engine,
    containers: Vec<Listed>,
    until: Instant,
    keep: impl Fn(ContainerInspectResponse) -> T,
) -> Vec<(Listed, Result<Option<T>, Reason>)> {
    let share = until.saturating_duration_since(Instant::now()) / INSPECTION_SHARE;
    let keep = &keep;
    let inspections = containers.into_iter().map(|container| async move {
        let until = until.min(Instant::now() + share);
        let peer = format!("the inspection of {}", container.name);
        let response = with_deadline(&peer, until, inspect(engine, &container.id)).await;
        (container, response.map(|response| response.map(keep)))
    });
    stream::iter(inspections).buffered(INSPECTED_AT_ONCE).collect().await
}
