//! Data flows one way: the graph of the files of `src/` has no circle, and no room
//! (top-level module) uses a later one.

mod forms;
mod graph;
mod known;
mod names;
mod rooms;
mod text;

use graph::{Found, Graph};
use known::Known;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

/// The maximum length of a file in lines.
const MOST_LINES: usize = 500;

const CIRCLES: Known = Known {
    name: "circles.txt",
    what: "files or folders that use each other in a circle",
    advice: "Move what both need into a third file below them, or pass it in as a value.",
};

const CROSSINGS: Known = Known {
    name: "crossings.txt",
    what: "paths against the order of the rooms or through a wall (tests/layers/rooms.rs)",
    advice: "Move the item down into the room that it belongs to, or read it from the room below.",
};

const LONG: Known = Known {
    name: "long.txt",
    what: "files of more than 500 lines, tests included",
    advice: "Split by topic: each part with a name that says what is in it.",
};

static SOURCES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut sources = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    sources
});

static GRAPH: LazyLock<Graph> = LazyLock::new(|| graph::build(&SOURCES));

/// Reads all files below a directory: path below `src/` → text.
fn read(directory: &Path, below: &str, sources: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), sources);
        } else if name.ends_with(".rs") {
            sources.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn nothing_goes_in_circles() {
    CIRCLES.compare(&GRAPH.circles());
}

#[test]
fn no_room_uses_a_later_one() {
    CROSSINGS.compare(&rooms::crossings(&GRAPH));
}

#[test]
fn every_room_has_a_place() {
    assert_eq!(rooms::without_place(&GRAPH), BTreeSet::new(), "give it one in tests/layers/rooms.rs");
}

#[test]
fn only_collect_does_io() {
    assert_eq!(rooms::doors(&GRAPH), BTreeSet::new());
}

#[test]
fn no_file_is_too_long() {
    let lines = SOURCES.iter().map(|(file, text)| (file, text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > MOST_LINES);
    LONG.compare(
        &long.map(|(file, lines)| (file.clone(), format!("      {lines} lines\n"))).collect::<Found>(),
    );
}

#[test]
fn the_tool_knows_no_pipeline() {
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
