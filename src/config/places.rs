//! Where the systems are.

use crate::base::error::Mistake;
use crate::base::secret::{MASK, Secret, redact};
use crate::cli::Look;
use crate::config::variables::Environment;
use crate::evidence::Name;
use crate::pipeline::{Pipeline, System};
use crate::text::suggestion::way_out;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the systems are, as far as somebody said so; what is `None` is found
/// out from the running containers.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Compose files asked for.
    pub compose_files: Vec<PathBuf>,
    /// Compose project asked for, and otherwise preferred.
    pub project: Option<Name>,
    /// Docker Engine.
    pub docker: Option<String>,
    /// Kafka bootstrap brokers.
    pub kafka: Option<String>,
    /// The same of further brokers, by the pipeline's names for them.
    pub brokers: BTreeMap<Name, String>,
    /// Advertised address → the address to use.
    pub kafka_addresses: BTreeMap<String, String>,
    /// PostgreSQL, with its password.
    pub postgres: Option<Secret>,
    /// Further databases by the pipeline's names for them, with their passwords.
    pub databases: BTreeMap<Name, Secret>,
    /// Base addresses by service name.
    pub http: BTreeMap<Name, String>,
}

impl Places {
    /// As flags, environment and the pipeline's file say, in this order.
    pub(super) fn new(
        look: &Look,
        pipeline: &Pipeline,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let set = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let kafka = look.kafka.clone().or_else(|| set("KAFKA_BROKERS"));
        let postgres = look.postgres.clone();
        let postgres = postgres.or_else(|| set("POSTGRES_URL")).or_else(|| set("DATABASE_URL"));
        Places {
            compose_files: look.files.clone(),
            project: look.project.clone(),
            docker: look.docker.clone().or_else(|| set("DOCKER_HOST")),
            kafka: kafka.or_else(|| pipeline.kafka.as_ref()?.address.clone()).inspect(|list| {
                check_brokers(list, "--kafka or KAFKA_BROKERS", mistakes);
            }),
            brokers: further_brokers(look, pipeline, mistakes),
            kafka_addresses: kafka_addresses(&look.kafka_addresses, mistakes),
            postgres: postgres.or_else(|| pipeline.postgres.address.clone()).map(Secret::new),
            databases: databases(look, pipeline, mistakes),
            http: http_addresses(look, pipeline, &set, mistakes),
        }
    }
}

/// Brokers are `host:port`, several with commas; nothing else belongs there.
fn check_brokers(list: &str, given_by: &str, mistakes: &mut Vec<Mistake>) {
    let good = |broker: &str| has_port(broker.trim()) && !broker.contains(['@', '/']);
    if !list.split(',').all(good) {
        // What stands before an @ may be a password.
        let shown = match list.rsplit_once('@') {
            Some((_, host)) => format!("{MASK}@{host}"),
            None => redact(list),
        };
        let mistake = Mistake::new(format!("Kafka brokers {shown}"), "not a list of brokers");
        mistakes.push(mistake.help(format!("expected host:port[,host:port] in {given_by}")));
    }
}

/// The further brokers that a flag or the pipeline's file gives an address.
fn further_brokers(look: &Look, pipeline: &Pipeline, mistakes: &mut Vec<Mistake>) -> BTreeMap<Name, String> {
    let flag = Named {
        flag: "--broker",
        what: "broker",
        form: "NAME=HOST:PORT",
        example: "mail=kafka.mail.internal:9092",
        none: "the pipeline has none but [kafka]: its address is --kafka",
    };
    let addresses = flag.addresses(&pipeline.broker, &look.brokers, mistakes);
    for (name, list) in &addresses {
        check_brokers(list, &format!("--broker {name}=..."), mistakes);
    }
    addresses
}

/// The further databases that a flag or the pipeline's file gives an address.
fn databases(look: &Look, pipeline: &Pipeline, mistakes: &mut Vec<Mistake>) -> BTreeMap<Name, Secret> {
    let flag = Named {
        flag: "--database",
        what: "database",
        form: "NAME=URL",
        example: "shipping=postgres://user:password@host:5432/database",
        none: "the pipeline has none but [postgres]: its address is --postgres",
    };
    let addresses = flag.addresses(&pipeline.database, &look.databases, mistakes);
    addresses.into_iter().map(|(name, url)| (name, Secret::new(url))).collect()
}

/// A flag that gives further systems their addresses, each by its name.
struct Named {
    flag: &'static str,
    what: &'static str,
    form: &'static str,
    example: &'static str,
    /// What to do where the pipeline has no such system.
    none: &'static str,
}

impl Named {
    /// What the flag says, else the pipeline's file.
    fn addresses(
        &self,
        declared: &BTreeMap<Name, System>,
        given: &[String],
        mistakes: &mut Vec<Mistake>,
    ) -> BTreeMap<Name, String> {
        let of_file = declared.iter();
        let of_file = of_file.filter_map(|(name, system)| Some((name.clone(), system.address.clone()?)));
        let mut addresses: BTreeMap<Name, String> = of_file.collect();
        for text in given {
            match text.split_once('=') {
                Some((name, address)) if declared.contains_key(name) => {
                    addresses.insert(name.to_string(), address.to_string());
                }
                Some((name, _)) => {
                    let mistake = Mistake::new(self.flag, format!("unknown {} `{name}`", self.what));
                    mistakes.push(mistake.help(match declared.is_empty() {
                        true => self.none.to_string(),
                        false => way_out(name, declared.keys().map(String::as_str)),
                    }));
                }
                None => mistakes.push(
                    Mistake::new(self.flag, format!("not {}", self.form))
                        .help(format!("expected for example {}", self.example)),
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
            Some((from, to)) if has_port(from) && has_port(to) => {
                addresses.insert(from.to_string(), to.to_string());
            }
            _ => mistakes.push(
                Mistake::new(format!("--kafka-address {flag}"), "not FROM=TO")
                    .help("expected two addresses with ports: kafka:9092=localhost:9092"),
            ),
        }
    }
    addresses
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn http_addresses(
    look: &Look,
    pipeline: &Pipeline,
    set: &impl Fn(&str) -> Option<String>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<Name, String> {
    let mut addresses = BTreeMap::new();
    for service in &pipeline.service {
        let variable = service.address_variable.as_deref().and_then(set);
        if let Some(address) = variable.or_else(|| service.address.clone()) {
            addresses.insert(service.name.clone(), address);
        }
    }
    for flag in &look.http {
        let services = pipeline.service.iter().map(|service| service.name.as_str());
        match flag.split_once('=') {
            Some((name, url)) if pipeline.service(name).is_some() && is_http(url) => {
                addresses.insert(name.to_string(), url.to_string());
            }
            Some((name, _)) if pipeline.service(name).is_none() => mistakes.push(
                Mistake::new(format!("--http {flag}"), format!("unknown service `{name}`"))
                    .help(way_out(name, services)),
            ),
            _ => mistakes.push(
                Mistake::new(format!("--http {flag}"), "not SERVICE=URL")
                    .help("expected for example api=http://localhost:3010"),
            ),
        }
    }
    addresses
}

fn is_http(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
