//! What runs: runtimes, their workloads, and the instances of these.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::base::untrusted::Untrusted;
use crate::evidence::clock::Clock;
use crate::evidence::command::RuntimeCommands;
use crate::evidence::route::Mapped;
use crate::evidence::states::{Health, InstanceState, RestartPolicy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a runtime runs of the project. Docker: `/version`, `/info`,
/// `/containers/json`, `/containers/{id}/json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// Its address as shown: `unix:///var/run/docker.sock`.
    pub address: String,
    /// Its version.
    pub engine: String,
    /// The newest version of its API that it speaks.
    pub api: String,
    /// The compose project that was looked at, if one matched.
    pub project: Option<Name>,
    /// Other compose projects with services of the same names, not looked at.
    pub other_projects: Vec<Name>,
    /// What it runs: the workloads of the project by their names there (the label
    /// `com.docker.compose.service`), others that carry the pipeline's names by
    /// the name of their instance.
    pub workloads: BTreeMap<Name, Workload>,
    /// Images (`/images/{name}/json`) by the reference or id that instances name.
    #[serde(default)]
    pub images: BTreeMap<String, Seen<Image>>,
    /// Its clock (`/info`, SystemTime).
    #[serde(default)]
    pub clock: Option<Clock>,
    /// Hosts that instances' environments name and that no instance answers to:
    /// whether they resolve here.
    #[serde(default)]
    pub hosts: BTreeMap<Name, Seen<bool>>,
    /// How commands name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<RuntimeCommands>,
}

/// A workload: what runs in one or several instances. Its runtime is the one
/// that holds it, its declaration stands in [`crate::evidence::Declared`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its instances, by name.
    pub instances: Vec<Instance>,
}

/// An image as the engine has it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Full id.
    pub id: String,
    /// When it was built.
    pub created: Option<Timestamp>,
}

/// One instance of a workload (Docker: a container, `/containers/{id}/json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Full id.
    pub id: String,
    /// Its name, in Docker without the leading slash.
    pub name: Name,
    /// What it does (`State.Status`).
    pub state: InstanceState,
    /// How it ended the last time.
    pub exit: Exit,
    /// Why it could not be started, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_failure: Option<StartFailure>,
    /// Restarts by the engine's policy (`RestartCount`).
    pub restarts: i64,
    /// When it was made (`Created`).
    pub created: Option<Timestamp>,
    /// When it was started the last time (`State.StartedAt`).
    pub started: Option<Timestamp>,
    /// When it ended the last time (`State.FinishedAt`).
    pub finished: Option<Timestamp>,
    /// What its health check says (`State.Health.Status`); none without one.
    pub health: Option<Health>,
    /// The reference of its image (`Config.Image`).
    pub image: String,
    /// The id of the image that it was made from (`Image`).
    pub image_id: String,
    /// How it was configured.
    pub config: Config,
    /// Where it is reached.
    pub addresses: Addresses,
    /// The environment variables that the pipeline declares as addresses, without passwords.
    pub environment: BTreeMap<String, String>,
    /// What only Docker and Compose tell.
    pub details: Details,
    /// The same instance some time later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Later>,
}

/// How an instance ended the last time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Its exit code (`State.ExitCode`); Docker sets it to 0 when it starts again.
    pub code: i64,
    /// The kernel ended it for its memory (`State.OOMKilled`); sticky on some
    /// engines while it runs again.
    pub out_of_memory: bool,
}

/// Why an instance could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartFailure {
    /// What kind of trouble it was.
    pub kind: StartFailureKind,
    /// The engine's words (`State.Error`), without secrets; none where only the
    /// exit code tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Untrusted>,
}

/// What keeps an instance from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFailureKind {
    /// The command is not there (exit code 127).
    CommandNotFound,
    /// The command may not be executed (exit code 126).
    CommandNotExecutable,
    /// A published port is taken.
    PortTaken,
    /// A file or directory to mount is not there, or is of another kind.
    Mount,
    /// A network is not there.
    Network,
    /// Anything else: the text says what (exit code 125).
    Other,
}

