//! Which room may use which.

use crate::graph::{Found, Graph, first_of};
use std::collections::BTreeSet;

/// The rooms, bottom to top: a file uses its own room and those before it.
pub const ORDER: &[&str] = &[
    "base",
    "text",
    "input",
    "pipeline",
    "runbook",
    "command",
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

/// Walls that the order alone does not build: (room, what it may not name, why).
const WALLS: &[(&str, &[&str], &str)] = &[
    ("collect", &["situation"], "it only observes; what that means is joined later"),
    ("situation", &["collect"], "it reads the evidence; a replay has no collectors"),
    ("fact", &["evidence", "collect"], "it reads the situation"),
    ("judge", &["evidence", "collect"], "it reads facts and expectations"),
    ("diagnosis", &["evidence", "collect"], "it reads findings"),
    ("remedy", &["evidence", "collect"], "it reads situation, findings and diagnosis"),
    ("report", &["evidence", "collect"], "it reads situation, findings and diagnosis"),
    ("trace", &["evidence", "collect"], "it reads situation, findings and diagnosis"),
];

/// What only `collect/` may name: the doors to the outside.
const DOORS: &[&str] = &[
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

/// The first part of a path: `fact/view.rs` is in `fact`, `cli.rs` is `cli`.
pub fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// Rooms that have no place in the order.
pub fn without_place(graph: &Graph) -> BTreeSet<&str> {
    graph.files.iter().map(|file| room(file)).filter(|room| !ORDER.contains(room)).collect()
}

/// Each edge that leads up, or through a wall.
pub fn crossings(graph: &Graph) -> Found {
    let mut found = Found::new();
    for ((user, used), sites) in &graph.edges {
        if let Some(why) = forbidden(room(user), room(used)) {
            found.insert(format!("{user} -> {used}"), format!("{}      {why}\n", first_of(sites)));
        }
    }
    found
}

fn forbidden(user: &str, used: &str) -> Option<String> {
    let wall = WALLS.iter().find(|(room, others, _)| *room == user && others.contains(&used));
    if let Some((_, _, why)) = wall {
        return Some(format!("{user} names nothing of {used}: {why}"));
    }
    let place = |room: &str| ORDER.iter().position(|known| *known == room);
    (place(used)? > place(user)?).then(|| format!("{used} comes after {user} in the order of the rooms"))
}

/// Each path to the outside that is not in `collect/`.
pub fn doors(graph: &Graph) -> BTreeSet<String> {
    let opens = |path: &str| {
        DOORS
            .iter()
            .any(|door| path.strip_prefix(door).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
    };
    let outside = graph.external.iter().filter(|site| room(&site.file) != "collect" && opens(&site.path));
    outside.map(|site| site.to_string()).collect()
}
