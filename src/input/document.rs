//! A file as it is written, row by row: also what could not be read as what it
//! should be, so that a mistake in one place does not hide one in another.

use crate::base::error::{Excerpt, Mistake};
use crate::input::readable::Readable;
use crate::input::{Source, text};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it is read.
    pub text: String,
    /// Where it is written: bytes of the file, quotes included.
    pub at: Range<usize>,
}

/// One file.
pub struct Document<'a> {
    source: &'a Source,
    root: Node,
    lost: bool,
}

/// A row, or any other table.
#[derive(Clone, Copy)]
pub struct Row<'d> {
    source: &'d Source,
    node: &'d Node,
}

/// A value and where it is written.
struct Node {
    at: Range<usize>,
    /// Where its key is, if it has one.
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
    /// The file, as far as it is TOML; its mistakes are told by [`Source::read`].
    /// `None` where too much of it is not.
    pub fn of(source: &'a Source) -> Option<Self> {
        let Readable { text, table, lost, .. } = Readable::of(source, &mut Vec::new())?;
        let table = table.unwrap_or_else(|| DeTable::parse_recoverable(&text).0);
        let root = Node { at: table.span(), key: None, value: Value::table(table.get_ref()) };
        Some(Document { source, root, lost })
    }

    /// Whether whole rows of it could not be read.
    pub fn has_lost_rows(&self) -> bool {
        self.lost
    }

    /// Its file.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// The texts at a path: `call.stage`, `worker[].topics[]`, `lookup.*`.
    pub fn texts(&self, path: &str) -> Vec<Entry> {
        self.at(path).into_iter().filter_map(Node::entry).collect()
    }

    /// The rows at a path: `worker[]`, `event`.
    pub fn rows(&self, path: &str) -> Vec<Row<'_>> {
        let tables = self.at(path).into_iter().filter(|node| matches!(node.value, Value::Table(_)));
        tables.map(|node| Row { source: self.source, node }).collect()
    }

    /// The keys of a table: `database`.
    pub fn keys(&self, path: &str) -> Vec<&str> {
        let tables = self.at(path).into_iter().filter_map(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => None,
        });
        tables.flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Texts with signs that no terminal shows, and that may steer it.
    pub fn control_characters(&self, mistakes: &mut Vec<Mistake>) {
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            match &node.value {
                Value::Text(text) if text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) => {
                    let mistake = self.source.mistake_in(node.at.clone(), "a text with a control character");
                    mistakes.push(mistake.help("take it out: expected what can be read"));
                }
                Value::List(items) => open.extend(items),
                Value::Table(table) => open.extend(table.values()),
                _ => {}
            }
        }
    }

    /// Keeps only some of the rows of a section.
    pub fn retain(&mut self, section: &str, keep: impl Fn(&Row) -> bool) {
        let source = self.source;
        let Value::Table(root) = &mut self.root.value else { return };
        if let Some(Node { value: Value::List(rows), .. }) = root.get_mut(section) {
            rows.retain(|node| keep(&Row { source, node }));
        }
    }

    fn at(&self, path: &str) -> Vec<&Node> {
        let mut found = vec![&self.root];
        for word in path.split('.') {
            let (key, each) = word.strip_suffix("[]").map_or((word, false), |key| (key, true));
            found = found.into_iter().flat_map(|node| node.children(key)).collect();
            if each {
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

    /// Whether it says something of a key.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The table of a key.
    pub fn table(&self, key: &str) -> Option<Row<'d>> {
        let node = self.get(key)?;
        matches!(node.value, Value::Table(_)).then_some(Row { source: self.source, node })
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<Entry> {
        self.get(key)?.entry()
    }

    /// The texts of a list.
    pub fn list(&self, key: &str) -> Vec<Entry> {
        self.get(key).into_iter().flat_map(Node::items).filter_map(Node::entry).collect()
    }

    /// All keys, and the texts that are their values.
    pub fn entries(&self) -> Vec<(Entry, Option<Entry>)> {
        let Value::Table(table) = &self.node.value else { return Vec::new() };
        let one = |(key, node): (&String, &Node)| {
            let at = node.key.clone().unwrap_or(node.at.clone());
            (Entry { text: key.clone(), at }, node.entry())
        };
        table.iter().map(one).collect()
    }

    /// The whole number of a key, and where it stands.
    pub fn number(&self, key: &str) -> Option<(i64, Range<usize>)> {
        let node = self.get(key)?;
        match node.value {
            Value::Number(number) => Some((number, node.at.clone())),
            _ => None,
        }
    }

    /// A value as a `T`, and where it stands; none where it is no such value.
    pub fn written<T: DeserializeOwned>(&self, key: &str) -> Option<(T, Range<usize>)> {
        #[derive(serde::Deserialize)]
        struct Written<T> {
            value: T,
        }
        let at = self.get(key)?.at.clone();
        let text = format!("value = {}", self.source.text.get(at.clone())?);
        Some((toml::from_str::<Written<T>>(&text).ok()?.value, at))
    }

    /// Whether a mistake is one in this row.
    pub fn holds(&self, mistake: &Mistake) -> bool {
        let line = |offset| text::excerpt(&self.source.name, &self.source.text, offset..offset).line;
        let (first, last) = (self.node.at.start, text::end_of_row(&self.source.text, self.node.at.start));
        let in_lines = |at: &Excerpt| (line(first)..=line(last)).contains(&at.line);
        mistake.excerpt.as_ref().is_some_and(|at| at.file == self.source.name && in_lines(at))
    }

    /// A mistake of the row as a whole: at its beginning.
    pub fn mistake(&self, what: impl Into<String>) -> Mistake {
        self.source.mistake(self.node.at.start, what)
    }

    /// A mistake at a place in the row.
    pub fn mistake_in(&self, at: Range<usize>, what: impl Into<String>) -> Mistake {
        self.source.mistake_in(at, what)
    }
}

impl Node {
    fn of(value: &Spanned<DeValue<'_>>) -> Node {
        let inner = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other, Value::Number)
            }
            DeValue::Array(items) => Value::List(items.iter().map(Node::of).collect()),
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
        let named = table.iter().map(|(key, value)| {
            (key.get_ref().to_string(), Node { key: Some(key.span()), ..Node::of(value) })
        });
        Value::Table(named.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[call]\nstage = 'a'\n[lookup]\nx = 'k'\n[[worker]]\ntopics = ['p', 'q']\nn = 3\n[[worker]]\ntopics = ['r', 5]\n";

    #[test]
    fn a_path_leads_to_texts_with_their_places() {
        let source = Source { name: "x.toml".into(), text: FILE.into() };
        let document = Document::of(&source).unwrap();
        let texts = |path| document.texts(path).into_iter().map(|entry| entry.text).collect::<Vec<_>>();
        assert_eq!(texts("call.stage"), ["a"]);
        assert_eq!(texts("lookup.*"), ["k"]);
        assert_eq!(texts("worker[].topics[]"), ["p", "q", "r"]);
        assert_eq!(&FILE[document.texts("worker[].topics[]")[2].at.clone()], "'r'");
        assert_eq!(document.rows("worker[]")[0].number("n").unwrap().0, 3);
    }

    #[test]
    fn a_line_that_is_no_toml_hides_no_other() {
        let text = FILE.replace("stage = 'a'", "stage = 'a");
        let source = Source { name: "x.toml".into(), text };
        let document = Document::of(&source).unwrap();
        assert_eq!(document.texts("call.stage"), []);
        assert_eq!(document.texts("worker[].topics[]").len(), 3);
    }
}