/// How an instance was configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it was made from, as a hash (label `com.docker.compose.config-hash`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When the engine starts it again (`HostConfig.RestartPolicy.Name`).
    pub restart_policy: Option<RestartPolicy>,
    /// stdout and stderr are one stream (`Config.Tty`).
    pub tty: bool,
    /// Where its log goes (`HostConfig.LogConfig.Type`).
    pub log_driver: String,
}

/// Where an instance is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// Host name, and the aliases under which other instances reach it.
    pub hostnames: Vec<String>,
    /// Addresses by network name.
    pub networks: BTreeMap<Name, String>,
    /// Published ports.
    pub ports: Vec<Port>,
}

/// What only Docker and Compose tell of an instance: labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// `com.docker.compose.service`.
    pub service: Option<Name>,
    /// `com.docker.compose.project`.
    pub project: Option<Name>,
    /// `com.docker.compose.project.config_files`, split; shown like
    /// [`crate::evidence::Declared::files`].
    pub config_files: Vec<String>,
    /// `com.docker.compose.project.working_dir`, shown like the files.
    pub working_dir: Option<String>,
    /// `com.docker.compose.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compose_version: Option<String>,
}

/// An instance looked at once more: what has moved since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Later {
    /// Milliseconds after the first look.
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
    /// The port inside.
    pub container: u16,
    /// The host's address, `0.0.0.0` for all.
    pub host_ip: String,
    /// The port on the host.
    pub host: u16,
}

impl StartFailure {
    /// What the engine's words and the exit code tell of a start that failed.
    pub fn told(text: Option<Untrusted>, exit_code: i64) -> Option<StartFailure> {
        let of_code = match exit_code {
            125 => Some(StartFailureKind::Other),
            126 => Some(StartFailureKind::CommandNotExecutable),
            127 => Some(StartFailureKind::CommandNotFound),
            _ => None,
        };
        let kind = match &text {
            Some(text) => StartFailureKind::of(text.raw()).or(of_code).unwrap_or(StartFailureKind::Other),
            None => of_code?,
        };
        Some(StartFailure { kind, text })
    }
}

impl StartFailureKind {
    /// What an engine's words mean, as far as they are known.
    fn of(text: &str) -> Option<StartFailureKind> {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match () {
            () if has(&["port is already allocated", "address already in use"]) => {
                Some(StartFailureKind::PortTaken)
            }
            () if has(&["error mounting", "invalid mount config", "bind source path does not exist"]) => {
                Some(StartFailureKind::Mount)
            }
            () if has(&["executable file not found", "no such file or directory"]) => {
                Some(StartFailureKind::CommandNotFound)
            }
            () if has(&["permission denied", "exec format error"]) => {
                Some(StartFailureKind::CommandNotExecutable)
            }
            () if text.contains("network ") && text.contains(" not found") => Some(StartFailureKind::Network),
            () => None,
        }
    }
}

impl Instance {
    /// Why it could not be started, in the engine's words.
    pub fn error(&self) -> Option<&str> {
        self.start_failure.as_ref()?.text.as_ref().map(Untrusted::raw)
    }

    /// Whether it is one of the project's instances of a service.
    fn is_of(&self, project: Option<&Name>, service: &str) -> bool {
        let own = self.details.project.as_ref();
        own.is_some() && own == project && self.details.service.as_deref() == Some(service)
    }
}

impl Runtime {
    /// The name of the Docker Engine among the runtimes.
    pub const DOCKER: &str = "docker";

    /// Sorts instances into their workloads.
    #[must_use]
    pub fn with(mut self, instances: impl IntoIterator<Item = Instance>) -> Runtime {
        for instance in instances {
            let details = &instance.details;
            let of_project = details.project.is_some() && details.project == self.project;
            let name = details.service.as_ref().filter(|_| of_project).unwrap_or(&instance.name);
            self.workloads.entry(name.clone()).or_default().instances.push(instance);
        }
        self
    }

