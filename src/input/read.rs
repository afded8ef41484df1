//! Reads a TOML file as a type: all mistakes at once, each with its line and the
//! nearest valid name.

use crate::base::error::Mistake;
use crate::input::message::{missing_field, unknown_name};
use crate::input::readable::Readable;
use crate::input::source::Source;
use crate::input::{missing, text};
use crate::text::suggestion::nearest;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

impl Source {
    /// Reads the whole file as a `T`. What is wrong is put into `mistakes`; the
    /// rest is still read, so that one mistake does not hide the next.
    pub fn read<T: DeserializeOwned>(&self, mistakes: &mut Vec<Mistake>) -> Option<T> {
        let Readable { text, table, gone, lost } = Readable::of(self, mistakes)?;
        let mut table = table.unwrap_or_else(|| DeTable::parse_recoverable(&text).0);
        let mut removed: Vec<Removed> = Vec::new();
        loop {
            let error = match T::deserialize(table.clone().into_deserializer()) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let at = error.span()?;
            // A field that was taken out because of its own mistake is not missing.
            let follows = missing_field(error.message()).is_some_and(|field| {
                let row = at.start..text::end_of_row(&text, at.start);
                let in_file = lost && at == table.span();
                in_file
                    || gone.iter().any(|line| row.contains(line))
                    || removed.iter().any(|gone| gone.name == field && gone.row == at.start)
            });
            if !follows {
                mistakes.push(self.explain(&error));
                if missing_field(error.message()).is_some() {
                    let more = missing::beside::<T>(&table, &error);
                    mistakes.extend(more.iter().map(|error| self.explain(error)));
                }
            }
            // The file itself lacks it: all else has been told by then.
            if at == table.span() {
                return None;
            }
            let row = table.span().start;
            let gone = take_out(table.get_mut(), row, &at)?;
            // A mistyped name's right one is not missing besides.
            if let Some((wrong, valid)) = unknown_name(error.message())
                && let Some(meant) = nearest(wrong, valid)
            {
                removed.push(Removed { name: meant.to_string(), row: gone.row });
            }
            removed.push(gone);
        }
    }
}

/// An entry that was taken out of a table because it was wrong.
struct Removed {
    name: String,
    /// Where its table begins, in bytes.
    row: usize,
}

/// Takes the innermost entry at `at` out of the table, which begins at `row`;
/// `None` where there is nothing to take out.
fn take_out(table: &mut DeTable<'_>, row: usize, at: &Range<usize>) -> Option<Removed> {
    let (name, named) = table
        .iter()
        .find(|(key, value)| key.span() == *at || reaches(value, at))
        .map(|(key, _)| (key.get_ref().to_string(), key.span() == *at))?;
    let value = table.get_mut(name.as_str())?;
    let inner = if named { None } else { take_out_of_value(value, at) };
    inner.or_else(|| {
        table.remove(name.as_str());
        Some(Removed { name, row })
    })
}

fn take_out_of_value(value: &mut Spanned<DeValue<'_>>, at: &Range<usize>) -> Option<Removed> {
    let row = value.span().start;
    match value.get_mut() {
        DeValue::Table(inner) => take_out(inner, row, at),
        DeValue::Array(items) => {
            let index = items.iter().position(|item| reaches(item, at))?;
            let inner = take_out_of_value(items.get_mut(index)?, at);
            Some(inner.unwrap_or_else(|| {
                *items = items
                    .clone()
                    .into_iter()
                    .enumerate()
                    .filter_map(|(i, item)| (i != index).then_some(item))
                    .collect();
                let name = String::new();
                Removed { name, row }
            }))
        }
        _ => None,
    }
}

