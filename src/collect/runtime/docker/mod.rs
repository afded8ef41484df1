//! The Docker Engine: the project's containers, and what their environment
//! tells about the other systems.

pub mod address;
pub mod container;
pub mod discover;
pub mod further;
pub mod project;
pub mod survey;

pub use discover::{Discovered, told_to};
pub(crate) use further::further;

use crate::base::secret::{redact, shown_url};
use crate::collect::{failure, in_time};
use crate::config::Config;
use crate::evidence::{Runtime, Seen, Why, WhyKind};
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::ListContainersOptionsBuilder;
use discover::WithEnvironment;
use futures_util::future::try_join_all;
use project::Listed;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::time::{Duration, Instant};

pub(crate) const PROJECT: &str = "com.docker.compose.project";
pub(crate) const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// What remains of the deadline for handing over what was seen.
const HANDING_OVER: Duration = Duration::from_millis(150);

/// Looks at the engine (`/version`, `/containers/json`, `/containers/{id}/json`)
/// and tells what the containers know. Gives up shortly before `until`.
pub async fn look(config: &Config, until: Instant) -> (Seen<Runtime>, Discovered) {
    let engine = match Engine::connect(config) {
        Ok(engine) => engine,
        Err(why) => return (Seen::Unknown(why), Discovered::default()),
    };
    let who = engine.address.clone();
    match in_time(&who, early(until), seen(config, &engine)).await {
        Ok((docker, discovered)) => (Seen::Known(docker), discovered),
        Err(why) => (Seen::Unknown(why), Discovered::default()),
    }
}

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
        crate::collect::http::install_tls_provider();
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

fn why(error: &Error, address: &str) -> Why {
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

async fn seen(config: &Config, engine: &Engine) -> Result<(Runtime, Discovered), Why> {
    let all = ListContainersOptionsBuilder::new().all(true).build();
    let (version, listed) =
        tokio::try_join!(engine.client.version(), engine.client.list_containers(Some(all)))
            .map_err(|error| engine.why(&error))?;
    let listed: Vec<Listed> = listed.into_iter().filter_map(a_listed).collect();
    let asked = config.places.project.as_deref();
    let choice = project::choose(&listed, &config.pipeline, asked)?;
    let inspected = try_join_all(choice.ids.iter().map(|id| inspect(engine, id))).await?;
    let mut containers: Vec<WithEnvironment> = inspected
        .into_iter()
        .flatten()
        .map(|mut seen| {
            let config_of = seen.config.as_mut();
            let environment = config_of.and_then(|c| c.env.clone()).unwrap_or_default();
            (container::container(seen, &config.pipeline), environment)
        })
        .collect();
    containers.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let discovered = discover::discover(&containers, &config.pipeline);
    let docker = Runtime {
        address: engine.address.clone(),
        engine: version.version.unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        project: choice.project,
        other_projects: choice.others,
        workloads: BTreeMap::new(),
        images: BTreeMap::new(),
        clock: None,
        hosts: BTreeMap::new(),
        commands: None,
    };
    Ok((docker.with(containers.into_iter().map(|(seen, _)| seen)), discovered))
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
fn a_listed(summary: ContainerSummary) -> Option<Listed> {
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
