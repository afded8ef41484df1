//! The addresses of the systems, as configured.

use crate::base::error::Mistake;
use crate::base::secret::{Secret, redact, redact_url};
use crate::cli::TargetOptions;
use crate::config::environment::Environment;
use crate::evidence::Name;
use crate::pipeline::{Pipeline, System};
use crate::text::address::{has_query_or_fragment, is_broker_list, is_host_and_port, is_http_address};
use crate::text::suggestion::suggestion;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The configured address of each system. `None` means that the address is read from the
/// running containers.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Compose files given with `-f`.
    pub compose_files: Vec<PathBuf>,
    /// Compose project given with `--project`.
    pub project: Option<Name>,
    /// Docker Engine.
    pub docker: Option<String>,
    /// Kafka bootstrap brokers.
    pub kafka: Option<String>,
    /// Bootstrap brokers of additional clusters, by their names in the pipeline.
    pub brokers: BTreeMap<Name, String>,
    /// Advertised address → address to connect to.
    pub kafka_addresses: BTreeMap<String, String>,
    /// PostgreSQL URL, password included.
    pub postgres: Option<Secret>,
    /// URLs of additional databases, passwords included, keyed by the name in the pipeline.
    pub databases: BTreeMap<Name, Secret>,
    /// Base addresses by service name.
    pub http: BTreeMap<Name, String>,
}

impl Endpoints {
    /// Takes each address from the first source that has it: the flags, the environment or the pipeline file.
    pub(super) fn new(
        options: &TargetOptions,
        pipeline: &Pipeline,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let kafka = options.kafka.clone().or_else(|| variable("KAFKA_BROKERS"));
        let postgres = options.postgres.clone();
        let postgres = postgres.or_else(|| variable("POSTGRES_URL")).or_else(|| variable("DATABASE_URL"));
        Endpoints {
            compose_files: options.files.clone(),
            project: options.project.clone(),
            docker: options.docker.clone().or_else(|| variable("DOCKER_HOST")),
            kafka: kafka.or_else(|| pipeline.kafka.as_ref()?.address.clone()).inspect(|list| {
                check_brokers(list, "--kafka or KAFKA_BROKERS", mistakes);
            }),
            brokers: additional_brokers(options, pipeline, mistakes),
            kafka_addresses: kafka_addresses(&options.kafka_addresses, mistakes),
            postgres: postgres.or_else(|| pipeline.postgres.address.clone()).map(Secret::new),
            databases: databases(options, pipeline, mistakes),
            http: http_addresses(options, pipeline, &variable, mistakes),
        }
    }
}

/// Checks that `list` consists of one or more `host:port` pairs, separated by commas.
fn check_brokers(list: &str, given_by: &str, mistakes: &mut Vec<Mistake>) {
    if !is_broker_list(list) {
        let mistake = Mistake::new(format!("Kafka brokers {}", shown(list)), "not a valid list of brokers");
        mistakes.push(mistake.help(format!("expected host:port[,host:port] in {given_by}")));
    }
}

/// Returns an address for an error: it may hold a password wherever it is wrong.
fn shown(address: &str) -> String {
    if address.contains(['@', '?', '#']) || address.contains("://") {
        redact_url(address)
    } else {
        redact(address)
    }
}

/// Returns the value of a flag of the form NAME=ADDRESS for an error.
fn shown_named(value: &str) -> String {
    match value.split_once('=').filter(|(name, _)| !name.contains([':', '/', '@'])) {
        Some((name, address)) => format!("{name}={}", shown(address)),
        None => shown(value),
    }
}

