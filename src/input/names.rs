//! Names in files that refer to rows, and what can be wrong with them.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::text::suggestion::{nearest, way_out};
use std::collections::{BTreeMap, BTreeSet};

/// So many letters are a slip.
const SLIP: usize = 2;

/// The names that something can have.
#[derive(Debug, Clone)]
pub struct Names {
    /// What they name: "topic".
    pub what: &'static str,
    /// The names.
    pub list: Vec<String>,
    /// A row's name cannot be read: a name that nobody has may be that row's.
    pub some_lost: bool,
}

impl Names {
    /// Names that are known from elsewhere.
    pub fn of(what: &'static str, list: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Names { what, list: list.into_iter().map(Into::into).collect(), some_lost: false }
    }

    /// The names of all rows of these sections, in files that may not be readable.
    pub fn in_files(what: &'static str, files: &[Option<Document>], sections: &[(&str, &str, &str)]) -> Self {
        let mut names = Names::of(what, Vec::<String>::new());
        names.some_lost = some_lost(files);
        for document in files.iter().flatten() {
            for (section, key, prefix) in sections {
                for row in document.rows(section) {
                    match row.text(key) {
                        Some(entry) => names.list.push(format!("{prefix}{}", entry.text)),
                        None => names.some_lost = true,
                    }
                }
            }
        }
        names
    }

    /// The names of both.
    #[must_use]
    pub fn and(&self, what: &'static str, other: &Names) -> Self {
        let list = self.list.iter().chain(&other.list).cloned().collect();
        Names { what, list, some_lost: self.some_lost || other.some_lost }
    }

    /// Whether one of them is this, as far as they are known.
    pub fn has(&self, name: &str) -> bool {
        self.some_lost || self.list.iter().any(|known| known == name)
    }

    /// Whether it is so near to a known one that it will hardly be that of a lost row.
    fn is_slip(&self, name: &str) -> bool {
        let is_known = || self.list.iter().any(|known| known == name);
        let is_near = |known: &String| strsim::damerau_levenshtein(known, name) <= SLIP;
        self.some_lost && name.len() > 2 * SLIP && !is_known() && self.list.iter().any(is_near)
    }

    /// The nearest of them.
    pub fn nearest(&self, wrong: &str) -> Option<&str> {
        nearest(wrong, self.list.iter().map(String::as_str))
    }

    /// Names that refer to nothing are mistakes.
    pub fn must_have(&self, entries: &[Entry], source: &Source, mistakes: &mut Vec<Mistake>) {
        for entry in entries.iter().filter(|entry| !self.has(&entry.text) || self.is_slip(&entry.text)) {
            let mistake =
                source.mistake_in(entry.at.clone(), format!("unknown {} `{}`", self.what, entry.text));
            let help = match self.list.is_empty() {
                true => format!("there is no {} at all", self.what),
                false => way_out(&entry.text, self.list.iter().map(String::as_str)),
            };
            mistakes.push(mistake.help(help));
        }
    }
}

/// Whether rows of these files could not be read at all.
pub fn some_lost(files: &[Option<Document>]) -> bool {
    files.iter().any(|file| file.as_ref().is_none_or(Document::has_lost_rows))
}

/// Each entry whose text an earlier one has already.
pub fn twice(entries: &[Entry]) -> Vec<&Entry> {
    let mut seen = BTreeSet::new();
    entries.iter().filter(|entry| !seen.insert(&entry.text)).collect()
}

/// The circles of a graph, each once and from the name that is declared first:
/// `a` needs `b`, which needs `a`.
pub fn circles(edges: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    // Two rows may have one name, by mistake.
    let mut graph: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    edges.iter().for_each(|(from, to)| graph.entry(from).or_default().extend(to));
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (start, _) in edges {
        // The way from the start, with the next edge to take of each name on it.
        let mut way: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = way.last_mut() {
            let name = *name;
            let to = graph.get(name).and_then(|to| to.get(*next));
            *next += 1;
            match to.and_then(|to| graph.get_key_value(to.as_str())).map(|(to, _)| *to) {
                Some(to) => match way.iter().position(|(on_way, _)| *on_way == to) {
                    Some(from) => {
                        found.push(way.iter().skip(from).map(|(name, _)| (*name).to_string()).collect())
                    }
                    None if !done.contains(to) => way.push((to, 0)),
                    None => {}
                },
                None if to.is_none() => {
                    done.insert(name);
                    way.pop();
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
    fn each_circle_is_found_once() {
        let graph =
            edges(&[("a", &["b", "x"]), ("b", &["c"]), ("c", &["a"]), ("d", &["d", "a"]), ("e", &["b"])]);
        assert_eq!(circles(&graph), [vec!["a", "b", "c"], vec!["d"]]);
    }

    #[test]
    fn what_is_needed_twice_is_no_circle() {
        assert!(circles(&edges(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])])).is_empty());
    }

    #[test]
    fn a_name_may_be_that_of_a_row_that_cannot_be_read() {
        let source = Source { name: "x".into(), text: "[[a]]\nname = 'x'\n[[a]]\nnaem = 'y'\n".into() };
        let names = Names::in_files("a", &[Document::of(&source)], &[("a[]", "name", "")]);
        assert!(names.has("x") && names.has("y"));
    }
}
