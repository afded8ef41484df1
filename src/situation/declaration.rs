//! Whether the compose files declare a component.

use crate::base::state_enum::state_enum;
use crate::evidence::{self, Declared, Instance, Observed, Reason, ReasonKind};
use crate::situation::inputs::Inputs;

state_enum! {
    /// Whether and how the compose file declares a service.
    pub enum Declaration {
        Absent = "absent",
        BehindProfile = "behind-profile",
        NoReplicas = "no-replicas",
        Declared = "declared",
    }
}

/// Returns whether the compose files declare a component, with the files that were read.
pub fn declared(
    compose: &Declared,
    component: &str,
    container: Option<&Instance>,
    runs: bool,
) -> Observed<(Declaration, String)> {
    let service = compose.workloads.get(component);
    if let Some(file) =
        container.and_then(|c| missing_compose_file(c, &compose.files)).filter(|_| service.is_none())
    {
        return Observed::unknown(
            ReasonKind::Missing,
            format!("created from {file}, which was not found here"),
        );
    }
    Observed::Known(match (declaration(service, &compose.files.join(", ")), runs) {
        // The profile was enabled or the service was scaled by hand.
        ((Declaration::BehindProfile | Declaration::NoReplicas, message), true) => {
            (Declaration::Declared, format!("{message}, but running"))
        }
        (declaration, _) => declaration,
    })
}

/// Corrects the declaration of a service behind a profile: the containers tell which profiles were active
/// when the project was started.
pub fn if_profile_is_known(
    inputs: Inputs,
    component: &str,
    (declared, message): (Declaration, String),
) -> Observed<(Declaration, String)> {
    if declared != Declaration::BehindProfile {
        return Observed::Known((declared, message));
    }
    let runtime = inputs.runtime().map_reason(|why| {
        let message = format!("{message}; whether that was active is unknown: {}", why.describe());
        Reason { message, ..why }
    });
    let compose = inputs.declared();
    let is_active = |runtime| {
        let compose = compose.known()?;
        let profiles = &compose.workloads.get(component)?.profiles;
        Some(compose.active_profiles(runtime).iter().any(|active| profiles.contains(active)))
    };
    match runtime {
        Observed::Known(runtime) if is_active(runtime) == Some(true) => {
            Observed::Known((Declaration::Declared, format!("{message}, which is active")))
        }
        Observed::Known(_) => Observed::Known((declared, message)),
        // Skipped or not, the containers would tell.
        Observed::Unknown(why) | Observed::NotAsked(why) => Observed::Unknown(why),
    }
}

/// Returns the compose file that a container was created from, if that file was not read.
fn missing_compose_file<'a>(container: &'a Instance, files: &[String]) -> Option<&'a str> {
    container
        .details
        .config_files
        .iter()
        .map(String::as_str)
        .find(|file| !files.iter().any(|read| read == file))
}

/// Returns whether the compose file declares a service, as a state and as a description.
pub fn declaration(service: Option<&evidence::Declaration>, files: &str) -> (Declaration, String) {
    match service {
        None => (Declaration::Absent, format!("not in {files}")),
        Some(service) if !service.active => {
            let profiles = service.profiles.join(", ");
            (Declaration::BehindProfile, format!("behind profile {profiles} in {files}"))
        }
        Some(service) if service.replicas == 0 => {
            (Declaration::NoReplicas, format!("replicas: 0 in {files}"))
        }
        Some(_) => (Declaration::Declared, format!("in {files}")),
    }
}
