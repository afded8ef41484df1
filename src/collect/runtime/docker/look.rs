//! The containers of the project, as the engine shows them.

use crate::collect::in_time;
use crate::collect::runtime::docker::discover::Discovered;
use crate::collect::runtime::docker::discover::WithEnvironment;
use crate::collect::runtime::docker::engine::{Engine, a_listed, early, inspect};
use crate::collect::runtime::docker::project::Listed;
use crate::collect::runtime::docker::{container, discover, project};
use crate::config::Config;
use crate::evidence::{Runtime, Seen, Why};
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use tokio::time::Instant;

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

pub(crate) async fn seen(config: &Config, engine: &Engine) -> Result<(Runtime, Discovered), Why> {
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
