//! One container: from what the engine says (`/containers/{id}/json`) to evidence.

use crate::base::secret::{redact, shown_url};
use crate::collect::runtime::docker::{PROJECT, SERVICE, shown_path};
use crate::evidence::{
    Addresses, Config, Details, Exit, Health, Instance, InstanceState, Name, Port, RestartPolicy,
    StartFailure,
};
use crate::pipeline::Pipeline;
use crate::text::address::DATABASE_VARIABLES;
use bollard::models::{ContainerInspectResponse, ContainerState, NetworkSettings, PortMap};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const FILES: &str = "com.docker.compose.project.config_files";
const DIRECTORY: &str = "com.docker.compose.project.working_dir";
const HASH: &str = "com.docker.compose.config-hash";
const VERSION: &str = "com.docker.compose.version";

/// The variable that holds the brokers' addresses.
pub(crate) const KAFKA: &str = "KAFKA_BROKERS";

/// What is kept of a container. What the engine leaves out is empty.
pub(crate) fn container(seen: ContainerInspectResponse, pipeline: &Pipeline) -> Instance {
    let config = seen.config.unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    let label = |name: &str| labels.get(name).filter(|value| !value.is_empty()).cloned();
    let state = seen.state.unwrap_or_default();
    let host = seen.host_config.unwrap_or_default();
    let network = seen.network_settings.unwrap_or_default();
    let service = label(SERVICE);
    let id = seen.id.unwrap_or_default();
    let health = state.health.as_ref().and_then(|health| health.status);
    let exit = Exit {
        code: state.exit_code.unwrap_or_default(),
        out_of_memory: state.oom_killed.unwrap_or_default(),
    };
    let error = state.error.as_ref().filter(|text| !text.is_empty());
    let restart_policy = host.restart_policy.and_then(|policy| policy.name);
    Instance {
        name: seen.name.unwrap_or_default().trim_start_matches('/').into(),
        image: config.image.unwrap_or_default(),
        image_id: seen.image.unwrap_or_default(),
        state: status(&state),
        again: None,
        exit,
        start_failure: StartFailure::told(error.map(|text| redact(text).into()), exit.code),
        restarts: seen.restart_count.unwrap_or_default(),
        created: seen.created.as_deref().and_then(time),
        started: started(&state),
        finished: state.finished_at.as_deref().and_then(time),
        // "none" is how the engine says that there is no health check.
        health: health
            .map(|status| status.to_string())
            .filter(|status| !status.is_empty() && status != "none")
            .map(Health::from),
        config: Config {
            hash: label(HASH),
            restart_policy: restart_policy
                .map(|name| name.to_string())
                .filter(|name| !name.is_empty())
                .map(RestartPolicy::from),
            tty: config.tty.unwrap_or_default(),
            log_driver: host.log_config.and_then(|log| log.typ).unwrap_or_default(),
        },
        addresses: Addresses {
            hostnames: hostnames(config.hostname, service.as_deref(), &network, &id),
            networks: addresses(&network),
            ports: ports(network.ports.unwrap_or_default()),
        },
        environment: shown_environment(&config.env.unwrap_or_default(), pipeline),
        details: Details {
            service,
            project: label(PROJECT),
            config_files: config_files(label(FILES).as_deref(), label(DIRECTORY).as_deref()),
            working_dir: label(DIRECTORY).map(|path| shown_path(Path::new(&path))),
            compose_version: label(VERSION),
        },
        id,
    }
}

/// `State.Status`.
pub(crate) fn status(state: &ContainerState) -> InstanceState {
    state.status.map(|status| status.to_string()).unwrap_or_default().into()
}

/// `State.StartedAt`.
pub(crate) fn started(state: &ContainerState) -> Option<Timestamp> {
    state.started_at.as_deref().and_then(time)
}

/// A time of the engine's; it writes the year 1 for "never".
fn time(text: &str) -> Option<Timestamp> {
    if text.starts_with("0001-") {
        return None;
    }
    text.parse().ok()
}

/// Old versions of compose name the files relative to the working directory.
fn config_files(files: Option<&str>, directory: Option<&str>) -> Vec<String> {
    let base = Path::new(directory.unwrap_or_default());
    let names = files.into_iter().flat_map(|files| files.split(','));
    names.map(|name| shown_path(&base.join(name))).collect()
}

/// The names under which others reach it; its own id is none that anyone uses.
fn hostnames(own: Option<String>, service: Option<&str>, network: &NetworkSettings, id: &str) -> Vec<String> {
    let endpoints = network.networks.iter().flat_map(|networks| networks.values());
    let aliases = endpoints.flat_map(|e| e.aliases.iter().flatten().chain(e.dns_names.iter().flatten()));
    let names: BTreeSet<String> = own
        .into_iter()
        .chain(service.map(String::from))
        .chain(aliases.cloned())
        .filter(|name| !name.is_empty() && !id.starts_with(name.as_str()))
        .collect();
    names.into_iter().collect()
}

