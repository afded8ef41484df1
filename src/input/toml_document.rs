//! An untyped TOML document with the position of each value. It includes rows that do not match
//! their type, so that one mistake does not hide another.

use crate::base::error::{Excerpt, Mistake};
use crate::input::toml_recovery::RecoveredToml;
use crate::input::{Source, text_position};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A string in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The parsed string.
    pub text: String,
    /// Its byte range in the file, quotes included.
    pub at: Range<usize>,
}

/// A parsed TOML file.
pub struct Document<'a> {
    source: &'a Source,
    root: Node,
    is_partially_parsed: bool,
}

/// A table in a file, such as a `[[row]]`.
#[derive(Clone, Copy)]
pub struct Row<'d> {
    source: &'d Source,
    node: &'d Node,
}

/// A value and its byte range.
struct Node {
    at: Range<usize>,
    /// The byte range of its key, if it has one.
    key: Option<Range<usize>>,
    value: Value,
}

enum Value {
    Text(String),
    Number(i64),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    Other,
}

impl<'a> Document<'a> {
    /// Parses the valid part of a file; [`Source::read`] reports the syntax errors. Returns `None`
    /// if too little of the file is valid.
    pub fn parse(source: &'a Source) -> Option<Self> {
        let RecoveredToml { text, table, is_partially_parsed, .. } =
            RecoveredToml::parse(source, &mut Vec::new())?;
        let table = table.unwrap_or_else(|| DeTable::parse_recoverable(&text).0);
        let root = Node { at: table.span(), key: None, value: Value::table(table.get_ref()) };
        Some(Document { source, root, is_partially_parsed })
    }

    /// Reports whether whole rows could not be parsed.
    pub fn is_partially_parsed(&self) -> bool {
        self.is_partially_parsed
    }

    /// Returns the source file.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// Returns the strings at a path, such as `call.stage`, `worker[].topics[]` or `lookup.*`.
    pub fn texts(&self, path: &str) -> Vec<Entry> {
        self.nodes_at(path).into_iter().filter_map(Node::entry).collect()
    }

    /// Returns the tables at a path, such as `worker[]` or `event`.
    pub fn rows(&self, path: &str) -> Vec<Row<'_>> {
        let tables = self.nodes_at(path).into_iter().filter(|node| matches!(node.value, Value::Table(_)));
        tables.map(|node| Row { source: self.source, node }).collect()
    }

    /// Returns the keys of a table, such as `database`.
    pub fn keys(&self, path: &str) -> Vec<&str> {
        let tables = self.nodes_at(path).into_iter().filter_map(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => None,
        });
        tables.flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Reports strings with control characters, which could manipulate a terminal.
    pub fn reject_control_characters(&self, mistakes: &mut Vec<Mistake>) {
        let mut pending = vec![&self.root];
        while let Some(node) = pending.pop() {
            match &node.value {
                Value::Text(text) if text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) => {
                    let mistake =
                        self.source.mistake_in(node.at.clone(), "the string contains a control character");
                    mistakes.push(mistake.help("remove it: only printable characters are allowed"));
                }
                Value::List(items) => pending.extend(items),
                Value::Table(table) => pending.extend(table.values()),
                _ => {}
            }
        }
    }

    /// Removes the rows in a section for which `keep` returns false.
    pub fn retain(&mut self, section: &str, keep: impl Fn(&Row) -> bool) {
        let source = self.source;
        let Value::Table(root) = &mut self.root.value else { return };
        if let Some(Node { value: Value::List(rows), .. }) = root.get_mut(section) {
            rows.retain(|node| keep(&Row { source, node }));
        }
    }

    fn nodes_at(&self, path: &str) -> Vec<&Node> {
        let mut found = vec![&self.root];
        for segment in path.split('.') {
            let (key, is_list) = segment.strip_suffix("[]").map_or((segment, false), |key| (key, true));
            found = found.into_iter().flat_map(|node| node.children(key)).collect();
            if is_list {
                found = found.into_iter().flat_map(Node::items).collect();
            }
        }
        found
    }
}

