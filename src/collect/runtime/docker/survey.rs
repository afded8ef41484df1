//! A project that nobody has described: its containers, with all that tells
//! what they are.

use crate::base::secret::Secret;
use crate::collect::discovery::Part;
use crate::collect::in_time;
use crate::collect::runtime::docker::container::container;
use crate::collect::runtime::docker::newest::newest;
use crate::collect::runtime::docker::{Discovered, Engine, a_listed, early, inspect};
use crate::config::Config;
use crate::evidence::{Instance, InstanceState, Name, RestartPolicy, Runtime, Seen, Why, WhyKind};
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::{join_all, try_join_all};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// A project's containers, as the other probes need them and as parts of it.
pub struct Project {
    /// As evidence.
    pub docker: Runtime,
    /// Their environments.
    pub discovered: Discovered,
    /// One for each service.
    pub parts: Vec<Part>,
}

/// Looks at the project that was asked for, else at the one of that name, else at
/// the only one that runs, else at the containers of no project.
pub async fn survey(config: &Config, likely: Option<&str>, until: Instant) -> Result<Project, Why> {
    let engine = Engine::connect(config)?;
    let asked = config.places.project.as_deref();
    in_time(&engine.address.clone(), early(until), seen(config, &engine, (asked, likely))).await
}

async fn seen(
    config: &Config,
    engine: &Engine,
    (asked, likely): (Option<&str>, Option<&str>),
) -> Result<Project, Why> {
    let all = ListContainersOptionsBuilder::new().all(true).build();
    let (version, listed) =
        tokio::try_join!(engine.client.version(), engine.client.list_containers(Some(all)))
            .map_err(|error| engine.why(&error))?;
    let listed = listed.into_iter().filter_map(|summary| {
        let running = summary.state.as_ref().is_some_and(|state| state.to_string() == "running");
        Some((a_listed(summary)?, running))
    });
    let listed: Vec<_> = listed.collect();
    let projects = projects(listed.iter().map(|(one, running)| (one.project.as_deref(), *running)));
    let project = choose(&projects, asked, likely)?;
    let own =
        listed.iter().filter(|(one, running)| one.project == project && (project.is_some() || *running));
    let inspected = try_join_all(own.map(|(one, _)| inspect(engine, &one.id))).await?;
    let inspected: Vec<ContainerInspectResponse> = inspected.into_iter().flatten().collect();
    let environments = inspected.iter().map(|seen| {
        let environment = seen.config.as_ref().and_then(|config| config.env.clone()).unwrap_or_default();
        (seen.id.clone().unwrap_or_default(), environment.into_iter().map(Secret::new).collect())
    });
    let environments: BTreeMap<String, Vec<Secret>> = environments.collect();
    let parts = parts(config, &inspected);
    let mut containers: Vec<Instance> =
        inspected.into_iter().map(|seen| container(seen, &config.pipeline)).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    let docker = Runtime {
        address: engine.address.clone(),
        engine: version.version.unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        other_projects: projects.into_keys().filter(|name| Some(name) != project.as_ref()).collect(),
        project,
        workloads: BTreeMap::new(),
        images: BTreeMap::new(),
        clock: None,
        hosts: BTreeMap::new(),
        commands: None,
    };
    let docker = docker.with(containers);
    Ok(Project { docker, discovered: Discovered { environments, ..Discovered::default() }, parts })
}

