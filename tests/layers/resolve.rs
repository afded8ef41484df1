//! Resolves a path to the file that declares its item, through modules, imports, renames,
//! globs and chains of re-exports.

use crate::source::{Mention, Names, Path, Source};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The target that a path resolves to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// A module of the crate.
    Module(Path),
    /// An item, given by the file that declares it.
    Item(String),
    /// A path to another crate.
    External(Path),
}

/// All modules of the crate.
pub struct Tree<'a> {
    modules: HashMap<Path, Module<'a>>,
}

struct Module<'a> {
    file: &'a str,
    names: &'a Names,
}

/// Returns a file's module path: `fact`, `groups` for `fact/groups.rs`, `fact` for
/// `fact/mod.rs`, and an empty path for `lib.rs`.
pub fn module_of(file: &str) -> Path {
    let mut path: Path = file.trim_end_matches(".rs").split('/').map(str::to_string).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}

/// The names being resolved. A name that occurs again is part of a cycle of re-exports.
type Trail = Vec<(Path, String)>;

impl<'a> Tree<'a> {
    pub fn new(sources: &'a BTreeMap<String, Source>) -> Self {
        let mut modules = HashMap::new();
        for (file, source) in sources {
            for (inside, names) in &source.modules {
                let path = [module_of(file), inside.clone()].concat();
                modules.insert(path, Module { file, names });
            }
        }
        Tree { modules }
    }

    /// Returns the files that a path in `file` resolves to.
    pub fn files(&self, file: &str, source: &Source, mention: &Mention) -> BTreeSet<&'a str> {
        let mut files = BTreeSet::new();
        for target in self.targets(file, mention) {
            files.extend(self.file(&target));
            if let (true, Target::Module(module)) = (mention.glob, &target) {
                self.through_glob(module, source, &mut files, &mut BTreeSet::new());
            }
        }
        files
    }

    /// Returns the full path if it leads to another crate. For example, `process::Command`
    /// after `use std::process` becomes `std::process::Command`.
    pub fn external(&self, file: &str, mention: &Mention) -> Option<String> {
        self.targets(file, mention).into_iter().find_map(|target| match target {
            Target::External(path) => Some(path.join("::")),
            _ => None,
        })
    }

    fn targets(&self, file: &str, mention: &Mention) -> Vec<Target> {
        let from = [module_of(file), mention.inside.clone()].concat();
        self.resolve(&from, &mention.path, &mut Trail::new())
    }

    fn file(&self, target: &Target) -> Option<&'a str> {
        match target {
            Target::Module(path) => Some(self.modules.get(path)?.file),
            Target::Item(file) => self.modules.get(&module_of(file)).map(|module| module.file),
            Target::External(_) => None,
        }
    }

    fn resolve(&self, from: &Path, path: &[String], trail: &mut Trail) -> Vec<Target> {
        let (start, rest) = start(from, path);
        let is_relative = rest.len() < path.len();
        let Some((first, rest)) = rest.split_first() else {
            return if is_relative { vec![Target::Module(start)] } else { Vec::new() };
        };
        let mut targets = match self.look_up(&start, first, trail) {
            Some(targets) => targets,
            // A macro declares the name.
            None if is_relative => self.item(&start),
            None => vec![Target::External(vec![first.clone()])],
        };
        for name in rest {
            if targets.iter().any(|target| matches!(target, Target::Module(_))) {
                targets.retain(|target| matches!(target, Target::Module(_)));
            }
            targets = targets.into_iter().flat_map(|target| self.below(target, name, trail)).collect();
        }
        targets
    }

    fn below(&self, target: Target, name: &str, trail: &mut Trail) -> Vec<Target> {
        match target {
            Target::Module(path) => self.look_up(&path, name, trail).unwrap_or_else(|| self.item(&path)),
            // A variant, constant or function of a type.
            Target::Item(file) => vec![Target::Item(file)],
            Target::External(path) => vec![Target::External([path, vec![name.to_string()]].concat())],
        }
    }

    fn item(&self, module: &Path) -> Vec<Target> {
        self.modules.get(module).map(|module| Target::Item(module.file.to_string())).into_iter().collect()
    }

    /// Resolves a name in a module. Returns `None` if the module has no such name.
    fn look_up(&self, path: &Path, name: &str, trail: &mut Trail) -> Option<Vec<Target>> {
        let module = self.modules.get(path)?;
        let step = (path.clone(), name.to_string());
        if trail.contains(&step) {
            return None;
        }
        trail.push(step);
        let mut found = Vec::new();
        let child = [path.clone(), vec![name.to_string()]].concat();
        if self.modules.contains_key(&child) {
            found.push(Target::Module(child));
        }
        if module.names.items.contains(name) {
            found.push(Target::Item(module.file.to_string()));
        }
        for import in module.names.imports.get(name).into_iter().flatten() {
            found.extend(self.resolve(path, import, trail));
        }
        if found.is_empty() {
            for glob in &module.names.globs {
                for target in self.resolve(path, glob, trail) {
                    if let Target::Module(other) = target {
                        found.extend(self.look_up(&other, name, trail).into_iter().flatten());
                    }
                }
            }
        }
        trail.pop();
        found.sort();
        found.dedup();
        (!found.is_empty()).then_some(found)
    }

    /// Adds the files of the re-exports that a glob imports. Only names used in
    /// the importing file count.
    fn through_glob(
        &self,
        path: &Path,
        source: &Source,
        files: &mut BTreeSet<&'a str>,
        seen: &mut BTreeSet<Path>,
    ) {
        let Some(module) = self.modules.get(path).filter(|_| seen.insert(path.clone())) else { return };
        for name in module.names.imports.keys().filter(|name| source.words.contains(*name)) {
            let targets = self.look_up(path, name, &mut Trail::new()).into_iter().flatten();
            files.extend(targets.filter_map(|target| self.file(&target)));
        }
        for glob in &module.names.globs {
            for target in self.resolve(path, glob, &mut Trail::new()) {
                let Target::Module(other) = &target else { continue };
                if self.modules[other].names.items.iter().any(|item| source.words.contains(item)) {
                    files.extend(self.file(&target));
                }
                self.through_glob(other, source, files, seen);
            }
        }
    }
}

/// Returns the module where a path starts, and the rest of the path after `crate`, `self`
/// and `super`.
fn start<'p>(from: &Path, path: &'p [String]) -> (Path, &'p [String]) {
    let mut module = from.clone();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => module.clear(),
            "super" => _ = module.pop(),
            "self" => {}
            _ => break,
        }
        rest = after;
    }
    (module, rest)
}
