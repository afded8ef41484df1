//! Reads compose files with `docker compose config`, which needs neither the network nor
//! the engine.

use crate::base::secret::{Secret, redact, redact_image};
use crate::collect::runtime::compose::built_in_reader::{self, active_profiles, is_active};
use crate::collect::runtime::compose::child::run;
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::{Files, ReadFiles};
use crate::collect::timeout_at;
use crate::evidence::{Declaration, Layout, Name, Reason, ReasonKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// How the report names this reader.
const READER: &str = "docker compose config";

/// Result of running the plugin.
pub(crate) enum Outcome {
    /// The plugin has read the files.
    Read(ReadFiles),
    /// The plugin is not installed or did not answer in time.
    Unavailable,
    /// The plugin rejected the files.
    Rejected(Reason),
}

/// Environments of running containers by service.
pub(crate) type Environments<'a> = BTreeMap<&'a str, &'a [Secret]>;

/// Reads all services from the files, and determines which of them are active. With `hashes`, also determines
/// which config hash compose would put in each service's label.
pub(crate) async fn read(
    files: &Files,
    variables: &Variables,
    (running, hashes): (&Environments<'_>, bool),
    until: Instant,
) -> Outcome {
    let all = run(Some(files), &["--profile", "*", "config", "--format", "json"]);
    // Each process takes a tenth of a second of processor time.
    let hashes = async {
        match hashes {
            true => run(Some(files), &["--profile", "*", "config", "--hash", "*"]).await,
            false => None,
        }
    };
    let outputs = timeout_at(until, async { tokio::join!(all, hashes) }).await;
    let Ok((Some(all), hashes)) = outputs else { return Outcome::Unavailable };
    let all = match all {
        Ok(all) if all.status.success() => all,
        Ok(failed) if is_installed(until).await => return Outcome::Rejected(rejection(&failed.stderr)),
        Ok(_) => return Outcome::Unavailable,
        Err(why) => return Outcome::Rejected(why),
    };
    // Old versions do not support `--hash`.
    let hashes = hashes.and_then(Result::ok).filter(|output| output.status.success());
    let hashes = hashes.map(|output| text(&output.stdout)).unwrap_or_default();
    match serde_json::from_slice(&all.stdout) {
        Ok(document) => {
            let mut read = read_document(document, &active_profiles(variables), &hashes, running);
            add_layouts(&mut read, files, variables);
            Outcome::Read(read)
        }
        Err(error) => {
            let message = format!("docker compose config: {error}");
            Outcome::Rejected(Reason::new(ReasonKind::Failed, redact(&message)))
        }
    }
}

/// Reports whether the plugin answers at all. Without it, docker rejects its flags.
async fn is_installed(until: Instant) -> bool {
    let version = timeout_at(until, run(None, &["version", "--short"])).await;
    matches!(version, Ok(Some(Ok(version))) if version.status.success())
}

/// Adds what the plugin resolves away and the files still tell. Compose computes the hash in a container's label
/// before it reads the files with variables, and the hash that it prints after it, so the latter is dropped where
/// there may be such files.
fn add_layouts(read: &mut ReadFiles, files: &Files, variables: &Variables) {
    let mut written = built_in_reader::read(files, variables).ok();
    for (name, service) in &mut read.services {
        let as_written = written.as_mut().and_then(|written| written.services.remove(name));
        if as_written.as_ref().is_none_or(|service| !service.layout.env_files.is_empty()) {
            service.config_hash = None;
        }
        service.layout = as_written.map(|service| service.layout).unwrap_or_default();
    }
}

/// Returns the merged compose document, or `None` if the plugin is not installed or rejects
/// the files.
pub(crate) async fn document(files: &Files, until: Instant) -> Option<serde_json::Value> {
    let all = run(Some(files), &["--profile", "*", "config", "--format", "json"]);
    let output = timeout_at(until, all).await.ok()??.ok()?;
    serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Extracts the error, which is the last line of standard error, after any warnings.
fn rejection(stderr: &[u8]) -> Reason {
    let output = redact(text(stderr).trim());
    let last = output.lines().last().unwrap_or("no reason given");
    Reason::new(ReasonKind::Failed, format!("docker compose config: {last}"))
}

#[derive(Deserialize)]
struct Document {
    name: Option<Name>,
    #[serde(default)]
    services: BTreeMap<Name, Service>,
}

#[derive(Deserialize)]
struct Service {
    image: Option<String>,
    container_name: Option<String>,
    #[serde(default)]
    profiles: Vec<String>,
    deploy: Option<Deploy>,
    scale: Option<u64>,
    #[serde(default)]
    environment: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Deploy {
    replicas: Option<u64>,
}

fn read_document(
    document: Document,
    enabled: &BTreeSet<String>,
    hashes: &str,
    running: &Environments,
) -> ReadFiles {
    let hashes: BTreeMap<&str, &str> = hashes.lines().filter_map(|line| line.split_once(' ')).collect();
    let services = document.services.into_iter().map(|(name, service)| {
        let replicas = service.deploy.and_then(|deploy| deploy.replicas);
        let running = running.get(name.as_str());
        let service = Declaration {
            image: service.image.as_deref().map(redact_image),
            container_name: service.container_name,
            active: is_active(&service.profiles, enabled),
            profiles: service.profiles,
            replicas: replicas.or(service.scale).unwrap_or(1),
            config_hash: hashes.get(name.as_str()).map(|hash| hash.trim().to_string()),
            other_variables: running.map(|running| changed_variables(&service.environment, running)),
            layout: Layout::default(),
        };
        (name, service)
    });
    ReadFiles { project: document.name, reader: READER.into(), services: services.collect() }
}

/// Returns the names of declared variables whose values differ in the running container.
/// Values may be secret, so only names are returned.
fn changed_variables(declared: &BTreeMap<String, Option<String>>, running: &[Secret]) -> Vec<Name> {
    let running: BTreeMap<&str, &str> =
        running.iter().filter_map(|variable| variable.expose().split_once('=')).collect();
    let differs = |(name, value): &(&String, &Option<String>)| {
        // Compose escapes a dollar sign by doubling it.
        let value = value.as_deref().map(|value| value.replace("$$", "$"));
        value.is_some_and(|value| running.get(name.as_str()) != Some(&value.as_str()))
    };
    declared.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_variables_by_value_and_returns_names() {
        let declared = [("A", Some("1$$2")), ("B", Some("2")), ("C", Some("3")), ("D", None)];
        let declared = declared.map(|(name, value)| (name.to_string(), value.map(String::from))).into();
        let running = ["A=1$2", "B=hunter2", "PATH=/bin"].map(Secret::new);
        assert_eq!(changed_variables(&declared, &running), ["B", "C"]);
    }
}
