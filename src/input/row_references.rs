//! Detects unknown names, duplicates and cycles in references to rows.

use crate::base::error::Mistake;
use crate::base::renamed_ids::current;
use crate::input::Source;
use crate::input::toml_document::{Document, Entry};
use crate::text::suggestion::{distance, nearest, suggestion};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum edit distance of a typo.
const TYPO_DISTANCE: usize = 2;

/// The valid names of one kind of row.
#[derive(Debug, Clone)]
pub struct Names {
    /// The kind of row, such as "topic".
    pub what: &'static str,
    /// The valid names.
    pub list: Vec<String>,
    /// Whether some row's name could not be read, in which case an unknown name may refer to that
    /// row.
    pub partially_parsed: bool,
}

impl Names {
    /// Creates a complete list of names.
    pub fn new(what: &'static str, list: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Names { what, list: list.into_iter().map(Into::into).collect(), partially_parsed: false }
    }

    /// Collects the names of all rows in some sections, each given as a path, a key and a name
    /// prefix. Unreadable files are `None`.
    pub fn in_files(what: &'static str, files: &[Option<Document>], sections: &[(&str, &str, &str)]) -> Self {
        let mut names = Names::new(what, Vec::<String>::new());
        names.partially_parsed = partially_parsed(files);
        for document in files.iter().flatten() {
            for (section, key, prefix) in sections {
                for row in document.rows(section) {
                    match row.text(key) {
                        Some(entry) => names.list.push(format!("{prefix}{}", current(&entry.text))),
                        None => names.partially_parsed = true,
                    }
                }
            }
        }
        names
    }

    /// Combines two lists of names.
    #[must_use]
    pub fn and(&self, what: &'static str, other: &Names) -> Self {
        let list = self.list.iter().chain(&other.list).cloned().collect();
        Names { what, list, partially_parsed: self.partially_parsed || other.partially_parsed }
    }

    /// Reports whether a name is valid, or may be valid because the list is incomplete.
    pub fn has(&self, name: &str) -> bool {
        self.partially_parsed || self.is_known(name)
    }

    fn is_known(&self, name: &str) -> bool {
        let name = current(name);
        self.list.iter().any(|known| *known == name)
    }

    /// Reports whether an unknown name is within [`TYPO_DISTANCE`] of a known one, so that it is
    /// more likely a typo than the name of an unreadable row.
    fn is_typo(&self, name: &str) -> bool {
        let is_similar = |known: &String| distance(known, name).is_some_and(|typos| typos <= TYPO_DISTANCE);
        self.partially_parsed
            && name.len() > 2 * TYPO_DISTANCE
            && !self.is_known(name)
            && self.list.iter().any(is_similar)
    }

    /// Returns the known name closest to an invalid one.
    pub fn nearest(&self, invalid: &str) -> Option<&str> {
        nearest(invalid, self.list.iter().map(String::as_str))
    }

    /// Adds a mistake for each entry that is not a valid name.
    pub fn reject_unknown(&self, entries: &[Entry], source: &Source, mistakes: &mut Vec<Mistake>) {
        for entry in entries.iter().filter(|entry| !self.has(&entry.text) || self.is_typo(&entry.text)) {
            let mistake =
                source.mistake_in(entry.at.clone(), format!("unknown {} `{}`", self.what, entry.text));
            let help = match self.list.is_empty() {
                true => format!("no {} is declared", self.what),
                false => suggestion(&entry.text, self.list.iter().map(String::as_str)),
            };
            mistakes.push(mistake.help(help));
        }
    }
}

/// Reports whether some rows in these files could not be parsed.
pub fn partially_parsed(files: &[Option<Document>]) -> bool {
    files.iter().any(|file| file.as_ref().is_none_or(Document::is_partially_parsed))
}

/// Returns the entries that repeat the text of an earlier one.
pub fn duplicates(entries: &[Entry]) -> Vec<&Entry> {
    let mut seen = BTreeSet::new();
    entries.iter().filter(|entry| !seen.insert(&entry.text)).collect()
}

/// Returns the cycles of a graph, each once, starting at the name that is declared first.
pub fn cycles(edges: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    // Two rows may have the same name by mistake.
    let mut graph: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    edges.iter().for_each(|(from, to)| graph.entry(from).or_default().extend(to));
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (start, _) in edges {
        // The path from the start: each name with the index of its next edge.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.last_mut() {
            let name = *name;
            let to = graph.get(name).and_then(|to| to.get(*next));
            *next += 1;
            match to.and_then(|to| graph.get_key_value(to.as_str())).map(|(to, _)| *to) {
                Some(to) => match path.iter().position(|(on_path, _)| *on_path == to) {
                    Some(from) => {
                        found.push(path.iter().skip(from).map(|(name, _)| (*name).to_string()).collect())
                    }
                    None if !done.contains(to) => path.push((to, 0)),
                    None => {}
                },
                None if to.is_none() => {
                    done.insert(name);
                    path.pop();
                }
                None => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(all: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |to: &[&str]| to.iter().map(|name| (*name).to_string()).collect();
        all.iter().map(|(from, to)| ((*from).to_string(), owned(to))).collect()
    }

    #[test]
    fn finds_each_cycle_once() {
        let graph =
            edges(&[("a", &["b", "x"]), ("b", &["c"]), ("c", &["a"]), ("d", &["d", "a"]), ("e", &["b"])]);
        assert_eq!(cycles(&graph), [vec!["a", "b", "c"], vec!["d"]]);
    }

    #[test]
    fn a_shared_dependency_is_not_a_cycle() {
        assert!(cycles(&edges(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])])).is_empty());
    }

    #[test]
    fn accepts_unknown_names_if_a_row_is_unreadable() {
        let source = Source { name: "x".into(), text: "[[a]]\nname = 'x'\n[[a]]\nnaem = 'y'\n".into() };
        let names = Names::in_files("a", &[Document::parse(&source)], &[("a[]", "name", "")]);
        assert!(names.has("x") && names.has("y"));
    }
}
