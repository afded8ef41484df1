//! The targets of printed commands: how this run reached each system.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::cli::TARGET_FLAGS;
use crate::evidence::{AddressMapping, Evidence, Instance, InstanceState, NamedBy};
use crate::printed_command::process::Word;
use crate::printed_command::recorded_target::address_variable;
use crate::printed_command::recorded_target::{Broker, Compose, Database, Login, Target};
use crate::printed_command::{kafka, shell};
use crate::situation::Situation;
use crate::text::address::is_broker_list;
use crate::text::names::{CONTAINER, PRINTABLE, SERVICE, VARIABLE};
use crate::text::printable::is_printable;

/// Returns how printed commands reach the systems of this run.
pub fn target(view: &Situation) -> Target {
    let (evidence, pipeline) = (view.inputs.evidence, view.pipeline);
    let container = |component: &str| {
        let name = &container(view, component)?.name;
        (CONTAINER.fits)(name).then(|| (component.to_string(), name.clone()))
    };
    let main = pipeline.kafka.iter().map(|_| MAIN_BROKER);
    let brokers = main.chain(pipeline.broker.keys().map(String::as_str));
    let databases = [MAIN_DATABASE].into_iter().chain(pipeline.database.keys().map(String::as_str));
    Target {
        docker: "docker".to_string(),
        compose: compose(evidence),
        containers: pipeline.components().filter_map(|(component, _)| container(component)).collect(),
        brokers: brokers.map(|name| (name.to_string(), broker(view, name))).collect(),
        databases: databases.map(|name| (name.to_string(), database(view, name))).collect(),
        id: view.lookup.id.filter(|id| pipeline.is_id(id)).map(String::from),
        flags: known_flags(&evidence.target.flags),
    }
}

/// Returns the recorded flags that select systems, each with its value. A recording may come from
/// elsewhere, so anything else in it is dropped.
fn known_flags(recorded: &str) -> Vec<Word> {
    let words = shell::parse_words(recorded);
    let pairs = words.chunks(2).take_while(|pair| {
        matches!(pair, [Word::Literal(flag), value] if TARGET_FLAGS.contains(&flag.as_str()) && is_value(value))
    });
    pairs.flatten().cloned().collect()
}

/// Reports whether a word can be the value of a flag.
fn is_value(word: &Word) -> bool {
    match word {
        Word::Literal(text) | Word::Operand(text) => !text.starts_with('-') && is_printable(text),
        Word::Variable(_) => true,
        // Only a name and the variable with its address are joined: `mail="$POSTGRES_URL_MAIL"`.
        Word::Joined(words) => {
            matches!(words.as_slice(), [Word::Literal(name), Word::Variable(_)] if name.ends_with('='))
                && words.first().is_some_and(is_value)
        }
    }
}

fn container<'a>(view: &Situation<'a>, component: &str) -> Option<&'a Instance> {
    view.workloads.known(component)
}

/// Returns the compose project and files named in the running containers' labels.
fn compose(evidence: &Evidence) -> Compose {
    let seen = evidence.declared.known();
    let project = seen.filter(|seen| matches!(seen.named_by, NamedBy::Labels));
    let started = project.zip(evidence.runtime().known().copied());
    let profiles = started.map(|(seen, runtime)| seen.active_profiles(runtime)).unwrap_or_default();
    let variables = evidence.target.variables.iter().filter(|name| (VARIABLE.fits)(name));
    Compose {
        unset: variables.cloned().collect(),
        project: project.and_then(|seen| seen.project.clone()).filter(|name| (SERVICE.fits)(name)),
        profiles: profiles.into_iter().filter(|name| (SERVICE.fits)(name)).collect(),
        environment_files: seen.map(|seen| seen.environment_files.clone()).unwrap_or_default(),
        files: seen.map(|seen| seen.files.clone()).unwrap_or_default(),
    }
}

