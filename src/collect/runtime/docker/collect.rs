//! Collects the project's containers from the engine.

use crate::base::secret::add_environment;
use crate::collect::runtime::docker::client::{Engine, before_deadline, inspect_all};
use crate::collect::runtime::docker::container_list::Listed;
use crate::collect::runtime::docker::environment_addresses::{EnvironmentAddresses, InstanceWithEnvironment};
use crate::collect::runtime::docker::{container, environment_addresses, project_selection};
use crate::collect::with_deadline;
use crate::config::Config;
use crate::evidence::{Name, Observed, Reason, Runtime};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::{Duration, Instant};

/// Collects from the engine (`/version`, `/containers/json`, `/containers/{id}/json`),
/// including the addresses in the containers' environments. Gives up shortly before
/// `until`.
pub async fn collect(config: &Config, until: Instant) -> (Observed<Runtime>, EnvironmentAddresses) {
    let engine = match Engine::connect(config) {
        Ok(engine) => engine,
        Err(why) => return (Observed::Unknown(why), EnvironmentAddresses::default()),
    };
    let until = before_deadline(until);
    match with_deadline(&engine.address, until, collect_from(config, &engine, until)).await {
        Ok((docker, discovered)) => (Observed::Known(docker), discovered),
        Err(why) => (Observed::Unknown(engine.explain(why, until).await), EnvironmentAddresses::default()),
    }
}

/// Inspections end this long before the other requests, so that partial results are still returned.
const INSPECTION_MARGIN: Duration = Duration::from_millis(50);

pub(crate) async fn collect_from(
    config: &Config,
    engine: &Engine,
    until: Instant,
) -> Result<(Runtime, EnvironmentAddresses), Reason> {
    let (version, mut listed) =
        tokio::try_join!(engine.client.version(), engine.list()).map_err(|error| engine.reason(&error))?;
    let requested = config.endpoints.project.as_deref();
    let choice = project_selection::choose(&listed, &config.pipeline, requested)?;
    let chosen: BTreeSet<&String> = choice.ids.iter().collect();
    listed.retain(|container| chosen.contains(&container.id));
    let until = until.checked_sub(INSPECTION_MARGIN).unwrap_or(until);
    let inspected = inspect_all(engine, listed, until, |response| {
        let environment = response.config.as_ref().and_then(|c| c.env.clone()).unwrap_or_default();
        (container::container(response, &config.pipeline), environment)
    });
    let mut containers: Vec<InstanceWithEnvironment> = Vec::new();
    let mut not_inspected = BTreeMap::new();
    for (listed, result) in inspected.await {
        match result {
            Ok(container) => containers.extend(container),
            Err(why) => drop(not_inspected.insert(workload_name(listed, choice.project.as_ref()), why)),
        }
    }
    if let (true, Some(why)) = (containers.is_empty(), not_inspected.values().next()) {
        return Err(why.clone());
    }
    containers.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    add_environment(
        containers.iter().flat_map(|(_, environment)| environment).filter_map(|v| v.split_once('=')),
    );
    let discovered = environment_addresses::discover(&containers, &config.pipeline);
    let docker = Runtime {
        address: engine.address.clone(),
        engine: version.version.unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        project: choice.project,
        other_projects: choice.others,
        workloads: BTreeMap::new(),
        not_inspected,
        images: BTreeMap::new(),
        clock: None,
        hosts: BTreeMap::new(),
        commands: None,
    };
    Ok((docker.with_instances(containers.into_iter().map(|(container, _)| container)), discovered))
}

/// Returns the name of a container's workload, by the same rule as [`Runtime::with_instances`].
fn workload_name(container: Listed, project: Option<&Name>) -> Name {
    let in_project = container.project.is_some() && container.project.as_ref() == project;
    container.service.filter(|_| in_project).unwrap_or(container.name)
}
