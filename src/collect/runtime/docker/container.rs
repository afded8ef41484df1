//! Converts the engine's description of a container (`/containers/{id}/json`) to evidence.

use crate::base::secret::{redact, redact_image, redact_url};
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

const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// The files given with `--env-file`.
const ENVIRONMENT_FILES: &str = "com.docker.compose.project.environment_file";
const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
const CONFIG_HASH: &str = "com.docker.compose.config-hash";
const COMPOSE_VERSION: &str = "com.docker.compose.version";

/// The environment variable that contains the broker addresses.
pub(crate) const BROKERS_VARIABLE: &str = "KAFKA_BROKERS";

/// Builds the evidence for a container. Fields missing from the response stay empty.
pub(crate) fn container(response: ContainerInspectResponse, pipeline: &Pipeline) -> Instance {
    let config = response.config.unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    let label = |name: &str| labels.get(name).filter(|value| !value.is_empty()).cloned();
    let state = response.state.unwrap_or_default();
    let host = response.host_config.unwrap_or_default();
    let network = response.network_settings.unwrap_or_default();
    let service = label(SERVICE);
    let id = response.id.unwrap_or_default();
    let health = state.health.as_ref().and_then(|health| health.status);
    let exit = Exit {
        code: state.exit_code.unwrap_or_default(),
        out_of_memory: state.oom_killed.unwrap_or_default(),
    };
    let error = state.error.as_ref().filter(|text| !text.is_empty());
    let restart_policy = host.restart_policy.and_then(|policy| policy.name);
    Instance {
        name: response.name.unwrap_or_default().trim_start_matches('/').into(),
        image: redact_image(&config.image.unwrap_or_default()),
        image_id: response.image.unwrap_or_default(),
        state: status(&state),
        again: None,
        exit,
        start_failure: StartFailure::classify(error.map(|text| redact(text).into()), exit.code),
        restarts: response.restart_count.unwrap_or_default(),
        created: response.created.as_deref().and_then(time),
        started: started(&state),
        finished: state.finished_at.as_deref().and_then(time),
        // The engine reports "none" if there is no health check.
        health: health
            .map(|status| status.to_string())
            .filter(|status| !status.is_empty() && status != "none")
            .map(Health::from),
        config: Config {
            hash: label(CONFIG_HASH),
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
        environment: address_environment(&config.env.unwrap_or_default(), pipeline),
        details: Details {
            service,
            project: label(PROJECT),
            config_files: config_files(label(CONFIG_FILES).as_deref(), label(WORKING_DIR).as_deref()),
            environment_files: config_files(
                label(ENVIRONMENT_FILES).as_deref(),
                label(WORKING_DIR).as_deref(),
            ),
            working_dir: label(WORKING_DIR).map(|path| shown_path(Path::new(&path))),
            compose_version: label(COMPOSE_VERSION),
        },
        id,
    }
}

/// Reads `State.Status`.
pub(crate) fn status(state: &ContainerState) -> InstanceState {
    state.status.map(|status| status.to_string()).unwrap_or_default().into()
}

/// Reads `State.StartedAt`.
pub(crate) fn started(state: &ContainerState) -> Option<Timestamp> {
    state.started_at.as_deref().and_then(time)
}

/// Parses a time from the engine, which uses the year 1 for "never".
fn time(text: &str) -> Option<Timestamp> {
    if text.starts_with("0001-") {
        return None;
    }
    text.parse().ok()
}

/// Returns the display paths of the compose files. Old versions of compose record them
/// relative to the working directory.
fn config_files(files: Option<&str>, directory: Option<&str>) -> Vec<String> {
    let base = Path::new(directory.unwrap_or_default());
    let names = files.into_iter().flat_map(|files| files.split(','));
    names.map(|name| shown_path(&base.join(name))).collect()
}

/// Returns the names by which other containers reach this container, except its id.
fn hostnames(
    hostname: Option<String>,
    service: Option<&str>,
    network: &NetworkSettings,
    id: &str,
) -> Vec<String> {
    let endpoints = network.networks.iter().flat_map(|networks| networks.values());
    let aliases = endpoints.flat_map(|e| e.aliases.iter().flatten().chain(e.dns_names.iter().flatten()));
    let names: BTreeSet<String> = hostname
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

/// Returns the published TCP ports without duplicates, because the engine lists IPv4 and
/// IPv6 separately.
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

/// Returns the variables that the pipeline declares as addresses. Other variables may contain
/// anything and are not recorded.
fn address_environment(environment: &[String], pipeline: &Pipeline) -> BTreeMap<String, String> {
    let known: BTreeSet<&str> =
        pipeline.address_variables().chain(DATABASE_VARIABLES).chain([BROKERS_VARIABLE]).collect();
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    variables
        .filter(|(name, _)| known.contains(name))
        .map(|(name, value)| (name.to_string(), masked(name, value)))
        .collect()
}

/// Masks the secrets in a value. The variable's name determines whether the whole value is
/// secret.
fn masked(name: &str, value: &str) -> String {
    let (prefix, address) = value.split_at(if value.starts_with("jdbc:") { "jdbc:".len() } else { 0 });
    if address.contains("://") {
        return format!("{prefix}{}", redact_url(address));
    }
    let masked = redact(&format!("{name}={value}"));
    masked.split_once('=').map_or(masked.clone(), |(_, value)| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::project_selection::tests::pipeline;
    use super::*;

    fn sample() -> Instance {
        let response = serde_json::json!({
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
        container(serde_json::from_value(response).unwrap(), &pipeline(""))
    }

    #[test]
    fn converts_response_to_evidence() {
        let instance = sample();
        assert_eq!(instance.name, "shop-api");
        assert_eq!(
            (instance.state.as_str(), instance.exit.code, instance.exit.out_of_memory),
            ("exited", 137, true)
        );
        assert_eq!(instance.created.unwrap().to_string(), "2026-01-07T16:55:09.5Z");
        assert_eq!((instance.finished, instance.start_failure, instance.health), (None, None, None));
        assert_eq!(instance.config.restart_policy, Some(RestartPolicy::Always));
        assert_eq!(instance.addresses.hostnames, ["api", "shop-api"]);
        assert_eq!(instance.details.config_files, ["/srv/shop/compose.yaml", "/srv/more.yaml"]);
        let port = Port { container: 80, host_ip: "0.0.0.0".into(), host: 8080 };
        assert_eq!(instance.addresses.ports, [port]);
    }

    #[test]
    fn keeps_only_declared_variables_and_masks_secrets() {
        let environment = sample().environment;
        assert!(!format!("{environment:?}").contains("hunter2"));
        assert_eq!(environment["POSTGRES_URL"], "postgres://app@db/shop");
        assert_eq!(environment["KAFKA_BROKERS"], "kafka:9092");
        assert_eq!(environment["SHOP_TOKEN"], "<secret:1>");
        assert_eq!(environment.get("OTHER"), None);
    }
}
