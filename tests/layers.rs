//! Data flows one way: a module uses only what stands before it here.

use std::fs;
use std::path::{Path, PathBuf};

/// All modules, in the order of the flow.
const ORDER: &[&str] = &[
    "secret",
    "plural",
    "schema",
    "error",
    "toml_input",
    "names",
    "pattern",
    "message",
    "evidence",
    "told",
    "survey",
    "pipeline",
    "own",
    "cli",
    "config",
    "probe",
    "signature",
    "fact",
    "check",
    "diagnosis",
    "action",
    "report",
    "demo",
    "init",
    "run",
];

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

/// The modules that a text names as `crate::NAME`, also inside of `crate::{A, B}`.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(top_level_names(group)),
            None => names.push(word(rest)),
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn top_level_names(group: &str) -> Vec<String> {
    let mut names = vec![word(group.trim_start())];
    let mut depth = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Arrows backwards: (file, what it uses).
fn backwards(file: &str, module: &str, text: &str) -> Vec<String> {
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let own = place(module);
    used(text)
        .into_iter()
        .filter(|name| name != module)
        .filter(|name| match (own, place(name)) {
            (Some(own), Some(other)) => other > own,
            _ => true,
        })
        .map(|name| format!("{file} uses {name}"))
        .collect()
}

#[test]
fn no_module_uses_a_later_one() {
    let mut found = Vec::new();
    for file in sources(&root()) {
        let module = module(&file);
        if matches!(module.as_str(), "main" | "lib") {
            continue;
        }
        assert!(ORDER.contains(&module.as_str()), "module {module} has no place in the order");
        let text = fs::read_to_string(&file).unwrap();
        found.extend(backwards(&file.display().to_string(), &module, &text));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_arrow_backwards_is_found() {
    assert_eq!(backwards("x", "fact", "use crate::report::Report;"), ["x uses report"]);
    assert_eq!(backwards("x", "fact", "use crate::{evidence::Seen, run};"), ["x uses run"]);
    assert!(backwards("x", "fact", "use crate::evidence::{Seen, Why};").is_empty());
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
        if module == "probe" {
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