/// The projects, and whether something of them runs.
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
    asked: Option<&str>,
    likely: Option<&str>,
) -> Result<Option<Name>, Why> {
    let names = |names: Vec<&Name>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(asked) = asked {
        return match projects.contains_key(asked) {
            true => Ok(Some(asked.into())),
            false => {
                let say = format!("no container of compose project `{asked}`");
                let here = names(projects.keys().collect());
                let here = if here.is_empty() { String::new() } else { format!("; here: {here}") };
                Err(Why::new(WhyKind::Missing, say + &here))
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
            let say = format!("{} compose projects run: {}", several.len(), names(several.to_vec()));
            Err(Why::new(WhyKind::Ambiguous, say))
        }
    }
}

/// One part for each service; replicas are one.
fn parts(config: &Config, inspected: &[ContainerInspectResponse]) -> Vec<Part> {
    let mut parts: BTreeMap<Name, Part> = BTreeMap::new();
    for seen in inspected {
        let part = part(seen, &container(seen.clone(), &config.pipeline));
        match parts.get_mut(&part.name) {
            Some(first) => {
                first.running |= part.running;
                first.addresses.extend(part.addresses);
            }
            None => drop(parts.insert(part.name.clone(), part)),
        }
    }
    parts.into_values().collect()
}

fn part(seen: &ContainerInspectResponse, as_evidence: &Instance) -> Part {
    let config = seen.config.clone().unwrap_or_default();
    let environment = config.env.unwrap_or_default();
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    let published: BTreeSet<u16> = as_evidence.addresses.ports.iter().map(|port| port.container).collect();
    let exposed = config.exposed_ports.unwrap_or_default().into_iter();
    let exposed = exposed.filter_map(|port| port.strip_suffix("/tcp")?.parse().ok());
    let test = config.healthcheck.and_then(|check| check.test);
    let stays = as_evidence.config.restart_policy.as_ref().is_some_and(|policy| *policy != RestartPolicy::No);
    Part {
        name: as_evidence.details.service.clone().unwrap_or_else(|| as_evidence.name.clone()),
        container: Some(as_evidence.name.clone()),
        image: as_evidence.image.clone(),
        // The image has its entrypoint by itself.
        command: config.cmd.unwrap_or_default(),
        declared: false,
        running: as_evidence.state == InstanceState::Running,
        ended: as_evidence.state == InstanceState::Exited && as_evidence.exit.code == 0 && !stays,
        variables: variables.map(|(name, value)| (name.to_string(), Secret::new(value))).collect(),
        ports: exposed.chain(published.iter().copied()).collect(),
        published,
        healthcheck: test.map(|words| words.join(" ")).filter(|text| !text.is_empty() && text != "NONE"),
        addresses: as_evidence.addresses.networks.values().filter(|ip| !ip.is_empty()).cloned().collect(),
        answers: None,
        log: Vec::new(),
    }
}

/// The newest log lines of each part, as far as they come in time.
pub async fn logs(config: &Config, project: &mut Project, until: Instant) {
    let Ok(engine) = Engine::connect(config) else { return };
    let read = project.parts.iter().map(|part| {
        let container = part.container.as_ref();
        let container = project.docker.instances().find(|seen| Some(&seen.name) == container);
        let engine = &engine;
        async move {
            match container {
                Some(container) => newest(engine, container, early(until)).await,
                None => Vec::new(),
            }
        }
    });
    let logs = join_all(read).await;
    for (part, log) in project.parts.iter_mut().zip(logs) {
        part.log = log;
    }
}

/// Whether a reason is that one of several projects must be named.
pub fn must_be_named(found: &Seen<String>) -> Option<&Why> {
    found.why().filter(|why| matches!(why.kind, WhyKind::Ambiguous))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_projects_one_must_be_named() {
        let projects =
            projects([(Some("a"), true), (Some("b"), false), (Some("c"), true), (None, true)].into_iter());
        let chosen = |asked, likely| choose(&projects, asked, likely);
        assert_eq!(chosen(None, None).unwrap_err().say, "2 compose projects run: a, c");
        assert_eq!(chosen(None, Some("c")).unwrap().as_deref(), Some("c"));
        assert_eq!(chosen(Some("b"), Some("c")).unwrap().as_deref(), Some("b"));
        assert_eq!(
            chosen(Some("x"), None).unwrap_err().say,
            "no container of compose project `x`; here: a, b, c"
        );
        let one = BTreeMap::from([("a".to_string(), true), ("b".to_string(), false)]);
        assert_eq!(choose(&one, None, None).unwrap().as_deref(), Some("a"));
        assert_eq!(choose(&BTreeMap::new(), None, None).unwrap(), None);
    }
}
