//! Reads the compose files without Compose where its answer is certain: if neither the files nor the variables
//! have changed since the containers were created from them, Compose would create the same containers again.

use crate::collect::runtime::compose::built_in_reader::read_with_environments;
use crate::collect::runtime::compose::earlier_look::{last_change, names_other_files};
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::layout::Environment;
use crate::collect::runtime::compose::{Files, ReadFiles};
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::evidence::{Declaration, Instance, NamedBy, Runtime};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::path::Path;

/// How much older than a container its files must be: time stamps of files are coarse, and a container is created
/// some time after Compose has read them.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// Reads the files, or returns `None` if only Compose knows whether the containers still match them.
pub(crate) fn read(
    files: &Files,
    variables: &Variables,
    shell: &BTreeSet<String>,
    (runtime, discovered): (&Runtime, &EnvironmentAddresses),
) -> Option<ReadFiles> {
    let is_controlled = |name: &String| name.starts_with("COMPOSE_") && name != "COMPOSE_PROFILES";
    // The clock of an engine elsewhere may differ from that of the files.
    let is_local = runtime.address.starts_with("unix:");
    if !is_local || files.named_by != NamedBy::Labels || shell.iter().any(is_controlled) {
        return None;
    }
    let mut changed = Vec::new();
    for path in &files.paths {
        let text = std::fs::read_to_string(path).ok()?;
        if names_other_files(&text) || variables_in(&text).any(|name| shell.contains(name)) {
            return None;
        }
        changed.push(last_change(path)?);
    }
    for path in &files.environment_files {
        changed.push(last_change(path)?);
    }
    // If `.env` has been removed, that has changed the directory.
    let variables_file = files.directory.join(".env");
    changed.push(last_change(&variables_file).or_else(|| last_change(&files.directory))?);
    let changed = changed.into_iter().max()?;
    let (mut read, environments) = read_with_environments(files, variables).ok()?;
    for (name, declaration) in &mut read.services {
        let of_service = runtime.instances().filter(|instance| is_of(instance, files, name));
        let containers: Vec<&Instance> = of_service.collect();
        let environment = environments.get(name)?;
        let is_unchanged = |container: &&Instance| {
            container.created.is_some_and(|created| changed < created - MARGIN)
                && container.details.config_files.iter().map(Path::new).eq(&files.paths)
                && has_variables(discovered, container, environment)
        };
        if !containers.iter().all(is_unchanged) || !accept(declaration, &containers) {
            return None;
        }
    }
    Some(read)
}

fn is_of(instance: &Instance, files: &Files, service: &str) -> bool {
    instance.details.project == files.project && instance.details.service.as_deref() == Some(service)
}

/// Notes that Compose would give the containers of a service the hash that they have. Returns `false` if they have
/// different ones.
fn accept(declaration: &mut Declaration, containers: &[&Instance]) -> bool {
    let hashes: BTreeSet<&Option<String>> = containers.iter().map(|c| &c.config.hash).collect();
    if let Some(hash) = hashes.first() {
        declaration.config_hash = (*hash).clone();
        declaration.other_variables = Some(Vec::new());
    }
    hashes.len() <= 1
}

/// Reports whether a container has all variables that its service declares.
fn has_variables(discovered: &EnvironmentAddresses, container: &Instance, declared: &Environment) -> bool {
    let Some(running) = discovered.environments.get(&container.id) else { return false };
    let running: BTreeSet<&str> = running.iter().map(|variable| variable.expose()).collect();
    declared.iter().all(|(name, value)| match value {
        Some(value) => running.contains(format!("{name}={value}").as_str()),
        // Passed on from the shell of whoever started it.
        None => false,
    })
}

/// Returns the names of the variables that a file refers to.
fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    let references = text.split('$').skip(1);
    references.map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::evidence::test_samples;
    use jiff::Timestamp;

    const TEXT: &str = "services:\n  api: {image: shop, environment: {A: '${A:-1}', B: 2}, command: run}\n";

    /// Returns whether the file is read without Compose if a container with these variables was created at a time.
    fn is_certain(text: &str, variables: &[&str], created: Timestamp, shell: &[&str]) -> bool {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("compose.yaml");
        std::fs::write(&path, text).unwrap();
        let container = test_samples::container(serde_json::json!({
            "id": "1", "name": "api", "service": "api", "config_hash": "f00", "created": created,
            "config_files": [path],
        }));
        let files = Files {
            paths: vec![path],
            environment_files: Vec::new(),
            named_by: NamedBy::Labels,
            directory: directory.path().to_path_buf(),
            project: Some("shop".into()),
            ignored_variables: Vec::new(),
        };
        let runtime = test_samples::runtime("unix:///run/docker.sock").with_instances([container]);
        let variables = variables.iter().map(|variable| Secret::new(*variable)).collect();
        let discovered = EnvironmentAddresses {
            environments: [("1".to_string(), variables)].into(),
            ..EnvironmentAddresses::default()
        };
        let shell = shell.iter().map(ToString::to_string).collect();
        let read = read(&files, &Variables::new([], directory.path()), &shell, (&runtime, &discovered));
        let api = read.as_ref().map(|read| &read.services["api"]);
        assert!(api.is_none_or(|api| api.config_hash.as_deref() == Some("f00")));
        api.is_some()
    }

    #[test]
    fn only_what_may_have_changed_is_a_question_for_compose() {
        let later = Timestamp::now() + SignedDuration::from_mins(1);
        let same = ["PATH=/bin", "A=1", "B=2"];
        assert!(is_certain(TEXT, &same, later, &["HOME"]));
        assert!(!is_certain(TEXT, &same, Timestamp::now(), &[]), "the file may be newer");
        assert!(!is_certain(TEXT, &["A=1", "B=3"], later, &[]), "another value");
        assert!(!is_certain(TEXT, &["A=1"], later, &[]), "a variable is missing");
        assert!(!is_certain(TEXT, &same, later, &["A"]), "the shell sets what the file refers to");
        assert!(!is_certain(TEXT, &same, later, &["COMPOSE_FILE"]), "the shell controls Compose");
        let passed_on = TEXT.replace("B: 2", "B: ");
        assert!(!is_certain(&passed_on, &same, later, &[]), "a value of another shell");
        let other_file = TEXT.replace("command: run", "env_file: b.env");
        assert!(!is_certain(&other_file, &same, later, &[]), "a file that is not known");
    }
}
