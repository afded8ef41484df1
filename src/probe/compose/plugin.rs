//! Reads compose files by `docker compose config`, which needs neither the
//! network nor the engine.

use super::{Files, Read};
use crate::evidence::{ComposeService, Name, Why, WhyKind};
use crate::secret::redact;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Output, Stdio};
use tokio::process::Command;
use tokio::time::Instant;

/// How it went.
pub(super) enum Outcome {
    /// It has read the files.
    Read(Read),
    /// There is no plugin here, or it has not answered in time.
    NotThere,
    /// It does not accept the files.
    Refused(Why),
}

/// Reads the files: all services, and apart from them the active ones.
pub(super) async fn read(files: &Files, until: Instant) -> Outcome {
    let version = run(None, &["version", "--short"]);
    let all = run(Some(files), &["--profile", "*", "config", "--format", "json"]);
    let active = run(Some(files), &["config", "--services"]);
    let all_three = async { tokio::join!(version, all, active) };
    let answers = tokio::time::timeout_at(until, all_three).await;
    let Ok((Some(version), Some(all), Some(active))) = answers else {
        return Outcome::NotThere;
    };
    if !version.status.success() {
        return Outcome::NotThere;
    }
    if let Some(wrong) = [&all, &active].into_iter().find(|output| !output.status.success()) {
        return Outcome::Refused(refused(&wrong.stderr));
    }
    match serde_json::from_slice(&all.stdout) {
        Ok(document) => Outcome::Read(Read {
            by: format!("docker compose config {}", text(&version.stdout).trim()),
            ..of_document(document, &text(&active.stdout))
        }),
        Err(error) => {
            let say = format!("docker compose config: {error}");
            Outcome::Refused(Why::new(WhyKind::Failed, redact(&say)))
        }
    }
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
}

#[derive(Deserialize)]
struct Deploy {
    replicas: Option<u64>,
}

fn of_document(document: Document, active: &str) -> Read {
    let active: BTreeSet<&str> = active.lines().map(str::trim).collect();
    let services = document.services.into_iter().map(|(name, service)| {
        let replicas = service.deploy.and_then(|deploy| deploy.replicas);
        let service = ComposeService {
            image: service.image,
            container_name: service.container_name,
            profiles: service.profiles,
            active: active.contains(name.as_str()),
            replicas: replicas.or(service.scale).unwrap_or(1),
        };
        (name, service)
    });
    Read { project: document.name, by: String::new(), services: services.collect() }
}
