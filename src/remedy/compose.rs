//! The compose fragment of the missing workers.

use crate::pipeline::Worker;
use crate::remedy::Remedy;
use std::fmt::Write;

/// `services:` with one entry for each worker that the remedy is for. Values of
/// variables stay in the project's `.env`.
pub(crate) fn fragment(remedy: &Remedy) -> Option<String> {
    let workers: Vec<&Worker> =
        remedy.subjects.iter().filter_map(|name| remedy.view.pipeline.worker(name)).collect();
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
        let _ = writeln!(yaml, "    image: # the pipeline file does not say which");
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

/// The image with the tag that its siblings run, where one runs.
fn image(remedy: &Remedy, declared: &str) -> String {
    remedy.view.image_of_sibling(declared).unwrap_or(declared).to_string()
}

/// A YAML scalar in double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