/// Returns the additional brokers that have an address in a flag or in the pipeline file.
fn additional_brokers(
    options: &TargetOptions,
    pipeline: &Pipeline,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<Name, String> {
    let flag = NamedAddressFlag {
        flag: "--broker",
        kind: "broker",
        format: "NAME=HOST:PORT",
        example: "mail=kafka.mail.internal:9092",
        if_undeclared: "the pipeline has no broker besides [kafka]; use --kafka",
    };
    let addresses = flag.addresses(&pipeline.broker, &options.brokers, mistakes);
    for (name, list) in &addresses {
        check_brokers(list, &format!("--broker {name}=..."), mistakes);
    }
    addresses
}

/// Returns the additional databases that have an address in a flag or in the pipeline file.
fn databases(
    options: &TargetOptions,
    pipeline: &Pipeline,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<Name, Secret> {
    let flag = NamedAddressFlag {
        flag: "--database",
        kind: "database",
        format: "NAME=URL",
        example: "shipping=postgres://user:password@host:5432/database",
        if_undeclared: "the pipeline has no database besides [postgres]; use --postgres",
    };
    let addresses = flag.addresses(&pipeline.database, &options.databases, mistakes);
    addresses.into_iter().map(|(name, url)| (name, Secret::new(url))).collect()
}

/// A flag that sets the addresses of additional systems by name.
struct NamedAddressFlag {
    flag: &'static str,
    kind: &'static str,
    format: &'static str,
    example: &'static str,
    /// The help text for a pipeline that declares no such system.
    if_undeclared: &'static str,
}

impl NamedAddressFlag {
    /// Returns the addresses from the flag, or else from the pipeline file.
    fn addresses(
        &self,
        declared: &BTreeMap<Name, System>,
        given: &[String],
        mistakes: &mut Vec<Mistake>,
    ) -> BTreeMap<Name, String> {
        let from_file = declared.iter();
        let from_file = from_file.filter_map(|(name, system)| Some((name.clone(), system.address.clone()?)));
        let mut addresses: BTreeMap<Name, String> = from_file.collect();
        for text in given {
            match text.split_once('=') {
                Some((name, address)) if declared.contains_key(name) => {
                    addresses.insert(name.to_string(), address.to_string());
                }
                Some((name, _)) => {
                    let mistake = Mistake::new(self.flag, format!("unknown {} `{}`", self.kind, shown(name)));
                    mistakes.push(mistake.help(match declared.is_empty() {
                        true => self.if_undeclared.to_string(),
                        false => suggestion(&shown(name), declared.keys().map(String::as_str)),
                    }));
                }
                None => mistakes.push(
                    Mistake::new(self.flag, format!("not in the form {}", self.format))
                        .help(format!("expected a value such as {}", self.example)),
                ),
            }
        }
        addresses
    }
}

fn kafka_addresses(flags: &[String], mistakes: &mut Vec<Mistake>) -> BTreeMap<String, String> {
    let mut addresses = BTreeMap::new();
    for flag in flags {
        match flag.split_once('=') {
            Some((from, to)) if is_host_and_port(from) && is_host_and_port(to) => {
                addresses.insert(from.to_string(), to.to_string());
            }
            _ => mistakes.push(
                Mistake::new(format!("--kafka-address {}", shown_named(flag)), "not in the form FROM=TO")
                    .help("expected two addresses with ports, such as kafka:9092=localhost:9092"),
            ),
        }
    }
    addresses
}

fn http_addresses(
    options: &TargetOptions,
    pipeline: &Pipeline,
    variable: &impl Fn(&str) -> Option<String>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<Name, String> {
    let mut addresses = BTreeMap::new();
    for service in &pipeline.service {
        let from_variable = service.address_variable.as_deref().and_then(variable);
        if let Some(address) = from_variable.or_else(|| service.address.clone()) {
            addresses.insert(service.name.clone(), address);
        }
    }
    for flag in &options.http {
        let services = pipeline.service.iter().map(|service| service.name.as_str());
        match flag.split_once('=') {
            Some((name, url)) if pipeline.service(name).is_some() && is_http_address(url) => {
                addresses.insert(name.to_string(), url.to_string());
            }
            Some((name, _)) if pipeline.service(name).is_none() => mistakes.push(
                Mistake::new(
                    format!("--http {}", shown_named(flag)),
                    format!("unknown service `{}`", shown(name)),
                )
                .help(suggestion(&shown(name), services)),
            ),
            _ => mistakes.push(
                Mistake::new(format!("--http {}", shown_named(flag)), "not in the form SERVICE=URL")
                    .help("expected a value such as api=http://localhost:3010"),
            ),
        }
    }
    // Addresses in the pipeline file are checked there.
    let in_file = |name: &str| pipeline.service(name).and_then(|service| service.address.as_ref());
    let given = addresses.iter().filter(|(name, address)| in_file(name) != Some(*address));
    let not_base = given.filter(|(_, address)| has_query_or_fragment(address));
    mistakes.extend(not_base.map(|(name, _)| {
        // The query may hold a token.
        let mistake = Mistake::new(format!("address of {name}"), "has a query or a fragment");
        mistake.help("expected a base URL without ? and #, because the path of each request is added to it")
    }));
    addresses
}