fn addresses(network: &NetworkSettings) -> BTreeMap<Name, String> {
    let networks = network.networks.iter().flatten();
    networks.map(|(name, endpoint)| (name.clone(), endpoint.ip_address.clone().unwrap_or_default())).collect()
}

/// Published TCP ports, each once: the engine lists IPv4 and IPv6 apart.
fn ports(published: PortMap) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    for (port, bindings) in published.into_iter().collect::<BTreeMap<_, _>>() {
        let Some(container) = port.strip_suffix("/tcp").and_then(|port| port.parse().ok()) else {
            continue;
        };
        for binding in bindings.into_iter().flatten() {
            let host = binding.host_port.and_then(|port| port.parse().ok());
            let Some(host) = host.filter(|host| *host != 0) else {
                continue;
            };
            if !ports.iter().any(|port| port.container == container && port.host == host) {
                let host_ip = binding.host_ip.unwrap_or_default();
                ports.push(Port { container, host_ip, host });
            }
        }
    }
    ports.sort_by_key(|port| (port.container, port.host));
    ports
}

/// The variables that the pipeline knows as addresses; the others may hold
/// anything and stay where they are.
fn shown_environment(environment: &[String], pipeline: &Pipeline) -> BTreeMap<String, String> {
    let known: BTreeSet<&str> =
        pipeline.address_variables().chain(DATABASE_VARIABLES).chain([KAFKA]).collect();
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    variables
        .filter(|(name, _)| known.contains(name))
        .map(|(name, value)| (name.to_string(), shown(name, value)))
        .collect()
}

/// The value without its secrets. The name tells whether all of it is one.
fn shown(name: &str, value: &str) -> String {
    if value.contains("://") {
        return redact(&shown_url(value));
    }
    let both = redact(&format!("{name}={value}"));
    both.split_once('=').map_or(both.clone(), |(_, value)| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::project::tests::pipeline;
    use super::*;

    fn inspected() -> Instance {
        let seen = serde_json::json!({
            "Id": "0123456789abcdef", "Name": "/shop-api", "Created": "2026-01-07T16:55:09.5Z",
            "Image": "sha256:1", "RestartCount": 3,
            "State": {"Status": "exited", "ExitCode": 137, "OOMKilled": true, "Error": "",
                "StartedAt": "2026-01-07T16:55:09Z", "FinishedAt": "0001-01-01T00:00:00Z",
                "Health": {"Status": "none"}},
            "HostConfig": {"LogConfig": {"Type": "json-file"}, "RestartPolicy": {"Name": "always"}},
            "Config": {"Hostname": "0123456789ab", "Image": "shop", "Tty": true,
                "Env": ["POSTGRES_URL=postgres://app:hunter2@db/shop", "OTHER=hunter2",
                    "SHOP_TOKEN=hunter2", "API_URL=http://api:80", "KAFKA_BROKERS=kafka:9092"],
                "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "api",
                    "com.docker.compose.project.working_dir": "/srv/shop",
                    "com.docker.compose.project.config_files": "compose.yaml,/srv/more.yaml"}},
            "NetworkSettings": {
                "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"},
                    {"HostIp": "::", "HostPort": "8080"}], "53/udp": null, "81/tcp": null},
                "Networks": {"shop_default": {"IPAddress": "172.18.0.2",
                    "Aliases": ["shop-api", "api", "0123456789ab"]}}}
        });
        container(serde_json::from_value(seen).unwrap(), &pipeline(""))
    }

    #[test]
    fn the_engines_answer_becomes_evidence() {
        let seen = inspected();
        assert_eq!(seen.name, "shop-api");
        assert_eq!((seen.state.as_str(), seen.exit.code, seen.exit.out_of_memory), ("exited", 137, true));
        assert_eq!(seen.created.unwrap().to_string(), "2026-01-07T16:55:09.5Z");
        assert_eq!((seen.finished, seen.start_failure, seen.health), (None, None, None));
        assert_eq!(seen.config.restart_policy, Some(RestartPolicy::Always));
        assert_eq!(seen.addresses.hostnames, ["api", "shop-api"]);
        assert_eq!(seen.details.config_files, ["/srv/shop/compose.yaml", "/srv/more.yaml"]);
        let port = Port { container: 80, host_ip: "0.0.0.0".into(), host: 8080 };
        assert_eq!(seen.addresses.ports, [port]);
    }

    #[test]
    fn only_declared_variables_are_kept_and_without_secrets() {
        let environment = inspected().environment;
        assert!(!format!("{environment:?}").contains("hunter2"));
        assert_eq!(environment["POSTGRES_URL"], "postgres://app@db/shop");
        assert_eq!(environment["KAFKA_BROKERS"], "kafka:9092");
        assert_eq!(environment["SHOP_TOKEN"], "***");
        assert_eq!(environment.get("OTHER"), None);
    }
}