/// Returns how commands reach a broker: from inside its container, at its advertised address.
fn broker(view: &Situation, name: &str) -> Broker {
    let seen = view.inputs.broker(name).known().copied();
    let service = view.pipeline.broker(name).map_or("", |broker| broker.service.get_ref().as_str());
    let container = container(view, service).filter(|container| (CONTAINER.fits)(&container.name));
    match container {
        Some(container) => {
            let advertised = seen.and_then(|seen| seen.nodes.first()).map(|broker| broker.address.as_str());
            let advertised = advertised.filter(|address| is_broker_list(address));
            let address = advertised.unwrap_or(kafka::LISTENER).into();
            Broker { container: Some(container.name.clone()), address }
        }
        None => {
            let variable = || Word::Variable("KAFKA_BROKERS".to_string());
            let bootstrap = seen.map(|seen| &seen.bootstrap).filter(|list| is_broker_list(list));
            Broker { container: None, address: bootstrap.map_or_else(variable, Word::from) }
        }
    }
}

fn database(view: &Situation, name: &str) -> Database {
    let service = view.pipeline.database(name).map(|database| database.service.get_ref());
    let container = service.and_then(|service| container(view, service));
    let container = container.filter(|container| (CONTAINER.fits)(&container.name));
    let running = container.filter(|container| container.state == InstanceState::Running);
    let login = container
        .zip(database_address(view, name))
        .and_then(|(container, database_address)| login(container, &database_address));
    Database {
        login,
        container: running.map(|container| container.name.clone()),
        variable: address_variable(name),
    }
}

/// The address from which a database was read.
struct DatabaseAddress<'a> {
    address: &'a str,
    mapped: Option<&'a AddressMapping>,
}

fn database_address<'a>(view: &Situation<'a>, database: &str) -> Option<DatabaseAddress<'a>> {
    let database = *view.inputs.evidence.database(database).known()?;
    Some(DatabaseAddress { address: &database.address, mapped: database.mapped.as_ref() })
}

/// Returns the login inside a container, if the database was read through it.
fn login(container: &Instance, database_address: &DatabaseAddress) -> Option<Login> {
    // The parser of URLs drops tabs and line breaks, so the names in it would be others.
    let text = Some(database_address.address).filter(|text| is_printable(text))?;
    let address = url::Url::parse(text).ok()?;
    let login = Login {
        container: container.name.clone(),
        user: address.username().to_string(),
        database: address.path().trim_start_matches('/').to_string(),
    };
    // psql would read a name with `=` or `/` as a connection string. In a URL, `%` escapes other characters.
    let is_name = |name: &str| (PRINTABLE.fits)(name) && !name.contains(['=', '/', '%', '?']);
    let is_valid = is_name(&login.user) && is_name(&login.database);
    (is_valid && belongs_to(database_address, &address, container)).then_some(login)
}

/// Reports whether the address belongs to this container, either because it was mapped to
/// the container or because the container publishes its port on this machine.
fn belongs_to(database_address: &DatabaseAddress, address: &url::Url, container: &Instance) -> bool {
    if let Some(mapped) = database_address.mapped {
        return mapped.by.split_whitespace().any(|word| word == container.name);
    }
    let is_local = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    is_local && container.addresses.ports.iter().any(|port| port.host == address.port().unwrap_or(5432))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_adds_no_flag_to_printed_commands() {
        let flags = |recorded: &str| shell::words(&known_flags(recorded));
        let own =
            "-f 'my file' --project shop --postgres \"$POSTGRES_URL\" --database mail=\"$POSTGRES_URL_MAIL\"";
        assert_eq!(flags(own), own);
        for (recorded, kept) in [
            ("--kafka a:1 --record /etc/passwd", "--kafka a:1"),
            ("--kafka --record", ""),
            ("; touch x", ""),
            ("--at \"$(touch x)\"", "--at '$(touch x)'"),
            ("--at 'a\nb'", ""),
            ("--kafka", ""),
            ("--postgres \"$POSTGRES_URL\"; touch x", ""),
            ("--database mail=\"$POSTGRES_URL_MAIL\"'x'", ""),
        ] {
            assert_eq!(flags(recorded), kept);
        }
    }
}
