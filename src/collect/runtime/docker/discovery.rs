//! Discovers a project's containers, with everything that helps classify them.

use crate::base::secret::Secret;
use crate::collect::discovered::Component;
use crate::collect::runtime::docker::container::container;
use crate::collect::runtime::docker::discovery_logs::newest_lines;
use crate::collect::runtime::docker::{Engine, EnvironmentAddresses, before_deadline, inspect_all};
use crate::collect::with_deadline;
use crate::config::Config;
use crate::evidence::{Instance, InstanceState, Name, Observed, Reason, ReasonKind, RestartPolicy, Runtime};
use bollard::models::ContainerInspectResponse;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// A project's containers, as evidence and as components.
pub struct Project {
    /// The evidence that the other drivers need.
    pub docker: Runtime,
    /// The containers' environments.
    pub discovered: EnvironmentAddresses,
    /// One component per service.
    pub components: Vec<Component>,
}

/// Reads the requested project, if any. Otherwise reads the project named `likely`, the
/// only running project, or the containers without a project, in that order of preference.
pub async fn discover(config: &Config, likely: Option<&str>, until: Instant) -> Result<Project, Reason> {
    let engine = Engine::connect(config)?;
    let requested = config.endpoints.project.as_deref();
    let until = before_deadline(until);
    let project = read_project(config, &engine, (requested, likely), until);
    with_deadline(&engine.address, until, project).await
}

async fn read_project(
    config: &Config,
    engine: &Engine,
    (requested, likely): (Option<&str>, Option<&str>),
    until: Instant,
) -> Result<Project, Reason> {
    let (version, mut listed) =
        tokio::try_join!(engine.client.version(), engine.list()).map_err(|error| engine.reason(&error))?;
    let projects = projects(listed.iter().map(|container| (container.project.as_deref(), container.running)));
    let project = choose(&projects, requested, likely)?;
    listed.retain(|container| container.project == project && (project.is_some() || container.running));
    let inspected = inspect_all(engine, listed, until, |response| response).await;
    let inspected = inspected.into_iter().map(|(_, response)| response).collect::<Result<Vec<_>, _>>()?;
    let inspected: Vec<ContainerInspectResponse> = inspected.into_iter().flatten().collect();
    let environments = inspected.iter().map(|response| {
        let environment = response.config.as_ref().and_then(|config| config.env.clone()).unwrap_or_default();
        (response.id.clone().unwrap_or_default(), environment.into_iter().map(Secret::new).collect())
    });
    let environments: BTreeMap<String, Vec<Secret>> = environments.collect();
    let components = components(config, &inspected);
    let mut containers: Vec<Instance> =
        inspected.into_iter().map(|response| container(response, &config.pipeline)).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    let docker = Runtime {
        address: engine.address.clone(),
        engine: version.version.unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        other_projects: projects.into_keys().filter(|name| Some(name) != project.as_ref()).collect(),
        project,
        workloads: BTreeMap::new(),
        not_inspected: BTreeMap::new(),
        images: BTreeMap::new(),
        clock: None,
        hosts: BTreeMap::new(),
        commands: None,
    };
    let docker = docker.with_instances(containers);
    Ok(Project {
        docker,
        discovered: EnvironmentAddresses { environments, ..EnvironmentAddresses::default() },
        components,
    })
}

/// Returns the projects and whether each has a running container.
fn projects<'a>(listed: impl Iterator<Item = (Option<&'a str>, bool)>) -> BTreeMap<Name, bool> {
    let mut projects = BTreeMap::new();
    for (project, running) in listed {
        if let Some(project) = project {
            *projects.entry(project.to_string()).or_default() |= running;
        }
    }
    projects
}

fn choose(
    projects: &BTreeMap<Name, bool>,
    requested: Option<&str>,
    likely: Option<&str>,
) -> Result<Option<Name>, Reason> {
    let names = |names: Vec<&Name>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(requested) = requested {
        return match projects.contains_key(requested) {
            true => Ok(Some(requested.into())),
            false => {
                let message = format!("no containers in compose project `{requested}`");
                let existing = names(projects.keys().collect());
                let existing =
                    if existing.is_empty() { String::new() } else { format!("; existing: {existing}") };
                Err(Reason::new(ReasonKind::Missing, message + &existing))
            }
        };
    }
    if let Some(likely) = likely.filter(|likely| projects.contains_key(*likely)) {
        return Ok(Some(likely.into()));
    }
    let running: Vec<&Name> = projects.iter().filter(|(_, runs)| **runs).map(|(name, _)| name).collect();
    match running.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let message =
                format!("{} compose projects are running: {}", several.len(), names(several.to_vec()));
            Err(Reason::new(ReasonKind::Ambiguous, message))
        }
    }
}

