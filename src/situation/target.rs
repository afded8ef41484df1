//! How the systems of a run were reached, from its evidence.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::command::model::Word;
use crate::command::target::address_variable;
use crate::command::target::{Broker, Compose, Database, Login, Target};
use crate::command::{kafka, shell};
use crate::evidence::{Evidence, Instance, InstanceState, Mapped, NamedBy};
use crate::situation::Situation;

/// How the systems of a run were reached.
pub fn target(view: &Situation) -> Target {
    let (evidence, pipeline) = (view.source.evidence, view.pipeline);
    let container = |part: &str| Some((part.to_string(), container(view, part)?.name.clone()));
    let main = pipeline.kafka.iter().map(|_| MAIN_BROKER);
    let brokers = main.chain(pipeline.broker.keys().map(String::as_str));
    let databases = [MAIN_DATABASE].into_iter().chain(pipeline.database.keys().map(String::as_str));
    Target {
        docker: "docker".to_string(),
        compose: compose(evidence),
        containers: pipeline.parts().filter_map(|(part, _)| container(part)).collect(),
        brokers: brokers.map(|name| (name.to_string(), broker(view, name))).collect(),
        databases: databases.map(|name| (name.to_string(), database(view, name))).collect(),
        id: view.asked.id.map(String::from),
        flags: shell::read(&evidence.target.flags),
    }
}

fn container<'a>(view: &Situation<'a>, part: &str) -> Option<&'a Instance> {
    view.workloads.known(part)
}

/// The project and files that the running project names.
fn compose(evidence: &Evidence) -> Compose {
    let seen = evidence.declared.known();
    let project = seen.filter(|seen| matches!(seen.named_by, NamedBy::Labels));
    Compose {
        unset: evidence.target.variables.clone(),
        project: project.and_then(|seen| seen.project.clone()),
        files: seen.map(|seen| seen.files.clone()).unwrap_or_default(),
    }
}

/// In its container a broker is told the address that it advertises.
fn broker(view: &Situation, name: &str) -> Broker {
    let seen = view.source.broker(name).known().copied();
    let service = view.pipeline.broker(name).map_or("", |broker| broker.service.get_ref().as_str());
    match container(view, service) {
        Some(container) => {
            let advertised = seen.and_then(|seen| seen.nodes.first()).map(|broker| broker.address.as_str());
            let address = advertised.unwrap_or(kafka::LISTENER).into();
            Broker { container: Some(container.name.clone()), address }
        }
        None => {
            let variable = || Word::Variable("KAFKA_BROKERS".to_string());
            Broker { container: None, address: seen.map_or_else(variable, |seen| (&seen.bootstrap).into()) }
        }
    }
}

fn database(view: &Situation, name: &str) -> Database {
    let service = view.pipeline.database(name).map(|database| database.service.get_ref());
    let container = service.and_then(|service| container(view, service));
    let running = container.filter(|container| container.state == InstanceState::Running);
    let login = container.zip(place(view, name)).and_then(|(container, place)| login(container, &place));
    Database {
        login,
        container: running.map(|container| container.name.clone()),
        variable: address_variable(name),
    }
}

/// Where a database was read.
struct Place<'a> {
    address: &'a str,
    mapped: Option<&'a Mapped>,
}

fn place<'a>(view: &Situation<'a>, database: &str) -> Option<Place<'a>> {
    let database = *view.source.evidence.database(database).known()?;
    Some(Place { address: &database.address, mapped: database.mapped.as_ref() })
}

/// The login in a container, if the address that was read led there.
fn login(container: &Instance, place: &Place) -> Option<Login> {
    let address = url::Url::parse(place.address).ok()?;
    led_to(place, &address, container).then(|| Login {
        container: container.name.clone(),
        user: address.username().to_string(),
        database: address.path().trim_start_matches('/').to_string(),
    })
}

/// Whether the address that was read is this container: mapped to it, or a port
/// that it publishes here.
fn led_to(place: &Place, address: &url::Url, container: &Instance) -> bool {
    if let Some(mapped) = place.mapped {
        return mapped.by.split_whitespace().any(|word| word == container.name);
    }
    let here = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    here && container.addresses.ports.iter().any(|port| port.host == address.port().unwrap_or(5432))
}
