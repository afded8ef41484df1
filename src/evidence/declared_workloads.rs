//! The workloads that should run, as the compose files declare them.

use crate::base::name::Name;
use crate::evidence::workload::Runtime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The workloads that the compose files declare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The files in the order given to Compose. Paths below the working directory are relative.
    pub files: Vec<String>,
    /// The files with variables that the project was started with (`--env-file`), instead of `.env`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_files: Vec<String>,
    /// Where the file names come from.
    pub named_by: NamedBy,
    /// The project name, if known.
    pub project: Option<Name>,
    /// What parsed the files: `docker compose config` (in old recordings with its version) or `built-in reader`.
    pub read_by: String,
    /// Every workload in the files, including those behind a profile.
    pub workloads: BTreeMap<Name, Declaration>,
}

impl Declared {
    /// Returns the profiles that were given when the project was started: those of services that are active
    /// only with them, and have an instance.
    pub fn active_profiles(&self, runtime: &Runtime) -> Vec<String> {
        let has_instance = |name: &Name| {
            let workload = runtime.workloads.get(name);
            workload.is_some_and(|workload| !workload.instances.is_empty())
        };
        let started = self.workloads.iter().filter(|(name, service)| !service.active && has_instance(name));
        // If a service has several profiles, any of them may have been given.
        let mut profiles: Vec<String> =
            started.filter_map(|(_, service)| service.profiles.first()).cloned().collect();
        profiles.sort();
        profiles.dedup();
        profiles
    }
}

/// Where the compose files' names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedBy {
    /// The labels of the running project's containers.
    Labels,
    /// The current directory.
    Directory,
    /// The `-f` flag or the COMPOSE_FILE variable.
    Asked,
}

/// One workload's declaration, which is a service in the compose file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// `image:`, after interpolation.
    pub image: Option<String>,
    /// `container_name:`.
    pub container_name: Option<String>,
    /// `profiles:`; empty if the service is always active.
    pub profiles: Vec<String>,
    /// Whether it has no profiles or at least one of them is active.
    pub active: bool,
    /// `deploy.replicas` or `scale`; 1 by default.
    pub replicas: u64,
    /// The configuration hash that Compose would give its containers now (`docker compose config
    /// --hash`); `None` if the plugin was not called.
    #[serde(default)]
    pub config_hash: Option<String>,
    /// Names of the variables whose values in the running container differ from those in the
    /// compose files and `.env`; `None` if they were not compared.
    #[serde(default)]
    pub other_variables: Option<Vec<Name>>,
    /// What a new service beside it needs as well.
    #[serde(default, skip_serializing_if = "Layout::is_empty")]
    pub layout: Layout,
}

/// Where a service runs and what it is made of, as the compose files write it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// `networks:`, sorted; empty if the service is only in the project's default network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Name>,
    /// `env_file:`, relative to the file that names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_files: Vec<String>,
    /// `build:`; `None` if the image is only pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
}

impl Layout {
    fn is_empty(&self) -> bool {
        *self == Layout::default()
    }
}

/// How a service's image is built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The directory or URL, without a login.
    pub context: String,
    /// `dockerfile:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// `target:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}
