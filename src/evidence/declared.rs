//! What should run: the declaration of the workloads.

use crate::base::name::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What files declare to run: today those of Compose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The files, in the order given to compose; relative to the working
    /// directory where they are below it.
    pub files: Vec<String>,
    /// Who named them: the labels of the running project, this directory, or `-f`.
    pub named_by: NamedBy,
    /// The project's name, where it is known.
    pub project: Option<Name>,
    /// Who read them: `docker compose config` (and its version) or `built-in reader`.
    pub read_by: String,
    /// Every workload in the files, those behind a profile too.
    pub workloads: BTreeMap<Name, Declaration>,
}

/// Who named the compose files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedBy {
    /// The labels of the running project's containers.
    Labels,
    /// The current directory.
    Directory,
    /// The flag `-f`, or COMPOSE_FILE.
    Asked,
}

/// How one workload is declared: a service of the compose file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// `image:`, after interpolation.
    pub image: Option<String>,
    /// `container_name:`.
    pub container_name: Option<String>,
    /// `profiles:`; empty: always active.
    pub profiles: Vec<String>,
    /// Whether its profiles, if any, are active.
    pub active: bool,
    /// `deploy.replicas` or `scale`, else 1.
    pub replicas: u64,
    /// What compose would label a container of it with now (`docker compose
    /// config --hash`); `None`: the plugin was not asked.
    #[serde(default)]
    pub config_hash: Option<String>,
    /// Names of the variables whose value in the running container is another
    /// than files and `.env` give; `None`: not compared.
    #[serde(default)]
    pub other_variables: Option<Vec<Name>>,
}
