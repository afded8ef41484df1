//! Data flows one way: the dependency graph of the files in `src/` has no cycle, and no
//! layer (top-level module) uses a later one.

mod graph;
mod resolve;
mod rules;
mod self_test;
mod source;

use graph::{Graph, Violations};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

/// The maximum number of lines in a file.
const MAX_LINES: usize = 500;

static SOURCES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut sources = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    sources
});

static GRAPH: LazyLock<Graph> = LazyLock::new(|| graph::build(&SOURCES));

/// Reads all Rust files in a directory and its subdirectories into a map from path in `src/`
/// to text.
fn read(directory: &Path, prefix: &str, sources: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), sources);
        } else if name.ends_with(".rs") {
            sources.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Formats violations, each followed by the locations that cause it.
fn listed(violations: &Violations) -> String {
    violations.iter().map(|(line, places)| format!("{line}\n{places}")).collect()
}

#[test]
fn no_dependency_cycles() {
    let advice = "move the shared code into a third file below both, or pass the value as an argument";
    assert_eq!(listed(&GRAPH.cycles()), "", "{advice}");
}

#[test]
fn no_layer_uses_a_later_or_forbidden_one() {
    let advice = "move the item down to the layer that it belongs to, or use the layer below";
    assert_eq!(listed(&rules::forbidden_uses(&GRAPH)), "", "{advice}");
}

#[test]
fn every_top_level_module_is_a_layer() {
    assert_eq!(rules::unordered(&GRAPH), BTreeSet::new(), "add it to ORDER in tests/layers/rules.rs");
}

#[test]
fn only_collect_does_io() {
    assert_eq!(rules::io_outside_collect(&GRAPH), BTreeSet::new());
}

#[test]
fn no_file_is_too_long() {
    let lines = SOURCES.iter().map(|(file, text)| (file, text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > MAX_LINES);
    let long: Vec<_> = long.collect();
    assert!(long.is_empty(), "split by topic, and name each new file after its topic: {long:?}");
}

#[test]
fn source_names_no_specific_pipeline() {
    let names = [
        "kodingcaravan",
        "trainer",
        "purchase",
        "auto-assign",
        "admin-service",
        "processed_events",
        "onboarding",
        "outbox-relay",
        "render-worker",
    ];
    for (file, text) in SOURCES.iter() {
        let text = text.to_lowercase();
        for name in names {
            assert!(!text.contains(name), "src/{file} names {name}");
        }
    }
}
