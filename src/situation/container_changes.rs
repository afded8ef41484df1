//! The changes to each container: its image compared with its tag, its configuration compared with
//! the compose file, and its addresses.

use crate::base::state_enum::state_enum;
use crate::evidence::{Instance, Observed, Reason, ReasonKind, Runtime};
use crate::pipeline::Role;
use crate::situation::inputs::Inputs;
use crate::situation::inspected_database::{declared_address, describe, leads_to};
use crate::situation::workload::{Workloads, age};
use crate::text::address::{hosts_of, is_loopback_host};

state_enum! {
    /// A container's image compared with the current image for its tag.
    pub enum ImageState {
        Outdated = "outdated",
        Current = "current",
    }
}

state_enum! {
    /// A container's configuration compared with the current declaration.
    pub enum ConfigState {
        Other = "other",
        Current = "current",
    }
}

state_enum! {
    /// Where the addresses in a container's environment point.
    pub enum AddressState {
        Own = "own",
        Unresolved = "unresolved",
        Outside = "outside",
    }
}

state_enum! {
    /// The database in a container's environment compared with the inspected database.
    pub enum DatabaseUsed {
        Other = "other",
        Same = "same",
    }
}

state_enum! {
    /// When a container started, relative to the event.
    pub enum StartedWhen {
        After = "after",
        Before = "before",
    }
}

/// A state, with a description of what was observed.
pub type ObservedState<T> = Observed<(T, String)>;

/// The changes to one component's container.
pub struct Change<'a> {
    /// The name of the component.
    pub component: &'a str,
    /// Its image compared with the current image for its tag.
    pub image: ObservedState<ImageState>,
    /// Its configuration compared with the current compose file and `.env`.
    pub config: ObservedState<ConfigState>,
    /// Names of environment variables whose values differ from the current declaration.
    pub other_variables: &'a [String],
    /// Whether the addresses in its environment point to other hosts and resolve.
    pub addresses: ObservedState<AddressState>,
    /// Whether it uses the inspected database.
    pub database: ObservedState<DatabaseUsed>,
}

/// Finds the changes to each component's container, in the pipeline's order.
pub fn build<'a>(inputs: Inputs<'a>, workloads: &Workloads<'a>) -> Vec<Change<'a>> {
    inputs
        .pipeline
        .components()
        .map(|(component, _)| change(ContainerView { inputs, workloads, component }))
        .collect()
}

fn change<'a>(view: ContainerView<'_, 'a>) -> Change<'a> {
    Change {
        component: view.component,
        image: view.container(|runtime, instance| view.image(runtime, instance)),
        config: view.container(|_, instance| view.config(instance)),
        other_variables: view.other_variables(),
        addresses: view.container(|runtime, instance| view.addresses(runtime, instance)),
        database: view.container(|runtime, instance| view.database(runtime, instance)),
    }
}

/// One component and the evidence about it.
struct ContainerView<'w, 'a> {
    inputs: Inputs<'a>,
    workloads: &'w Workloads<'a>,
    component: &'a str,
}

