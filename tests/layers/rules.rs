//! Rules for which layers each layer may use.

use crate::graph::{Graph, Violations, first_sites};
use std::collections::BTreeSet;

/// The layers from bottom to top. A file may use its own layer and the ones before it.
pub const ORDER: &[&str] = &[
    "base",
    "text",
    "input",
    "pipeline",
    "runbook",
    "printed_command",
    "evidence",
    "cli",
    "config",
    "collect",
    "situation",
    "fact",
    "judge",
    "diagnosis",
    "remedy",
    "report",
    "trace",
    "init",
    "run",
];

/// Uses that are forbidden although the order allows them: (layer, used layers, reason).
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("collect", &["situation"], "it only observes; the situation interprets the evidence later"),
    ("situation", &["collect"], "it reads recorded evidence; a replay collects nothing"),
    ("fact", &["evidence", "collect"], "it reads the situation"),
    ("judge", &["evidence", "collect"], "it reads facts and expectations"),
    ("diagnosis", &["evidence", "collect"], "it reads findings"),
    ("remedy", &["evidence", "collect"], "it reads the situation, findings and diagnosis"),
    ("report", &["evidence", "collect"], "it reads the situation, findings and diagnosis"),
    ("trace", &["evidence", "collect"], "it reads the situation, findings and diagnosis"),
];

/// Paths that do I/O. Only `collect/` may use them.
const IO_PATHS: &[&str] = &[
    "std::net",
    "std::process::Command",
    "tokio::net",
    "tokio::process",
    "bollard",
    "rdkafka",
    "rdkafka_sys",
    "reqwest",
    "tokio_postgres",
];

/// Returns the layer of a file: `fact` for `fact/view.rs`, `cli` for `cli.rs`.
pub fn layer(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// Returns the top-level modules missing from `ORDER`.
pub fn unordered(graph: &Graph) -> BTreeSet<&str> {
    graph.files.iter().map(|file| layer(file)).filter(|layer| !ORDER.contains(layer)).collect()
}

/// Returns each edge to a later or forbidden layer.
pub fn forbidden_uses(graph: &Graph) -> Violations {
    let mut found = Violations::new();
    for ((user, used), sites) in &graph.edges {
        if let Some(why) = why_forbidden(layer(user), layer(used)) {
            found.insert(format!("{user} -> {used}"), format!("{}      {why}\n", first_sites(sites)));
        }
    }
    found
}

fn why_forbidden(user: &str, used: &str) -> Option<String> {
    let row = FORBIDDEN.iter().find(|(layer, others, _)| *layer == user && others.contains(&used));
    if let Some((_, _, why)) = row {
        return Some(format!("{user} must not use {used}: {why}"));
    }
    let position = |layer: &str| ORDER.iter().position(|known| *known == layer);
    (position(used)? > position(user)?).then(|| format!("{used} is a later layer than {user}"))
}

/// Returns each I/O path used outside `collect/`.
pub fn io_outside_collect(graph: &Graph) -> BTreeSet<String> {
    let does_io = |path: &str| {
        IO_PATHS.iter().any(|prefix| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    let outside = graph.external.iter().filter(|site| layer(&site.file) != "collect" && does_io(&site.path));
    outside.map(|site| site.to_string()).collect()
}
