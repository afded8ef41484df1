//! What is running: container runtimes, their workloads, and the instances of workloads.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::base::unavailable_reason::Reason;
use crate::base::untrusted::Untrusted;
use crate::evidence::address_mapping::AddressMapping;
use crate::evidence::clock::Clock;
use crate::evidence::command_options::RuntimeCommandOptions;
use crate::evidence::container_and_group_states::{Health, InstanceState, RestartPolicy};
use crate::evidence::start_failure::StartFailure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A container runtime and the project's workloads on it. Docker: `/version`, `/info`,
/// `/containers/json`, `/containers/{id}/json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// The runtime's address without secrets, such as `unix:///var/run/docker.sock`.
    pub address: String,
    /// The runtime's version.
    pub engine: String,
    /// The newest API version that the runtime supports.
    pub api: String,
    /// The inspected compose project, if one matched.
    pub project: Option<Name>,
    /// Other compose projects with the same service names, which were not inspected.
    pub other_projects: Vec<Name>,
    /// Workloads by name. The project's workloads are named by the `com.docker.compose.service`
    /// label, and others that the pipeline declares are named after their instance.
    pub workloads: BTreeMap<Name, Workload>,
    /// Workloads with an instance that exists but could not be inspected, with the reasons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_inspected: BTreeMap<Name, Reason>,
    /// Images (`/images/{name}/json`), by the reference or id that instances use.
    #[serde(default)]
    pub images: BTreeMap<String, Observed<Image>>,
    /// The runtime's clock (`SystemTime` from `/info`).
    #[serde(default)]
    pub clock: Option<Clock>,
    /// Whether host names from the instances' environments resolve on this machine. The instances'
    /// own host names are left out.
    #[serde(default)]
    pub hosts: BTreeMap<Name, Observed<bool>>,
    /// Options that commands need to address the runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<RuntimeCommandOptions>,
}

/// A workload, which runs in one or more instances. [`crate::evidence::Declared`] holds its
/// declaration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The workload's instances, sorted by name.
    pub instances: Vec<Instance>,
}

/// An image, as the engine currently stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Full id.
    pub id: String,
    /// When the image was built.
    pub created: Option<Timestamp>,
}

/// One instance of a workload (Docker: a container, `/containers/{id}/json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Full id.
    pub id: String,
    /// The instance's name; for Docker, without the leading slash.
    pub name: Name,
    /// The instance's state (`State.Status`).
    pub state: InstanceState,
    /// How the instance last exited.
    pub exit: Exit,
    /// Why the last start failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_failure: Option<StartFailure>,
    /// Number of restarts by the restart policy (`RestartCount`).
    pub restarts: i64,
    /// When the instance was created (`Created`).
    pub created: Option<Timestamp>,
    /// When the instance was last started (`State.StartedAt`).
    pub started: Option<Timestamp>,
    /// When the instance last exited (`State.FinishedAt`).
    pub finished: Option<Timestamp>,
    /// Result of the health check (`State.Health.Status`); `None` if there is no health check.
    pub health: Option<Health>,
    /// Image reference (`Config.Image`).
    pub image: String,
    /// Id of the image that the instance was created from (`Image`).
    pub image_id: String,
    /// The instance's configuration.
    pub config: Config,
    /// The instance's addresses.
    pub addresses: Addresses,
    /// Environment variables that the pipeline declares as addresses, without passwords.
    pub environment: BTreeMap<String, String>,
    /// Data that only Docker and Compose provide.
    pub details: Details,
    /// A second observation of the same instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<LaterState>,
}

/// How an instance last exited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// The exit code (`State.ExitCode`); Docker resets it to 0 on the next start.
    pub code: i64,
    /// Whether the kernel killed the instance for using too much memory (`State.OOMKilled`); on
    /// some engines this stays set after a restart.
    pub out_of_memory: bool,
}

/// An instance's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Hash of the configuration that the instance was created from (`com.docker.compose.config-hash` label).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When the engine restarts the instance (`HostConfig.RestartPolicy.Name`).
    pub restart_policy: Option<RestartPolicy>,
    /// Whether stdout and stderr are one stream (`Config.Tty`).
    pub tty: bool,
    /// Driver that receives the log (`HostConfig.LogConfig.Type`).
    pub log_driver: String,
}

/// An instance's addresses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// The host name, and the aliases by which other instances reach this one.
    pub hostnames: Vec<String>,
    /// IP addresses by network name.
    pub networks: BTreeMap<Name, String>,
    /// Published ports.
    pub ports: Vec<Port>,
}

/// Data about an instance that only Docker and Compose provide, from its labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// `com.docker.compose.service`.
    pub service: Option<Name>,
    /// `com.docker.compose.project`.
    pub project: Option<Name>,
    /// `com.docker.compose.project.config_files` as a list, with paths in the form of
    /// [`crate::evidence::Declared::files`].
    pub config_files: Vec<String>,
    /// `com.docker.compose.project.environment_file` as a list: the files given with `--env-file`,
    /// with paths in the same form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_files: Vec<String>,
    /// `com.docker.compose.project.working_dir`, as a path in the same form.
    pub working_dir: Option<String>,
    /// `com.docker.compose.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compose_version: Option<String>,
}