    /// All instances, by name.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        let mut all: Vec<&Instance> = self.workloads.values().flat_map(|w| &w.instances).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.into_iter()
    }

    /// All instances, to change them.
    pub fn instances_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.workloads.values_mut().flat_map(|workload| &mut workload.instances)
    }

    /// The instances of a service or worker: those of the project's workload of
    /// that name, else those with the name that the pipeline declares.
    pub fn instances_of(&self, service: &str, declared: Option<&str>) -> Vec<&Instance> {
        let of_workload = self.workloads.get(service).into_iter().flat_map(|workload| &workload.instances);
        let of_project = |instance: &&Instance| instance.is_of(self.project.as_ref(), service);
        let found: Vec<&Instance> = of_workload.filter(of_project).collect();
        if !found.is_empty() {
            return found;
        }
        self.instances().filter(|instance| Some(instance.name.as_str()) == declared).collect()
    }

    /// The instance that others find under that name while it runs.
    pub fn answering_to(&self, host: &str) -> Option<&Instance> {
        self.instances().find(|instance| {
            let named = instance.name == host || instance.details.service.as_deref() == Some(host);
            named || instance.addresses.hostnames.iter().any(|name| name == host)
        })
    }

    /// The way to `host:port` as instances of the project know it: the published
    /// port, else the instance's address on the runtime's network. `None` where
    /// no instance answers to that name. Published ports of an engine on
    /// another machine are reached through that machine.
    pub fn reach(&self, host: &str, port: u16) -> Option<Mapped> {
        let instance = self.answering_to(host)?;
        let from = format!("{host}:{port}");
        if let Some(published) = instance.addresses.ports.iter().find(|p| p.container == port) {
            let to = format!("{}:{}", self.published_host(published), published.host);
            let by = format!("published port of {}", instance.name);
            return Some(Mapped { from, to, by });
        }
        let ip = instance.addresses.networks.values().find(|ip| !ip.is_empty())?;
        let by = format!("address of {}", instance.name);
        let to = format!("{ip}:{port}");
        Some(Mapped { from, to, by })
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
    use super::*;
    use crate::evidence::samples::runtime;

    #[test]
    fn the_engines_words_tell_what_keeps_an_instance_from_starting() {
        let told = |text: &str, code| StartFailure::told(Some(text.into()), code).map(|told| told.kind);
        let not_found = r#"runc create failed: exec: "worker": executable file not found in $PATH"#;
        assert_eq!(told(not_found, 127), Some(StartFailureKind::CommandNotFound));
        let taken = "Bind for 0.0.0.0:80 failed: port is already allocated";
        assert_eq!(told(taken, 0), Some(StartFailureKind::PortTaken));
        assert_eq!(told("something else", 128), Some(StartFailureKind::Other));
        assert_eq!(StartFailure::told(None, 126).unwrap().kind, StartFailureKind::CommandNotExecutable);
        assert_eq!(StartFailure::told(None, 1), None);
    }

    #[test]
    fn an_address_inside_is_reached_by_its_published_port_else_by_its_own() {
        let runtime = runtime("unix:///var/run/docker.sock");
        for host in ["kafka", "shop-kafka", "broker"] {
            assert_eq!(runtime.reach(host, 9092).unwrap().to, "localhost:19092");
        }
        assert_eq!(runtime.reach("kafka", 9093).unwrap().to, "172.18.0.2:9093");
        assert_eq!(runtime.reach("elsewhere", 9092), None);
    }

    #[test]
    fn ports_of_an_engine_elsewhere_are_reached_there() {
        let runtime = runtime("tcp://build.example:2375");
        assert_eq!(runtime.reach("kafka", 9092).unwrap().to, "build.example:19092");
    }
}