impl<'a> ContainerView<'_, 'a> {
    /// Applies `read` to the component's container; returns `NotAsked` if there is none.
    fn container<T>(&self, read: impl Fn(&'a Runtime, &'a Instance) -> ObservedState<T>) -> ObservedState<T> {
        self.inputs.runtime().and_then(|runtime| {
            self.workloads.container(self.component).and_then(|container| match container {
                Some(container) => read(runtime, container),
                None => Observed::not_asked("no container"),
            })
        })
    }

    fn is_system(&self) -> bool {
        let role = self.inputs.pipeline.service(self.component).map(|service| service.role);
        matches!(role, Some(Role::Broker | Role::Database))
    }

    fn image(&self, docker: &Runtime, container: &Instance) -> ObservedState<ImageState> {
        if self.is_system() {
            return Observed::not_asked("image updates of brokers and databases are not judged");
        }
        let Some(tagged) = docker.images.get(&container.image) else {
            return Observed::not_asked("images were not inspected");
        };
        tagged.as_ref().map(|tagged| {
            if tagged.id == container.image_id {
                return (ImageState::Current, format!("runs the current image of {}", container.image));
            }
            let running = docker.images.get(&container.image_id).and_then(Observed::known);
            let difference = match (running.and_then(|image| image.created), tagged.created) {
                (Some(running), Some(tagged)) if tagged > running => {
                    format!(" that is {} older than the tag's current image", age(tagged, running))
                }
                (Some(running), Some(tagged)) => {
                    format!(" that is {} newer than the tag's current image", age(running, tagged))
                }
                _ => " that differs from the tag's current image".to_string(),
            };
            (ImageState::Outdated, format!("runs an image of {}{difference}", container.image))
        })
    }

    fn other_variables(&self) -> &'a [String] {
        let declared = self.inputs.declared();
        let service = declared.known().and_then(|declared| declared.workloads.get(self.component));
        service.and_then(|service| service.other_variables.as_deref()).unwrap_or_default()
    }

    fn config(&self, container: &Instance) -> ObservedState<ConfigState> {
        self.inputs.declared().and_then(|compose| {
            let Some(service) = compose.workloads.get(self.component) else {
                return Observed::not_asked("not declared");
            };
            let names = self.other_variables();
            if !names.is_empty() {
                let message =
                    format!("runs with a different {} than the compose file now sets", names.join(", "));
                return Observed::Known((ConfigState::Other, message));
            }
            let comparable = self.hashes_are_comparable(container);
            match (&service.config_hash, &container.config.hash) {
                (Some(declared), Some(actual)) if comparable && declared != actual => {
                    let message = "was created from a different configuration than the compose file now has"
                        .to_string();
                    Observed::Known((ConfigState::Other, message))
                }
                (Some(_), Some(_)) if comparable => {
                    Observed::Known((ConfigState::Current, "matches the compose file".to_string()))
                }
                _ => Observed::not_asked("not compared with the compose file"),
            }
        })
    }

    /// Reports whether the version of Compose that created the container computes hashes as the one that has
    /// read the files. It does if the hash of any container that it created is the same. Old recordings name
    /// the version.
    fn hashes_are_comparable(&self, container: &Instance) -> bool {
        let (declared, runtime) = (self.inputs.declared(), self.inputs.runtime());
        let (Some(declared), Some(runtime)) = (declared.known(), runtime.known()) else { return false };
        let version = container.details.compose_version.as_deref().unwrap_or_default();
        let has_declared_hash = |other: &Instance| {
            let declaration = other.details.service.as_ref().and_then(|name| declared.workloads.get(name));
            let hash = declaration.and_then(|declaration| declaration.config_hash.as_ref());
            other.details.compose_version.as_deref() == Some(version)
                && hash.is_some()
                && hash == other.config.hash.as_ref()
        };
        !version.is_empty()
            && (declared.read_by.contains(version) || runtime.instances().any(has_declared_hash))
    }

    fn addresses(&self, docker: &Runtime, container: &Instance) -> ObservedState<AddressState> {
        let hosts_by_variable = self.hosts_by_variable(container);
        if hosts_by_variable.is_empty() {
            return Observed::not_asked("its environment names no other hosts");
        }
        // If the container shares the network of the host or of another container, a
        // loopback address need not be its own.
        let networks = &container.addresses.networks;
        let isolated = !networks.is_empty() && !networks.contains_key("host");
        if let Some((name, host)) =
            hosts_by_variable.iter().find(|(_, host)| isolated && is_loopback_host(host))
        {
            let message = format!("its {name} is {host}, which is the container itself");
            return Observed::Known((AddressState::Own, message));
        }
        let mut unavailable: Option<Reason> = None;
        for (name, host) in &hosts_by_variable {
            match docker.hosts.get(host) {
                Some(Observed::Known(false)) => {
                    let message = format!("its {name} names {host}, which does not resolve from here");
                    return Observed::Known((AddressState::Unresolved, message));
                }
                Some(Observed::Unknown(why) | Observed::NotAsked(why)) => unavailable = Some(why.clone()),
                _ => {}
            }
        }
        match unavailable {
            Some(why) => Observed::Unknown(why),
            None => {
                Observed::Known((AddressState::Outside, "its addresses point to other hosts".to_string()))
            }
        }
    }

    /// Returns the other hosts named in its environment, by variable. The variable with the
    /// component's own address is skipped.
    fn hosts_by_variable<'i>(&self, container: &'i Instance) -> Vec<(&'i String, String)> {
        if self.is_system() {
            return Vec::new();
        }
        let service = self.inputs.pipeline.service(self.component);
        let own_variable = service.and_then(|service| service.address_variable.as_ref());
        let variables = container.environment.iter().filter(|(name, _)| Some(*name) != own_variable);
        variables
            .flat_map(|(name, value)| hosts_of(value).into_iter().map(move |host| (name, host)))
            .collect()
    }

    fn database(&self, docker: &Runtime, container: &Instance) -> ObservedState<DatabaseUsed> {
        let Some((variable, address)) = declared_address(container) else {
            return Observed::not_asked("its environment names no database");
        };
        if hosts_of(address).iter().any(|host| docker.hosts.get(host) == Some(&Observed::Known(false))) {
            return Observed::not_asked(format!("the host of its {variable} does not resolve"));
        }
        self.inputs.database().and_then(|rows| {
            let additional = self.inputs.evidence.additional_databases();
            let additional = additional.filter_map(|(_, seen)| seen.known());
            let inspected = [rows].into_iter().chain(additional);
            let Some(place) = describe(address) else {
                return Observed::unknown(ReasonKind::Failed, format!("{variable} could not be read"));
            };
            let message = format!("its {variable} is {place}");
            let leads: Vec<Option<bool>> =
                inspected.map(|database| leads_to(docker, self.inputs.pipeline, address, database)).collect();
            match leads.as_slice() {
                leads if leads.contains(&Some(true)) => Observed::Known((DatabaseUsed::Same, message)),
                leads if leads.iter().all(|leads| *leads == Some(false)) => {
                    let message = format!("{message}; the inspected database is {}", rows.address);
                    Observed::Known((DatabaseUsed::Other, message))
                }
                _ => Observed::not_asked(format!(
                    "{message}; it is unknown whether this is the same as {}",
                    rows.address
                )),
            }
        })
    }
}
