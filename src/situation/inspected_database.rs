//! Whether the inspected database is the one that the services use. If it is not, its rows prove
//! nothing about them.

use crate::base::name::MAIN_DATABASE;
use crate::evidence::{Database, Evidence, Instance, Observed, Reason, ReasonKind, Runtime};
use crate::pipeline::Pipeline;
use crate::text::address::{DATABASE_VARIABLES, is_loopback_host};
use std::borrow::Cow;

/// Where a connection string leads: `host:port` and the database's name.
struct Place {
    host: String,
    port: u16,
    name: String,
}

impl Place {
    fn parse(address: &str) -> Option<Place> {
        let url = url::Url::parse(address).ok()?;
        let host = url.host_str().unwrap_or_default().to_string();
        let name = url.path().trim_start_matches('/').to_string();
        Some(Place { host, port: url.port().unwrap_or(5432), name })
    }

    fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Returns the variable with a container's database address, and the address without a password.
pub fn declared_address(container: &Instance) -> Option<(&'static str, &str)> {
    DATABASE_VARIABLES.iter().find_map(|name| Some((*name, container.environment.get(*name)?.as_str())))
}

/// Describes an address as "shop-db:5432/shop"; `None` if it is not a URL.
pub fn describe(address: &str) -> Option<String> {
    let place = Place::parse(address)?;
    Some(format!("{}/{}", place.host_and_port(), place.name))
}

/// Reports whether an address in a container's environment leads to this database. `None` if that
/// is unknown, because another host name may belong to a connection pooler or to the same server.
pub fn leads_to(runtime: &Runtime, pipeline: &Pipeline, address: &str, database: &Database) -> Option<bool> {
    let (used, inspected) = (Place::parse(address)?, Place::parse(&database.address)?);
    let used_host = used.host_and_port();
    let is_mapped = database.mapped.as_ref().is_some_and(|mapped| mapped.from == used_host);
    if is_mapped || used_host == inspected.host_and_port() {
        return Some(used.name == inspected.name);
    }
    let Some(identity) = &database.identity else {
        return (used.name != inspected.name).then_some(false);
    };
    let own_address = identity.address.as_deref().filter(|address| !is_loopback_host(address));
    let servers: Vec<&Instance> =
        runtime.instances().filter(|instance| instance.addresses.hostnames.contains(&used.host)).collect();
    let has_address = |instance: &&Instance| {
        own_address.is_some_and(|own| instance.addresses.networks.values().any(|address| address == own))
    };
    if servers.iter().any(has_address) || own_address == Some(used.host.as_str()) {
        return Some(used.name == identity.database);
    }
    // A replica holds the rows of another server.
    let is_replica = database.replica_behind_ms.is_some();
    let is_database = |name: &String| pipeline.databases().contains(&name);
    let of_workloads = runtime.workloads.iter().filter(|(name, _)| is_database(name));
    let is_server = |server: &Instance| {
        of_workloads.clone().any(|(_, workload)| workload.instances.iter().any(|other| other.id == server.id))
    };
    match servers.iter().any(|server| is_server(server)) {
        true if own_address.is_some() && !is_replica => Some(false),
        // The server is a pooler, or it is outside the engine.
        _ if servers.is_empty() && used.name != identity.database => Some(false),
        _ => None,
    }
}

/// Returns the evidence, without the rows of the main database if all services use another one.
pub fn without_rows_of_other_database<'e>(evidence: &'e Evidence, pipeline: &Pipeline) -> Cow<'e, Evidence> {
    let Some(why) = used_instead(evidence, pipeline) else { return Cow::Borrowed(evidence) };
    let mut evidence = evidence.clone();
    for event in &mut evidence.events {
        event.rows = Observed::Unknown(why.clone());
    }
    evidence.databases.insert(MAIN_DATABASE.to_string(), Observed::Unknown(why));
    Cow::Owned(evidence)
}

/// Returns why the main database's rows prove nothing, if all services use another database.
fn used_instead(evidence: &Evidence, pipeline: &Pipeline) -> Option<Reason> {
    let (runtime, main) = (evidence.runtime(), evidence.main_database());
    let (runtime, main) = (runtime.known()?, main.known()?);
    let additional: Vec<&Database> =
        evidence.additional_databases().filter_map(|(_, database)| database.known()).collect();
    let mut used = None;
    for (component, _) in pipeline.components() {
        let instances = runtime.workloads.get(component).map(|workload| workload.instances.as_slice());
        let Some((_, address)) = instances.unwrap_or_default().first().and_then(declared_address) else {
            continue;
        };
        let leads_to = |database: &Database| leads_to(runtime, pipeline, address, database);
        if additional.iter().any(|database| leads_to(database) == Some(true)) {
            continue;
        }
        if leads_to(main) != Some(false) {
            return None;
        }
        used.get_or_insert((component, describe(address)?));
    }
    let (component, place) = used?;
    let inspected = &main.address;
    let message = format!(
        "{inspected} is not the services' database: {component} uses {place}; its rows prove nothing"
    );
    Some(Reason::new(ReasonKind::OtherDatabase, message))
}