impl<'d> Row<'d> {
    fn get(&self, key: &str) -> Option<&'d Node> {
        self.node.children(key).into_iter().next()
    }

    /// Reports whether the table has a key.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Returns the table at a key.
    pub fn table(&self, key: &str) -> Option<Row<'d>> {
        let node = self.get(key)?;
        matches!(node.value, Value::Table(_)).then_some(Row { source: self.source, node })
    }

    /// Returns the string at a key.
    pub fn text(&self, key: &str) -> Option<Entry> {
        self.get(key)?.entry()
    }

    /// Returns the strings of the list at a key.
    pub fn list(&self, key: &str) -> Vec<Entry> {
        self.get(key).into_iter().flat_map(Node::items).filter_map(Node::entry).collect()
    }

    /// Returns all keys, each with its value if the value is a string.
    pub fn entries(&self) -> Vec<(Entry, Option<Entry>)> {
        let Value::Table(table) = &self.node.value else { return Vec::new() };
        let entry = |(key, node): (&String, &Node)| {
            let at = node.key.clone().unwrap_or(node.at.clone());
            (Entry { text: key.clone(), at }, node.entry())
        };
        table.iter().map(entry).collect()
    }

    /// Returns the integer at a key and its byte range.
    pub fn number(&self, key: &str) -> Option<(i64, Range<usize>)> {
        let node = self.get(key)?;
        match node.value {
            Value::Number(number) => Some((number, node.at.clone())),
            _ => None,
        }
    }

    /// Deserializes the value at a key and returns it with its byte range. Returns `None` if it is
    /// not a valid `T`.
    pub fn value_as<T: DeserializeOwned>(&self, key: &str) -> Option<(T, Range<usize>)> {
        #[derive(serde::Deserialize)]
        struct Wrapper<T> {
            value: T,
        }
        let at = self.get(key)?.at.clone();
        let text = format!("value = {}", self.source.text.get(at.clone())?);
        Some((toml::from_str::<Wrapper<T>>(&text).ok()?.value, at))
    }

    /// Reports whether a mistake is located in this row.
    pub fn contains(&self, mistake: &Mistake) -> bool {
        let line = |offset| text_position::excerpt(&self.source.name, &self.source.text, offset..offset).line;
        let (first, last) =
            (self.node.at.start, text_position::end_of_row(&self.source.text, self.node.at.start));
        let in_lines = |at: &Excerpt| (line(first)..=line(last)).contains(&at.line);
        mistake.excerpt.as_ref().is_some_and(|at| at.file == self.source.name && in_lines(at))
    }

    /// Creates a mistake that concerns the whole row, located at its start.
    pub fn mistake(&self, what: impl Into<String>) -> Mistake {
        self.source.mistake(self.node.at.start, what)
    }

    /// Creates a mistake at a byte range of the row.
    pub fn mistake_in(&self, at: Range<usize>, what: impl Into<String>) -> Mistake {
        self.source.mistake_in(at, what)
    }
}

impl Node {
    fn new(value: &Spanned<DeValue<'_>>) -> Node {
        let inner = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other, Value::Number)
            }
            DeValue::Array(items) => Value::List(items.iter().map(Node::new).collect()),
            DeValue::Table(table) => Value::table(table),
            _ => Value::Other,
        };
        Node { at: value.span(), key: None, value: inner }
    }

    fn entry(&self) -> Option<Entry> {
        match &self.value {
            Value::Text(text) => Some(Entry { text: text.clone(), at: self.at.clone() }),
            _ => None,
        }
    }

    fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    fn children(&self, key: &str) -> Vec<&Node> {
        match &self.value {
            Value::Table(table) if key == "*" => table.values().collect(),
            Value::Table(table) => table.get(key).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

impl Value {
    fn table(table: &DeTable<'_>) -> Value {
        let nodes = table.iter().map(|(key, value)| {
            (key.get_ref().to_string(), Node { key: Some(key.span()), ..Node::new(value) })
        });
        Value::Table(nodes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[call]\nstage = 'a'\n[lookup]\nx = 'k'\n[[worker]]\ntopics = ['p', 'q']\nn = 3\n[[worker]]\ntopics = ['r', 5]\n";

    #[test]
    fn finds_strings_and_rows_by_path() {
        let source = Source { name: "x.toml".into(), text: FILE.into() };
        let document = Document::parse(&source).unwrap();
        let texts = |path| document.texts(path).into_iter().map(|entry| entry.text).collect::<Vec<_>>();
        assert_eq!(texts("call.stage"), ["a"]);
        assert_eq!(texts("lookup.*"), ["k"]);
        assert_eq!(texts("worker[].topics[]"), ["p", "q", "r"]);
        assert_eq!(&FILE[document.texts("worker[].topics[]")[2].at.clone()], "'r'");
        assert_eq!(document.rows("worker[]")[0].number("n").unwrap().0, 3);
    }

    #[test]
    fn an_invalid_line_does_not_hide_others() {
        let text = FILE.replace("stage = 'a'", "stage = 'a");
        let source = Source { name: "x.toml".into(), text };
        let document = Document::parse(&source).unwrap();
        assert_eq!(document.texts("call.stage"), []);
        assert_eq!(document.texts("worker[].topics[]").len(), 3);
    }
}
