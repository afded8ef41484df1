//! Looks at a pipeline that nobody has described yet: first what runs and what is
//! declared, then, at once, all that the parts are told of.

use crate::collect::broker::kafka;
use crate::collect::database::postgres;
use crate::collect::discovery::kinds::{self, Kind, Told, kind};
use crate::collect::discovery::{Cluster, Database, Part, Survey};
use crate::collect::http;
use crate::collect::runtime::compose;
use crate::collect::runtime::docker::{self, Discovered};
use crate::config::Config;
use crate::evidence::{Runtime, Seen, System};
use compose::survey::Declared;
use docker::survey::Project;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// More databases are not looked into.
const DATABASES: usize = 4;

/// Looks at everything and returns what was seen by the deadline.
pub async fn survey(config: &Config) -> Survey {
    crate::collect::tls::install_tls_provider();
    let start = Instant::now();
    let until = start + config.deadline;
    let third = start + config.deadline / 3;
    let here = compose::survey::survey(config, None, third).await;
    let likely = here.known().and_then(|declared| declared.project.clone());
    let mut project = match config.without.contains(&System::Docker) {
        true => Seen::Unknown(System::Docker.left_out()),
        false => docker::survey::survey(config, likely.as_deref(), third).await.into(),
    };
    let evidence = project.known().map(|project: &Project| project.docker.clone());
    let declared = declared(config, here, evidence.as_ref(), until).await;
    if let Some(project) = project.known_mut().filter(|_| !config.without.contains(&System::Logs)) {
        docker::survey::logs(config, project, third + config.deadline / 6).await;
    }
    let mut parts = merged(declared.known(), project.known());
    let (kafka, databases, answers) = tokio::join!(
        clusters(config, &project, &parts, until),
        databases(config, evidence.as_ref(), &parts, until),
        health(config, evidence.as_ref(), &parts, until),
    );
    for (part, answer) in parts.iter_mut().zip(answers) {
        part.answers = answer;
    }
    let name = evidence.as_ref().and_then(|docker| docker.project.clone());
    Survey {
        project: name.or_else(|| declared.known().and_then(|declared| declared.project.clone())),
        compose: declared.map(|declared| declared.files),
        docker: project.map(|project| project.docker.address),
        parts,
        kafka,
        databases,
    }
}

/// What the files of this directory say, unless the running project names others.
async fn declared(
    config: &Config,
    here: Seen<Declared>,
    docker: Option<&Runtime>,
    until: Instant,
) -> Seen<Declared> {
    let Some(docker) = docker.filter(|_| config.places.compose_files.is_empty()) else { return here };
    let named = compose::survey::survey(config, Some(docker), until).await;
    match (named, here) {
        (Seen::Known(named), _) => Seen::Known(named),
        // Not on this machine, or not to be read: those of this directory are of another project.
        (unseen, Seen::Known(here)) if here.project == docker.project => {
            drop(unseen);
            Seen::Known(here)
        }
        (unseen, _) => unseen,
    }
}

/// One part for each service, as it runs where it runs, else as it is declared.
fn merged(declared: Option<&Declared>, project: Option<&Project>) -> Vec<Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for part in declared.into_iter().flat_map(|declared| &declared.parts) {
        parts.insert(part.name.clone(), part.clone());
    }
    for part in project.into_iter().flat_map(|project| &project.parts) {
        let declared = parts.get(&part.name);
        let merged = Part {
            declared: declared.is_some(),
            command: match declared.filter(|_| part.command.is_empty()) {
                Some(declared) => declared.command.clone(),
                None => part.command.clone(),
            },
            ..part.clone()
        };
        parts.insert(part.name.clone(), merged);
    }
    parts.into_values().collect()
}

async fn clusters(config: &Config, project: &Seen<Project>, parts: &[Part], until: Instant) -> Seen<Cluster> {
    if config.without.contains(&System::Kafka) {
        return Seen::Unknown(System::Kafka.left_out());
    }
    let told = kinds::brokers(parts);
    let broker = parts.iter().find(|part| kind(part) == Kind::Broker);
    if told.is_none() && broker.is_none() && config.places.kafka.is_none() {
        return Seen::not_asked("no service is told of a broker, and none runs");
    }
    let discovered = Discovered { kafka: told.map(|(brokers, _)| brokers), ..Discovered::default() };
    let docker = project.as_ref().map(|project| project.docker.clone());
    // Without anyone who is told of it: the broker's own name.
    let name = broker.map(|broker| format!("{}:9092", broker.name));
    let discovered = Discovered { kafka: discovered.kafka.or(name), ..discovered };
    kafka::survey::survey(config, &(docker, discovered), until).await
}

async fn databases(
    config: &Config,
    docker: Option<&Runtime>,
    parts: &[Part],
    until: Instant,
) -> Vec<Database> {
    let told = kinds::databases(parts);
    let given = config.places.postgres.as_ref().map(|address| {
        let name = told.first().map(|told| told.name.clone()).unwrap_or_default();
        (Told { address: address.clone(), name, host: String::new(), who: Vec::new() }, false)
    });
    // An address that was given stands for the first one that containers are told.
    let rest = told.into_iter().skip(usize::from(given.is_some())).map(|told| (told, true));
    let all: Vec<(Told, bool)> = given.into_iter().chain(rest).take(DATABASES).collect();
    let looked = all.into_iter().map(|(told, inside)| async move {
        let seen = match config.without.contains(&System::Postgres) {
            true => Err(System::Postgres.left_out()),
            false => postgres::survey::survey(&told.address, docker, inside, until).await,
        };
        let (address, tables) = match seen {
            Ok((shown, tables)) => (shown, Seen::Known(tables)),
            Err(why) => (crate::base::secret::shown_url(told.address.expose()), Seen::Unknown(why)),
        };
        Database { name: told.name, address, told: told.who, tables }
    });
    join_all(looked).await
}

/// For each part the port and path that answer, of those that are published.
async fn health(
    config: &Config,
    docker: Option<&Runtime>,
    parts: &[Part],
    until: Instant,
) -> Vec<Option<(u16, String)>> {
    let asked = parts.iter().map(|part| async move {
        let docker = docker.filter(|_| !config.without.contains(&System::Http))?;
        if kind(part) != Kind::Http || !part.running {
            return None;
        }
        let container = part.container.as_deref()?;
        for port in &part.published {
            let Some(mapped) = docker.reach(container, *port) else { continue };
            if let Some(path) = http::healthy_path(&mapped.to, until).await {
                return Some((*port, path.to_string()));
            }
        }
        None
    });
    join_all(asked).await
}
