//! The graph of the files of `src/`, and the circles in it.

use crate::names::{Tree, module_of};
use crate::text::{self, Text};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// Violations: the line that a list has for each, and its explanation.
pub type Found = BTreeMap<String, String>;

pub type Edges = BTreeMap<(String, String), BTreeSet<Site>>;

/// Where a path is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub file: String,
    pub line: usize,
    pub path: String,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.path)
    }
}

/// Which file uses which.
pub struct Graph {
    /// All files but `main.rs` and `lib.rs`.
    pub files: BTreeSet<String>,
    /// (user, used) → the paths that say so.
    pub edges: Edges,
    /// The paths of other crates, imports written out.
    pub external: Vec<Site>,
}

/// Reads the files (path below `src/` → text) and resolves all their paths.
pub fn build(sources: &BTreeMap<String, String>) -> Graph {
    let mut texts = read_all(sources);
    leave_tests_out(&mut texts);
    let tree = Tree::new(&texts);
    let counted = |file: &str| !matches!(file, "lib.rs" | "main.rs");
    let mut edges = Edges::new();
    let mut external = Vec::new();
    for (file, text) in &texts {
        for mention in &text.mentions {
            let site = |path| Site { file: file.clone(), line: mention.line, path };
            external.extend(tree.external(file, mention).map(site));
            for used in tree.files(file, text, mention) {
                if used != file && counted(file) && counted(used) {
                    let end = if mention.glob { "::*" } else { "" };
                    let site = site(mention.path.join("::") + end);
                    edges.entry((file.clone(), used.to_string())).or_default().insert(site);
                }
            }
        }
    }
    let files = texts.keys().filter(|file| counted(file)).cloned().collect();
    Graph { files, edges, external }
}

fn read_all(sources: &BTreeMap<String, String>) -> BTreeMap<String, Text> {
    let all: Vec<_> = sources.iter().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |(file, source): &(&String, &String)| {
        let text = text::read(source).unwrap_or_else(|e| panic!("src/{file}: {e}"));
        (file.to_string(), text)
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|first| {
                let all = &all;
                scope.spawn(move || all.iter().skip(first).step_by(threads).map(read).collect::<Vec<_>>())
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Removes the files below `#[cfg(test)] mod tests;`.
fn leave_tests_out(texts: &mut BTreeMap<String, Text>) {
    let tests: Vec<_> = texts
        .iter()
        .flat_map(|(file, text)| text.tests.iter().map(|inside| [module_of(file), inside.clone()].concat()))
        .collect();
    texts.retain(|file, _| !tests.iter().any(|test| module_of(file).starts_with(test)));
}

impl Graph {
    /// Each edge that is part of a circle: between files, and between what lies
    /// side by side in one folder (`src/` itself is the folder of the rooms).
    pub fn circles(&self) -> Found {
        let mut found = circles_of(&self.edges);
        for folder in self.folders() {
            found.extend(circles_of(&self.children(&folder)));
        }
        found
    }

    fn folders(&self) -> BTreeSet<String> {
        let parents = |file: &String| {
            let ends: Vec<usize> = file.match_indices('/').map(|(at, _)| at + 1).collect();
            ends.into_iter().map(|end| file[..end].to_string()).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(parents).chain([String::new()]).collect()
    }

    /// The edges between the files and folders that lie directly in a folder.
    fn children(&self, folder: &str) -> Edges {
        let mut edges = Edges::new();
        for ((user, used), sites) in &self.edges {
            if let (Some(user), Some(used)) = (self.child(folder, user), self.child(folder, used))
                && user != used
            {
                edges.entry((user, used)).or_default().extend(sites.iter().cloned());
            }
        }
        edges
    }

    /// The part of a folder that a file lies in. `error.rs` beside `error/` is
    /// the `mod.rs` of that folder.
    fn child(&self, folder: &str, file: &str) -> Option<String> {
        let own = format!("{}/", file.trim_end_matches(".rs"));
        if own == folder {
            return Some(file.to_string());
        }
        let rest = file.strip_prefix(folder)?;
        if let Some(end) = rest.find('/') {
            return Some(file[..=folder.len() + end].to_string());
        }
        let has_folder = self.files.iter().any(|other| other.starts_with(&own));
        Some(if has_folder { own } else { file.to_string() })
    }
}

/// The first few of the places where an edge is written, a line each.
pub fn first_of(sites: &BTreeSet<Site>) -> String {
    sites.iter().take(3).map(|site| format!("      {site}\n")).collect()
}

fn circles_of(edges: &Edges) -> Found {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (user, used) in edges.keys() {
        next.entry(user).or_default().push(used);
    }
    let mut found = Found::new();
    for ((user, used), sites) in edges {
        if let Some(way) = way(&next, used, user) {
            let text = format!("{}      and back: {}\n", first_of(sites), way.join(" -> "));
            found.insert(format!("{user} -> {used}"), text);
        }
    }
    found
}

/// The shortest way from one to the other.
fn way<'a>(next: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut way = vec![at];
            while way[0] != from {
                way.insert(0, before[way[0]]);
            }
            return Some(way);
        }
        for other in next.get(at).into_iter().flatten() {
            if !before.contains_key(other) {
                before.insert(other, at);
                queue.push_back(other);
            }
        }
    }
    None
}
