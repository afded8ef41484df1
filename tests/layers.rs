//! What each room of the program may hold.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
            false => {}
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The module of a file: the first part of its path below `src`.
fn module(file: &Path) -> String {
    let below = file.strip_prefix(root()).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

#[test]
fn only_probes_do_io() {
    let doors = [
        "std::net",
        "tokio::net",
        "bollard::",
        "rdkafka",
        "reqwest::",
        "tokio_postgres::",
        "std::process::Command",
    ];
    for file in sources(&root()) {
        let module = module(&file);
        if module == "collect" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for door in doors {
            assert!(!text.contains(door), "{} opens {door}", file.display());
        }
    }
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
    for file in sources(&root()) {
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        for name in names {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}

#[test]
fn functions_fit_on_a_screen() {
    for file in sources(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut start: Option<(usize, usize)> = None;
        for (i, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_fn = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(super) fn ",
                "pub(crate) fn ",
                "pub(super) async fn ",
            ]
            .iter()
            .any(|head| line.trim_start().starts_with(head));
            match start {
                None if is_fn && !line.trim_end().ends_with(';') => start = Some((i, indent)),
                Some((first, depth)) if indent == depth && line.trim_start().starts_with('}') => {
                    assert!(
                        i - first < 60,
                        "{}:{} is {} lines long",
                        file.display(),
                        first + 1,
                        i - first + 1
                    );
                    start = None;
                }
                _ => {}
            }
        }
    }
}
