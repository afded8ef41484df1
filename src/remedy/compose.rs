//! Generates the compose fragment that declares missing workers.

use crate::pipeline::Worker;
use crate::remedy::Remedy;
use std::fmt::Write;

/// Generates `services:` with one entry per worker in the remedy. The values of the workers'
/// variables stay in the project's `.env` file.
pub(crate) fn fragment(remedy: &Remedy) -> Option<String> {
    let workers: Vec<&Worker> =
        remedy.subjects.iter().filter_map(|name| remedy.situation.pipeline.worker(name)).collect();
    if workers.is_empty() {
        return None;
    }
    let mut yaml = String::from("services:\n");
    for worker in workers {
        let _ = write!(yaml, "{}", service(remedy, worker));
    }
    Some(yaml)
}

fn service(remedy: &Remedy, worker: &Worker) -> String {
    let mut yaml = format!("  {}:\n", worker.name);
    let Some(deploy) = &worker.deploy else {
        let _ = writeln!(yaml, "    image: # not declared in the pipeline file");
        return yaml;
    };
    let _ = writeln!(yaml, "    image: {}", quoted(&image(remedy, &deploy.image)));
    if let Some(container) = &worker.container {
        let _ = writeln!(yaml, "    container_name: {}", quoted(container));
    }
    if !deploy.command.is_empty() {
        let words: Vec<String> = deploy.command.iter().map(|word| quoted(word)).collect();
        let _ = writeln!(yaml, "    command: [{}]", words.join(", "));
    }
    if !deploy.environment.is_empty() {
        let _ = writeln!(yaml, "    environment:");
    }
    for variable in &deploy.environment {
        let _ = writeln!(yaml, "      {variable}: ${{{variable}:?set it in .env}}");
    }
    let _ = writeln!(yaml, "    restart: unless-stopped");
    yaml
}

/// Returns the image with the tag that running siblings use, or else the declared image.
fn image(remedy: &Remedy, declared: &str) -> String {
    remedy.situation.image_with_tag(declared).unwrap_or(declared).to_string()
}

/// Returns text as a double-quoted YAML scalar.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