/// A second observation of an instance: the fields that may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaterState {
    /// Milliseconds since the first observation.
    pub after_ms: u64,
    /// `State.Status`.
    pub state: InstanceState,
    /// `RestartCount`.
    pub restarts: i64,
    /// `State.StartedAt`.
    pub started: Option<Timestamp>,
}

/// A published port of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The port inside the container.
    pub container: u16,
    /// The host's address; `0.0.0.0` for all interfaces.
    pub host_ip: String,
    /// The port on the host.
    pub host: u16,
}

impl Instance {
    /// Returns the engine's error message for a failed start.
    pub fn error(&self) -> Option<&str> {
        self.start_failure.as_ref()?.text.as_ref().map(Untrusted::raw)
    }

    /// Reports whether this is one of the project's instances of a service.
    fn belongs_to(&self, project: Option<&Name>, service: &str) -> bool {
        let own_project = self.details.project.as_ref();
        own_project.is_some() && own_project == project && self.details.service.as_deref() == Some(service)
    }
}

impl Runtime {
    /// The name of the Docker Engine in [`crate::evidence::Evidence::runtimes`].
    pub const DOCKER: &str = "docker";

    /// Adds instances to their workloads.
    #[must_use]
    pub fn with_instances(mut self, instances: impl IntoIterator<Item = Instance>) -> Runtime {
        for instance in instances {
            let details = &instance.details;
            let in_project = details.project.is_some() && details.project == self.project;
            let name = details.service.as_ref().filter(|_| in_project).unwrap_or(&instance.name);
            self.workloads.entry(name.clone()).or_default().instances.push(instance);
        }
        self
    }

    /// Returns all instances, sorted by name.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        let mut all: Vec<&Instance> = self.workloads.values().flat_map(|w| &w.instances).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.into_iter()
    }

    /// Returns mutable references to all instances.
    pub fn instances_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.workloads.values_mut().flat_map(|workload| &mut workload.instances)
    }

    /// Returns the instances of a service or worker: those of the project's workload with that name,
    /// or else those with the container name that the pipeline declares.
    pub fn instances_of(&self, service: &str, declared: Option<&str>) -> Vec<&Instance> {
        let workload_instances =
            self.workloads.get(service).into_iter().flat_map(|workload| &workload.instances);
        let in_project = |instance: &&Instance| instance.belongs_to(self.project.as_ref(), service);
        let found: Vec<&Instance> = workload_instances.filter(in_project).collect();
        if !found.is_empty() {
            return found;
        }
        self.instances().filter(|instance| Some(instance.name.as_str()) == declared).collect()
    }

    /// Returns why a service or worker may have an instance even though none was inspected.
    pub fn why_not_inspected(&self, service: &str, declared: Option<&str>) -> Option<&Reason> {
        self.not_inspected.get(service).or_else(|| self.not_inspected.get(declared?))
    }

    /// Returns the instance that other instances can reach by this host name while it is running.
    pub fn instance_at_host(&self, host: &str) -> Option<&Instance> {
        self.instances().find(|instance| {
            let is_named = instance.name == host || instance.details.service.as_deref() == Some(host);
            is_named || instance.addresses.hostnames.iter().any(|name| name == host)
        })
    }

    /// Maps `host:port`, as known to the project's instances, to an address that this machine can
    /// reach: the published port, or else the instance's address on its network. Returns `None` if
    /// no instance has that host name. Published ports of a remote engine map to the engine's host.
    pub fn map_address(&self, host: &str, port: u16) -> Option<AddressMapping> {
        let instance = self.instance_at_host(host)?;
        let from = format!("{host}:{port}");
        if let Some(published) = instance.addresses.ports.iter().find(|p| p.container == port) {
            let to = format!("{}:{}", self.published_host(published), published.host);
            let by = format!("published port of {}", instance.name);
            return Some(AddressMapping { from, to, by });
        }
        let ip = instance.addresses.networks.values().find(|ip| !ip.is_empty())?;
        let by = format!("address of {}", instance.name);
        let to = format!("{ip}:{port}");
        Some(AddressMapping { from, to, by })
    }

    fn published_host(&self, port: &Port) -> String {
        if let Ok(url) = url::Url::parse(&self.address)
            && url.scheme() != "unix"
            && let Some(host) = url.host_str()
        {
            return host.to_string();
        }
        match port.host_ip.as_str() {
            "" | "0.0.0.0" | "::" | "127.0.0.1" | "::1" => "localhost".to_string(),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::evidence::test_samples::runtime;

    #[test]
    fn maps_internal_address_to_published_port_or_network_address() {
        let runtime = runtime("unix:///var/run/docker.sock");
        for host in ["kafka", "shop-kafka", "broker"] {
            assert_eq!(runtime.map_address(host, 9092).unwrap().to, "localhost:19092");
        }
        assert_eq!(runtime.map_address("kafka", 9093).unwrap().to, "172.18.0.2:9093");
        assert_eq!(runtime.map_address("elsewhere", 9092), None);
    }

    #[test]
    fn maps_published_ports_of_a_remote_engine_to_its_host() {
        let runtime = runtime("tcp://build.example:2375");
        assert_eq!(runtime.map_address("kafka", 9092).unwrap().to, "build.example:19092");
    }
}