/// Whether the value, or anything in it, stands at `at`. A `[[row]]` has the
/// span of its header alone, so its entries are looked at too.
fn reaches(value: &Spanned<DeValue<'_>>, at: &Range<usize>) -> bool {
    let holds = |span: Range<usize>| span.start <= at.start && at.end <= span.end;
    holds(value.span())
        || match value.get_ref() {
            DeValue::Table(table) => table.iter().any(|(key, value)| holds(key.span()) || reaches(value, at)),
            DeValue::Array(items) => items.iter().any(|item| reaches(item, at)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::readable;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading it is tested")]
    struct File {
        #[serde(default)]
        row: Vec<Row>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading it is tested")]
    struct Row {
        id: String,
        step: u8,
        #[serde(default)]
        title: String,
    }

    fn mistakes(text: &str) -> Vec<String> {
        let source = Source { name: "x.toml".into(), text: text.into() };
        let mut mistakes = Vec::new();
        let _ = source.read::<File>(&mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_mistakes_come_at_once_with_their_lines() {
        let text = "[[row]]\nid = \"a\"\nstep = 1\ntitel = \"x\"\n\n[[row]]\nid = 5\nstep = \"one\"\n\n[[row]]\nid = \"c\"\n\n[[raw]]\nid = \"d\"\n";
        let found = mistakes(text);
        assert_eq!(found.len(), 5, "{found:#?}");
        for expected in [
            "x.toml:4:1: unknown name `titel`\n  |\n4 | titel = \"x\"\n  | ^^^^^\n  did you mean `title`?",
            "x.toml:7:6: invalid type: integer `5`, expected a string",
            "x.toml:8:8: invalid type: string \"one\", expected a whole number",
            "x.toml:10:1: missing field `step`",
            "x.toml:13:3: unknown name `raw`",
        ] {
            assert!(found.iter().any(|m| m.starts_with(expected)), "{expected}\n{found:#?}");
        }
    }

    #[test]
    fn broken_syntax_is_named_with_its_line() {
        let found = mistakes("[[row]]\nid = \n");
        assert!(found[0].starts_with("x.toml:2:"), "{found:?}");
    }

    #[test]
    fn what_is_no_toml_at_all_is_told_in_a_few_lines() {
        let found = mistakes(&"{\n".repeat(100));
        assert!(found.len() <= readable::SYNTAX_ERRORS + 1, "{}", found.len());
    }

    #[test]
    fn all_that_a_row_lacks_is_told() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Kind {
            One,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only reading it is tested")]
        struct Row {
            id: String,
            kind: Kind,
            step: u8,
            list: Vec<String>,
            pair: (String, String),
            yes: bool,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only reading it is tested")]
        struct File {
            name: String,
            row: Vec<Row>,
        }
        let source = Source { name: "x.toml".into(), text: "[[row]]\nstep = 1\n[[row]]\nid = 'a'\n".into() };
        let mut mistakes = Vec::new();
        let _ = source.read::<File>(&mut mistakes);
        let fields = mistakes.iter().map(|m| m.what.trim_start_matches("missing field ").to_string());
        let fields: Vec<String> = fields.collect();
        let expected = ["id", "kind", "list", "pair", "yes", "kind", "step", "list", "pair", "yes", "name"]
            .map(|f| format!("`{f}`"));
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_has_no_end_ends_with_its_row() {
        let text = "[[row]]\nid = [\"a\",\nstep = 1\n\n[[row]]\nid = 5\nstep = 1\n\n[[row]\nid = 6\n\n\
                    [[row]]\nid = \"\"\"b\nstep = 1\n\n[[row]]\nid = \"c\"\nstpe = 1\n";
        let lines: Vec<String> =
            mistakes(text).iter().map(|m| m.split(':').nth(1).unwrap().to_string()).collect();
        assert_eq!(lines, ["2", "9", "13", "6", "18"]);
    }

    #[test]
    fn a_table_that_stands_twice_is_told_once() {
        let found = mistakes("[[row]]\nid = \"a\"\nstep = 1\n[x]\n[x]\n");
        assert!(found.iter().any(|mistake| mistake.starts_with("x.toml:5:")), "{found:#?}");
    }

    #[test]
    fn a_good_file_has_none() {
        assert!(mistakes("[[row]]\nid = \"a\"\nstep = 1\n").is_empty());
    }
}
