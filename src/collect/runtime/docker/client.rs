//! The Docker Engine client and helpers shared by all requests.

use crate::base::secret::{redact, redact_url};
use crate::collect::http_errors;
use crate::collect::runtime::docker::address;
use crate::collect::runtime::docker::project_selection::Listed;
use crate::config::Config;
use crate::evidence::{Reason, ReasonKind};
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use std::path::Path;
use tokio::time::{Duration, Instant};

pub(crate) const PROJECT: &str = "com.docker.compose.project";

pub(crate) const SERVICE: &str = "com.docker.compose.service";

pub(crate) const ONE_OFF: &str = "com.docker.compose.oneoff";

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

/// A client, and the engine's address for display.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) client: bollard::Docker,
    pub(crate) address: String,
}

impl Engine {
    /// Finds the engine's address and creates a client. Sends nothing, but fails if the
    /// socket does not exist.
    pub(crate) fn connect(config: &Config) -> Result<Engine, Reason> {
        crate::collect::tls::install_tls_provider();
        let host = address::address(config.endpoints.docker.as_deref())?;
        let address = redact_url(&host);
        let client = bollard::Docker::connect_with_host(&host);
        match client {
            Ok(client) => Ok(Engine { client, address }),
            Err(error) => Err(error_reason(&error, &address)),
        }
    }

    /// Converts a client error to a reason.
    pub(crate) fn reason(&self, error: &Error) -> Reason {
        error_reason(error, &self.address)
    }
}

/// Converts a client error to a reason that names the address.
pub(crate) fn error_reason(error: &Error, address: &str) -> Reason {
    let path = address.strip_prefix("unix://").unwrap_or(address);
    let no_permission = || Reason::new(ReasonKind::Permission, format!("no permission to access {path}"));
    let no_engine = |kind| Reason::new(kind, format!("no Docker Engine at {address}"));
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let details = redact(message.trim());
            let separator = if details.is_empty() { "" } else { ": " };
            let message = format!("{address} returned HTTP status {status_code}{separator}{details}");
            Reason::new(ReasonKind::Failed, message).code(status_code.to_string())
        }
        Error::SocketNotFoundError(_) => match std::fs::metadata(path) {
            // No permission to access a parent directory.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => no_permission(),
            _ => no_engine(ReasonKind::Missing),
        },
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => {
            let message = format!("{address} does not respond like a Docker Engine");
            Reason::new(ReasonKind::Failed, message)
        }
        Error::RequestTimeoutError => Reason::new(ReasonKind::NoAnswer, format!("no answer from {address}")),
        other => match http_errors::reason(other, address) {
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

/// Extracts the fields for project selection. Returns `None` for containers created by
/// `docker compose run`, which are not the service itself.
pub(crate) fn listed_container(summary: ContainerSummary) -> Option<Listed> {
    let labels = summary.labels.unwrap_or_default();
    let one_off = labels.get(ONE_OFF).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let names = summary.names.unwrap_or_default().into_iter();
    // Names with an inner slash are links from other containers.
    let name = names.map(|name| name.trim_start_matches('/').to_string()).find(|name| !name.contains('/'));
    (!one_off).then(|| Listed {
        id: summary.id.unwrap_or_default(),
        name: name.unwrap_or_default(),
        project: labels.get(PROJECT).cloned(),
        service: labels.get(SERVICE).cloned(),
    })
}
