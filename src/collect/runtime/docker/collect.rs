//! Collects the project's containers from the engine.

use crate::collect::runtime::docker::client::{Engine, before_deadline, inspect, listed_container};
use crate::collect::runtime::docker::environment_addresses::{EnvironmentAddresses, InstanceWithEnvironment};
use crate::collect::runtime::docker::project_selection::Listed;
use crate::collect::runtime::docker::{container, environment_addresses, project_selection};
use crate::collect::with_deadline;
use crate::config::Config;
use crate::evidence::{Observed, Reason, Runtime};
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Collects from the engine (`/version`, `/containers/json`, `/containers/{id}/json`),
/// including the addresses in the containers' environments. Gives up shortly before
/// `until`.
pub async fn collect(config: &Config, until: Instant) -> (Observed<Runtime>, EnvironmentAddresses) {
    let engine = match Engine::connect(config) {
        Ok(engine) => engine,
        Err(why) => return (Observed::Unknown(why), EnvironmentAddresses::default()),
    };
    match with_deadline(&engine.address, before_deadline(until), collect_from(config, &engine)).await {
        Ok((docker, discovered)) => (Observed::Known(docker), discovered),
        Err(why) => (Observed::Unknown(why), EnvironmentAddresses::default()),
    }
}

pub(crate) async fn collect_from(
    config: &Config,
    engine: &Engine,
) -> Result<(Runtime, EnvironmentAddresses), Reason> {
    let all = ListContainersOptionsBuilder::new().all(true).build();
    let (version, listed) =
        tokio::try_join!(engine.client.version(), engine.client.list_containers(Some(all)))
            .map_err(|error| engine.reason(&error))?;
    let listed: Vec<Listed> = listed.into_iter().filter_map(listed_container).collect();
    let requested = config.endpoints.project.as_deref();
    let choice = project_selection::choose(&listed, &config.pipeline, requested)?;
    let inspected = try_join_all(choice.ids.iter().map(|id| inspect(engine, id))).await?;
    let mut containers: Vec<InstanceWithEnvironment> = inspected
        .into_iter()
        .flatten()
        .map(|response| {
            let environment = response.config.as_ref().and_then(|c| c.env.clone()).unwrap_or_default();
            (container::container(response, &config.pipeline), environment)
        })
        .collect();
    containers.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let discovered = environment_addresses::discover(&containers, &config.pipeline);
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
    Ok((docker.with_instances(containers.into_iter().map(|(container, _)| container)), discovered))
}