/// Returns one component per service; replicas count as one.
fn components(config: &Config, inspected: &[ContainerInspectResponse]) -> Vec<Component> {
    let mut components: BTreeMap<Name, Component> = BTreeMap::new();
    for response in inspected {
        let component = component(response, &container(response.clone(), &config.pipeline));
        match components.get_mut(&component.name) {
            Some(first) => {
                first.running |= component.running;
                first.addresses.extend(component.addresses);
            }
            None => drop(components.insert(component.name.clone(), component)),
        }
    }
    components.into_values().collect()
}

fn component(response: &ContainerInspectResponse, instance: &Instance) -> Component {
    let config = response.config.clone().unwrap_or_default();
    let environment = config.env.unwrap_or_default();
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    let published: BTreeSet<u16> = instance.addresses.ports.iter().map(|port| port.container).collect();
    let exposed = config.exposed_ports.unwrap_or_default().into_iter();
    let exposed = exposed.filter_map(|port| port.strip_suffix("/tcp")?.parse().ok());
    let test = config.healthcheck.and_then(|check| check.test);
    let restarts = instance.config.restart_policy.as_ref().is_some_and(|policy| *policy != RestartPolicy::No);
    Component {
        name: instance.details.service.clone().unwrap_or_else(|| instance.name.clone()),
        container: Some(instance.name.clone()),
        image: instance.image.clone(),
        // The entrypoint comes from the image.
        command: config.cmd.unwrap_or_default(),
        declared: false,
        running: instance.state == InstanceState::Running,
        one_shot: instance.state == InstanceState::Exited && instance.exit.code == 0 && !restarts,
        variables: variables.map(|(name, value)| (name.to_string(), Secret::new(value))).collect(),
        ports: exposed.chain(published.iter().copied()).collect(),
        published,
        healthcheck: test.map(|words| words.join(" ")).filter(|text| !text.is_empty() && text != "NONE"),
        addresses: instance.addresses.networks.values().filter(|ip| !ip.is_empty()).cloned().collect(),
        ..Component::default()
    }
}

/// Reads each component's newest log lines, leaving out those that do not arrive in time.
pub async fn read_logs(config: &Config, project: &mut Project, until: Instant) {
    let Ok(engine) = Engine::connect(config) else { return };
    let reads = project.components.iter().map(|component| {
        let container = component.container.as_ref();
        let container = project.docker.instances().find(|instance| Some(&instance.name) == container);
        let engine = &engine;
        async move {
            match container {
                Some(container) => newest_lines(engine, container, before_deadline(until)).await,
                None => Vec::new(),
            }
        }
    });
    let logs = join_all(reads).await;
    for (component, log) in project.components.iter_mut().zip(logs) {
        component.log = log;
    }
}

/// Returns the reason if several projects are running and the user must name one of them.
pub fn ambiguous_project(found: &Observed<String>) -> Option<&Reason> {
    found.reason().filter(|why| matches!(why.kind, ReasonKind::Ambiguous))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requires_project_name_if_several_are_running() {
        let projects =
            projects([(Some("a"), true), (Some("b"), false), (Some("c"), true), (None, true)].into_iter());
        let chosen = |requested, likely| choose(&projects, requested, likely);
        assert_eq!(chosen(None, None).unwrap_err().message, "2 compose projects are running: a, c");
        assert_eq!(chosen(None, Some("c")).unwrap().as_deref(), Some("c"));
        assert_eq!(chosen(Some("b"), Some("c")).unwrap().as_deref(), Some("b"));
        assert_eq!(
            chosen(Some("x"), None).unwrap_err().message,
            "no containers in compose project `x`; existing: a, b, c"
        );
        let one = BTreeMap::from([("a".to_string(), true), ("b".to_string(), false)]);
        assert_eq!(choose(&one, None, None).unwrap().as_deref(), Some("a"));
        assert_eq!(choose(&BTreeMap::new(), None, None).unwrap(), None);
    }
}
