//! Discovers a pipeline without a pipeline file. Reads the running containers and the
//! compose files first, and then, concurrently, the systems that the components use.

use crate::base::secret::{add_environment, redact_url};
use crate::collect::broker::kafka;
use crate::collect::database::postgres;
use crate::collect::discovered::classify::{self, DatabaseUse, Kind, kind};
use crate::collect::discovered::{Cluster, Component, Database, Discovery};
use crate::collect::http;
use crate::collect::runtime::compose;
use crate::collect::runtime::docker::{self, EnvironmentAddresses};
use crate::config::Config;
use crate::evidence::{Observed, Runtime, System};
use compose::discovery::Declared;
use docker::discovery::Project;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Maximum number of databases to inspect.
const MAX_DATABASES: usize = 4;

/// Discovers everything that can be reached and returns what was found by the deadline.
pub async fn discover(config: &Config) -> Discovery {
    crate::collect::tls::install_tls_provider();
    let start = Instant::now();
    let until = start + config.deadline;
    let third = start + config.deadline / 3;
    let here = compose::discovery::discover(config, None, third).await;
    let likely_project = here.known().and_then(|declared| declared.project.clone());
    let mut project = match config.without.contains(&System::Docker) {
        true => Observed::Unknown(System::Docker.skipped_reason()),
        false => docker::discovery::discover(config, likely_project.as_deref(), third).await.into(),
    };
    let evidence = project.known().map(|project: &Project| project.docker.clone());
    let declared = declared(config, here, evidence.as_ref(), until).await;
    if let Some(project) = project.known_mut().filter(|_| !config.without.contains(&System::Logs)) {
        docker::discovery::read_logs(config, project, third + config.deadline / 6).await;
    }
    let mut components = merge(declared.known(), project.known());
    classify::find_uses(&mut components);
    for component in &components {
        add_environment(component.variables.iter().map(|(name, value)| (name.as_str(), value.expose())));
    }
    let (kafka, databases, endpoints) = tokio::join!(
        clusters(config, &project, &components, until),
        databases(config, evidence.as_ref(), &components, until),
        health_endpoints(config, evidence.as_ref(), &components, until),
    );
    for (component, endpoint) in components.iter_mut().zip(endpoints) {
        component.health_endpoint = endpoint;
    }
    let name = evidence.as_ref().and_then(|docker| docker.project.clone());
    Discovery {
        project: name.or_else(|| declared.known().and_then(|declared| declared.project.clone())),
        compose: declared.map(|declared| declared.files),
        docker: project.map(|project| project.docker.address),
        components,
        kafka,
        databases,
    }
}

/// Returns what the compose files declare. The files are those named by the running project, or
/// else those in this directory.
async fn declared(
    config: &Config,
    here: Observed<Declared>,
    docker: Option<&Runtime>,
    until: Instant,
) -> Observed<Declared> {
    let Some(docker) = docker.filter(|_| config.endpoints.compose_files.is_empty()) else { return here };
    let named = compose::discovery::discover(config, Some(docker), until).await;
    match (named, here) {
        (Observed::Known(named), _) => Observed::Known(named),
        // The named files are missing from this machine or unreadable. Those in this directory
        // count only if they belong to the same project.
        (unavailable, Observed::Known(here)) if here.project == docker.project => {
            drop(unavailable);
            Observed::Known(here)
        }
        (unavailable, _) => unavailable,
    }
}

/// Returns one component per service: the running component, or else the declared one.
fn merge(declared: Option<&Declared>, project: Option<&Project>) -> Vec<Component> {
    let mut components: BTreeMap<String, Component> = BTreeMap::new();
    for component in declared.into_iter().flat_map(|declared| &declared.components) {
        components.insert(component.name.clone(), component.clone());
    }
    for component in project.into_iter().flat_map(|project| &project.components) {
        let declared = components.get(&component.name);
        let merged = Component {
            declared: declared.is_some(),
            command: match declared.filter(|_| component.command.is_empty()) {
                Some(declared) => declared.command.clone(),
                None => component.command.clone(),
            },
            ..component.clone()
        };
        components.insert(component.name.clone(), merged);
    }
    components.into_values().collect()
}

async fn clusters(
    config: &Config,
    project: &Observed<Project>,
    components: &[Component],
    until: Instant,
) -> Observed<Cluster> {
    if config.without.contains(&System::Kafka) {
        return Observed::Unknown(System::Kafka.skipped_reason());
    }
    let named = classify::brokers(components);
    let broker = components.iter().find(|component| kind(component) == Kind::Broker);
    if named.is_none() && broker.is_none() && config.endpoints.kafka.is_none() {
        return Observed::not_asked("no broker is running, and no service names one in its environment");
    }
    let discovered =
        EnvironmentAddresses { kafka: named.map(|(brokers, _)| brokers), ..EnvironmentAddresses::default() };
    let docker = project.as_ref().map(|project| project.docker.clone());
    // No component names a broker, so use the name of the broker's own service.
    let name = broker.map(|broker| format!("{}:9092", broker.name));
    let discovered = EnvironmentAddresses { kafka: discovered.kafka.or(name), ..discovered };
    kafka::discovery::discover(config, &(docker, discovered), until).await
}

async fn databases(
    config: &Config,
    docker: Option<&Runtime>,
    components: &[Component],
    until: Instant,
) -> Vec<Database> {
    let usages = classify::databases(components);
    let given = config.endpoints.postgres.as_ref().map(|address| {
        let name = usages.first().map(|usage| usage.name.clone()).unwrap_or_default();
        (DatabaseUse { address: address.clone(), name, host: String::new(), used_by: Vec::new() }, false)
    });
    // A configured address replaces the first address in the components' environments.
    let rest = usages.into_iter().skip(usize::from(given.is_some())).map(|usage| (usage, true));
    let all: Vec<(DatabaseUse, bool)> = given.into_iter().chain(rest).take(MAX_DATABASES).collect();
    let databases = all.into_iter().map(|(usage, inside)| async move {
        let tables = match config.without.contains(&System::Postgres) {
            true => Err(System::Postgres.skipped_reason()),
            false => postgres::discovery::discover(&usage.address, docker, inside, until).await,
        };
        let (address, tables) = match tables {
            Ok((shown, tables)) => (shown, Observed::Known(tables)),
            Err(why) => (redact_url(usage.address.expose()), Observed::Unknown(why)),
        };
        Database { name: usage.name, host: usage.host, address, used_by: usage.used_by, tables }
    });
    join_all(databases).await
}

/// For each component, returns the published port and the path that answer with 2xx.
async fn health_endpoints(
    config: &Config,
    docker: Option<&Runtime>,
    components: &[Component],
    until: Instant,
) -> Vec<Option<(u16, String)>> {
    let endpoints = components.iter().map(|component| async move {
        let docker = docker.filter(|_| !config.without.contains(&System::Http))?;
        if kind(component) != Kind::Http || !component.running {
            return None;
        }
        let container = component.container.as_deref()?;
        for port in &component.published {
            let Some(mapped) = docker.map_address(container, *port) else { continue };
            if let Some(path) = http::healthy_path(&mapped.to, until).await {
                return Some((*port, path.to_string()));
            }
        }
        None
    });
    join_all(endpoints).await
}
