//! Reads compose files by `docker compose config`, which needs neither the
//! network nor the engine.

use crate::base::secret::{Secret, redact};
use crate::collect::runtime::compose::{Files, Read};
use crate::evidence::{Declaration, Name, Why, WhyKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Output, Stdio};
use tokio::process::Command;
use tokio::time::Instant;

/// How it went.
pub(crate) enum Outcome {
    /// It has read the files.
    Read(Read),
    /// There is no plugin here, or it has not answered in time.
    NotThere,
    /// It does not accept the files.
    Refused(Why),
}

/// The environments of running containers, by service.
pub(crate) type Environments<'a> = BTreeMap<&'a str, &'a [Secret]>;

/// Reads the files: all services, apart from them the active ones, and how
/// compose would label each.
pub(crate) async fn read(files: &Files, running: &Environments<'_>, until: Instant) -> Outcome {
    let version = run(None, &["version", "--short"]);
    let all = run(Some(files), &["--profile", "*", "config", "--format", "json"]);
    let active = run(Some(files), &["config", "--services"]);
    let hashes = run(Some(files), &["--profile", "*", "config", "--hash", "*"]);
    let all_four = async { tokio::join!(version, all, active, hashes) };
    let answers = tokio::time::timeout_at(until, all_four).await;
    let Ok((Some(version), Some(all), Some(active), hashes)) = answers else {
        return Outcome::NotThere;
    };
    // Old versions cannot tell.
    let hashes = hashes.filter(|output| output.status.success());
    let hashes = hashes.map(|output| text(&output.stdout)).unwrap_or_default();
    if !version.status.success() {
        return Outcome::NotThere;
    }
    if let Some(wrong) = [&all, &active].into_iter().find(|output| !output.status.success()) {
        return Outcome::Refused(refused(&wrong.stderr));
    }
    match serde_json::from_slice(&all.stdout) {
        Ok(document) => Outcome::Read(Read {
            by: format!("docker compose config {}", text(&version.stdout).trim()),
            ..of_document(document, &text(&active.stdout), &hashes, running)
        }),
        Err(error) => {
            let say = format!("docker compose config: {error}");
            Outcome::Refused(Why::new(WhyKind::Failed, redact(&say)))
        }
    }
}

/// All of what the files say, as the plugin understands it; `None`: it is not
/// there, or it does not accept them.
pub(crate) async fn document(files: &Files, until: Instant) -> Option<serde_json::Value> {
    let all = run(Some(files), &["--profile", "*", "config", "--format", "json"]);
    let output = tokio::time::timeout_at(until, all).await.ok()??;
    serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
}

/// `docker compose …`; dropping it ends the process. `None`: no such program.
async fn run(files: Option<&Files>, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("docker");
    command.arg("compose");
    if let Some(files) = files {
        if let Some(project) = &files.project {
            command.args(["-p", project]);
        }
        if !files.directory.as_os_str().is_empty() {
            command.arg("--project-directory").arg(&files.directory);
        }
        for path in &files.paths {
            command.arg("-f").arg(path);
        }
        // What this shell has of them is how the systems are reached from here.
        for name in &files.not_from_here {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command.output().await.ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Its last line is the error; what stands before are warnings.
fn refused(stderr: &[u8]) -> Why {
    let said = redact(text(stderr).trim());
    let last = said.lines().last().unwrap_or("no reason given");
    Why::new(WhyKind::Failed, format!("docker compose config: {last}"))
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

fn of_document(document: Document, active: &str, hashes: &str, running: &Environments) -> Read {
    let active: BTreeSet<&str> = active.lines().map(str::trim).collect();
    let hashes: BTreeMap<&str, &str> = hashes.lines().filter_map(|line| line.split_once(' ')).collect();
    let services = document.services.into_iter().map(|(name, service)| {
        let replicas = service.deploy.and_then(|deploy| deploy.replicas);
        let running = running.get(name.as_str());
        let service = Declaration {
            image: service.image,
            container_name: service.container_name,
            profiles: service.profiles,
            active: active.contains(name.as_str()),
            replicas: replicas.or(service.scale).unwrap_or(1),
            config_hash: hashes.get(name.as_str()).map(|hash| hash.trim().to_string()),
            other_variables: running.map(|running| others(&service.environment, running)),
        };
        (name, service)
    });
    Read { project: document.name, by: String::new(), services: services.collect() }
}

/// The variables that have another value, or none, in the running container;
/// by name, as values may be anything.
fn others(declared: &BTreeMap<String, Option<String>>, running: &[Secret]) -> Vec<Name> {
    let running: BTreeMap<&str, &str> =
        running.iter().filter_map(|variable| variable.expose().split_once('=')).collect();
    let differs = |(name, value): &(&String, &Option<String>)| {
        // Compose writes a dollar sign twice.
        let value = value.as_deref().map(|value| value.replace("$$", "$"));
        value.is_some_and(|value| running.get(name.as_str()) != Some(&value.as_str()))
    };
    declared.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_compared_by_value_and_told_by_name() {
        let declared = [("A", Some("1$$2")), ("B", Some("2")), ("C", Some("3")), ("D", None)];
        let declared = declared.map(|(name, value)| (name.to_string(), value.map(String::from))).into();
        let running = ["A=1$2", "B=hunter2", "PATH=/bin"].map(Secret::new);
        assert_eq!(others(&declared, &running), ["B", "C"]);
    }
}
