//! The dependency graph of the files in `src/`, and its cycles.

use crate::resolve::{Tree, module_of};
use crate::source::{self, Source};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// Maps each violation to an explanation.
pub type Violations = BTreeMap<String, String>;

pub type Edges = BTreeMap<(String, String), BTreeSet<Site>>;

/// A path in the source and its position.
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

/// The dependencies between files.
pub struct Graph {
    /// All files except `main.rs` and `lib.rs`.
    pub files: BTreeSet<String>,
    /// Maps (user, used) to the paths that cause the dependency.
    pub edges: Edges,
    /// Paths to other crates, with imports expanded.
    pub external: Vec<Site>,
}

/// Parses the files, given as a map from path in `src/` to text, and resolves all paths in
/// them.
pub fn build(sources: &BTreeMap<String, String>) -> Graph {
    let mut parsed = parse_all(sources);
    remove_tests(&mut parsed);
    let tree = Tree::new(&parsed);
    let counted = |file: &str| !matches!(file, "lib.rs" | "main.rs");
    let mut edges = Edges::new();
    let mut external = Vec::new();
    for (file, source) in &parsed {
        for mention in &source.mentions {
            let site = |path| Site { file: file.clone(), line: mention.line, path };
            external.extend(tree.external(file, mention).map(site));
            for used in tree.files(file, source, mention) {
                if used != file && counted(file) && counted(used) {
                    let end = if mention.glob { "::*" } else { "" };
                    let site = site(mention.path.join("::") + end);
                    edges.entry((file.clone(), used.to_string())).or_default().insert(site);
                }
            }
        }
    }
    let files = parsed.keys().filter(|file| counted(file)).cloned().collect();
    Graph { files, edges, external }
}

fn parse_all(sources: &BTreeMap<String, String>) -> BTreeMap<String, Source> {
    let all: Vec<_> = sources.iter().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parse = |(file, text): &(&String, &String)| {
        let source = source::parse(text).unwrap_or_else(|e| panic!("src/{file}: {e}"));
        (file.to_string(), source)
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|first| {
                let all = &all;
                scope.spawn(move || all.iter().skip(first).step_by(threads).map(parse).collect::<Vec<_>>())
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Removes the files declared by `#[cfg(test)] mod tests;` and their submodules.
fn remove_tests(parsed: &mut BTreeMap<String, Source>) {
    let tests: Vec<_> = parsed
        .iter()
        .flat_map(|(file, source)| {
            source.tests.iter().map(|inside| [module_of(file), inside.clone()].concat())
        })
        .collect();
    parsed.retain(|file, _| !tests.iter().any(|test| module_of(file).starts_with(test)));
}

impl Graph {
    /// Returns each edge that is part of a cycle between files or between the entries of
    /// one folder. The entries of `src/` are the layers.
    pub fn cycles(&self) -> Violations {
        let mut found = find_cycles(&self.edges);
        for folder in self.folders() {
            found.extend(find_cycles(&self.children(&folder)));
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

    /// Returns the edges between the direct entries of a folder.
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

    /// Returns the entry of a folder that contains a file. `error.rs` beside `error/`
    /// counts as the `mod.rs` of that folder.
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

/// Lists up to three positions that cause an edge, one per line.
pub fn first_sites(sites: &BTreeSet<Site>) -> String {
    sites.iter().take(3).map(|site| format!("      {site}\n")).collect()
}

fn find_cycles(edges: &Edges) -> Violations {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (user, used) in edges.keys() {
        next.entry(user).or_default().push(used);
    }
    let mut found = Violations::new();
    for ((user, used), sites) in edges {
        if let Some(path) = shortest_path(&next, used, user) {
            let text = format!("{}      and back: {}\n", first_sites(sites), path.join(" -> "));
            found.insert(format!("{user} -> {used}"), text);
        }
    }
    found
}

/// Returns the shortest path between two nodes.
fn shortest_path<'a>(
    next: &BTreeMap<&'a str, Vec<&'a str>>,
    from: &'a str,
    to: &str,
) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut path = vec![at];
            while path[0] != from {
                path.insert(0, before[path[0]]);
            }
            return Some(path);
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
