//! A connection to the engine, and what all requests share.

use crate::base::secret::{redact, shown_url};
use crate::collect::failure;
use crate::collect::runtime::docker::address;
use crate::collect::runtime::docker::project::Listed;
use crate::config::Config;
use crate::evidence::{Why, WhyKind};
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use std::path::Path;
use tokio::time::{Duration, Instant};

pub(crate) const PROJECT: &str = "com.docker.compose.project";

pub(crate) const SERVICE: &str = "com.docker.compose.service";

pub(crate) const ONE_OFF: &str = "com.docker.compose.oneoff";

/// What remains of the deadline for handing over what was seen.
pub(crate) const HANDING_OVER: Duration = Duration::from_millis(150);

/// The time at which a probe gives up, so that what it saw arrives in time.
pub(crate) fn early(until: Instant) -> Instant {
    until.checked_sub(HANDING_OVER).unwrap_or(until)
}

/// A path as it is shown: relative to the current directory where it is below.
pub(crate) fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(below) if !below.as_os_str().is_empty() => below.display().to_string(),
        Ok(_) => ".".into(),
        Err(_) => path.display().to_string(),
    }
}

/// A client, and the engine's address as it is shown.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) client: bollard::Docker,
    pub(crate) address: String,
}

impl Engine {
    /// Finds the engine's address and makes a client. Nothing is sent yet, but
    /// a socket that is not there is noticed.
    pub(crate) fn connect(config: &Config) -> Result<Engine, Why> {
        crate::collect::tls::install_tls_provider();
        let host = address::address(config.places.docker.as_deref())?;
        let address = shown_url(&host);
        let client = bollard::Docker::connect_with_host(&host);
        match client {
            Ok(client) => Ok(Engine { client, address }),
            Err(error) => Err(why(&error, &address)),
        }
    }

    /// An error of the client in words.
    pub(crate) fn why(&self, error: &Error) -> Why {
        why(error, &self.address)
    }
}

pub(crate) fn why(error: &Error, address: &str) -> Why {
    let path = address.strip_prefix("unix://").unwrap_or(address);
    let no_permission = || Why::new(WhyKind::Permission, format!("no permission on {path}"));
    let nobody = |kind| Why::new(kind, format!("no Docker Engine at {address}"));
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let said = redact(message.trim());
            let separator = if said.is_empty() { "" } else { ": " };
            let say = format!("{address} answers {status_code}{separator}{said}");
            Why::new(WhyKind::Failed, say).code(status_code.to_string())
        }
        Error::SocketNotFoundError(_) => match std::fs::metadata(path) {
            // A directory on the way to it may not be entered.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => no_permission(),
            _ => nobody(WhyKind::Missing),
        },
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => {
            let say = format!("{address} does not answer as a Docker Engine does");
            Why::new(WhyKind::Failed, say)
        }
        Error::RequestTimeoutError => Why::new(WhyKind::NoAnswer, format!("no answer from {address}")),
        other => match failure::why(other, address) {
            why if why.kind == WhyKind::Permission => no_permission(),
            why if why.say.ends_with(&format!(" by {address}")) => {
                let say = format!("no Docker Engine at {address}: connection refused");
                Why::new(why.kind, say)
            }
            why if why.kind == WhyKind::Missing => nobody(why.kind),
            why => why,
        },
    }
}

/// `None`: it has gone since it was listed.
pub(crate) async fn inspect(engine: &Engine, id: &str) -> Result<Option<ContainerInspectResponse>, Why> {
    match engine.client.inspect_container(id, None).await {
        Ok(seen) => Ok(Some(seen)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(engine.why(&error)),
    }
}

/// What the choice needs; `None` for containers of `docker compose run`, which
/// are not the service.
pub(crate) fn a_listed(summary: ContainerSummary) -> Option<Listed> {
    let labels = summary.labels.unwrap_or_default();
    let one_off = labels.get(ONE_OFF).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let names = summary.names.unwrap_or_default().into_iter();
    // Names with a slash inside are links of other containers to this one.
    let name = names.map(|name| name.trim_start_matches('/').to_string()).find(|name| !name.contains('/'));
    (!one_off).then(|| Listed {
        id: summary.id.unwrap_or_default(),
        name: name.unwrap_or_default(),
        project: labels.get(PROJECT).cloned(),
        service: labels.get(SERVICE).cloned(),
    })
}
