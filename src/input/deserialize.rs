//! Deserializes a TOML file and reports all mistakes at once, each with its line and the
//! nearest valid name.

use crate::base::error::Mistake;
use crate::input::deserializer_message::{missing_field, unknown_name};
use crate::input::source::Source;
use crate::input::toml_recovery::RecoveredToml;
use crate::input::{missing_fields, text_position};
use crate::text::suggestion::nearest;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

impl Source {
    /// Deserializes the file and adds all mistakes to `mistakes`. Reading continues after a
    /// mistake, so that one mistake does not hide the next. Returns `None` if the file cannot be
    /// deserialized.
    pub fn read<T: DeserializeOwned>(&self, mistakes: &mut Vec<Mistake>) -> Option<T> {
        let RecoveredToml { text, table, removed: removed_lines, is_partially_parsed } =
            RecoveredToml::parse(self, mistakes)?;
        let mut table = table.unwrap_or_else(|| DeTable::parse_recoverable(&text).0);
        let mut removed: Vec<RemovedEntry> = Vec::new();
        loop {
            let error = match T::deserialize(table.clone().into_deserializer()) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let at = error.span()?;
            // A field that was removed because it was invalid does not count as missing.
            let is_consequence = missing_field(error.message()).is_some_and(|field| {
                let row = at.start..text_position::end_of_row(&text, at.start);
                let may_be_in_removed_row = is_partially_parsed && at == table.span();
                may_be_in_removed_row
                    || removed_lines.iter().any(|line| row.contains(line))
                    || removed.iter().any(|entry| entry.name == field && entry.row == at.start)
            });
            if !is_consequence {
                mistakes.push(self.explain(&error));
                if missing_field(error.message()).is_some() {
                    let others = missing_fields::other_missing_fields::<T>(&table, &error);
                    mistakes.extend(others.iter().map(|error| self.explain(error)));
                }
            }
            // The error concerns the whole file; all other mistakes have already been reported.
            if at == table.span() {
                return None;
            }
            let row = table.span().start;
            let entry = remove_from_table(table.get_mut(), row, &at)?;
            // A field whose name is misspelled does not count as missing.
            if let Some((misspelled, valid)) = unknown_name(error.message())
                && let Some(intended) = nearest(misspelled, valid)
            {
                removed.push(RemovedEntry { name: intended.to_string(), row: entry.row });
            }
            removed.push(entry);
        }
    }
}

/// An invalid entry that was removed from its table.
struct RemovedEntry {
    name: String,
    /// The byte offset of its table.
    row: usize,
}

/// Removes the innermost entry at `at` from the table that starts at `row`. Returns `None` if
/// there is no such entry.
fn remove_from_table(table: &mut DeTable<'_>, row: usize, at: &Range<usize>) -> Option<RemovedEntry> {
    let (name, is_key) = table
        .iter()
        .find(|(key, value)| key.span() == *at || contains(value, at))
        .map(|(key, _)| (key.get_ref().to_string(), key.span() == *at))?;
    let value = table.get_mut(name.as_str())?;
    let inner = if is_key { None } else { remove_from_value(value, at) };
    inner.or_else(|| {
        table.remove(name.as_str());
        Some(RemovedEntry { name, row })
    })
}

fn remove_from_value(value: &mut Spanned<DeValue<'_>>, at: &Range<usize>) -> Option<RemovedEntry> {
    let row = value.span().start;
    match value.get_mut() {
        DeValue::Table(inner) => remove_from_table(inner, row, at),
        DeValue::Array(items) => {
            let index = items.iter().position(|item| contains(item, at))?;
            let inner = remove_from_value(items.get_mut(index)?, at);
            Some(inner.unwrap_or_else(|| {
                *items = items
                    .clone()
                    .into_iter()
                    .enumerate()
                    .filter_map(|(i, item)| (i != index).then_some(item))
                    .collect();
                let name = String::new();
                RemovedEntry { name, row }
            }))
        }
        _ => None,
    }
}

/// Reports whether the value or any nested value covers `at`. The span of a `[[row]]` covers only
/// its header, so its entries must be searched too.
fn contains(value: &Spanned<DeValue<'_>>, at: &Range<usize>) -> bool {
    let covers = |span: Range<usize>| span.start <= at.start && at.end <= span.end;
    covers(value.span())
        || match value.get_ref() {
            DeValue::Table(table) => {
                table.iter().any(|(key, value)| covers(key.span()) || contains(value, at))
            }
            DeValue::Array(items) => items.iter().any(|item| contains(item, at)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::toml_recovery;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only deserialization is tested")]
    struct File {
        #[serde(default)]
        row: Vec<Row>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only deserialization is tested")]
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
    fn reports_all_mistakes_with_their_lines() {
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
    fn reports_a_syntax_error_with_its_line() {
        let found = mistakes("[[row]]\nid = \n");
        assert!(found[0].starts_with("x.toml:2:"), "{found:?}");
    }

    #[test]
    fn limits_the_number_of_syntax_errors() {
        let found = mistakes(&"{\n".repeat(100));
        assert!(found.len() <= toml_recovery::MAX_SYNTAX_ERRORS + 1, "{}", found.len());
    }

    #[test]
    fn reports_all_missing_fields_of_a_row() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Kind {
            One,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only deserialization is tested")]
        struct Row {
            id: String,
            kind: Kind,
            step: u8,
            list: Vec<String>,
            pair: (String, String),
            yes: bool,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only deserialization is tested")]
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
    fn an_unclosed_value_ends_with_its_row() {
        let text = "[[row]]\nid = [\"a\",\nstep = 1\n\n[[row]]\nid = 5\nstep = 1\n\n[[row]\nid = 6\n\n\
                    [[row]]\nid = \"\"\"b\nstep = 1\n\n[[row]]\nid = \"c\"\nstpe = 1\n";
        let lines: Vec<String> =
            mistakes(text).iter().map(|m| m.split(':').nth(1).unwrap().to_string()).collect();
        assert_eq!(lines, ["2", "9", "13", "6", "18"]);
    }

    #[test]
    fn reports_a_duplicate_table() {
        let found = mistakes("[[row]]\nid = \"a\"\nstep = 1\n[x]\n[x]\n");
        assert!(found.iter().any(|mistake| mistake.starts_with("x.toml:5:")), "{found:#?}");
    }

    #[test]
    fn a_valid_file_has_no_mistakes() {
        assert!(mistakes("[[row]]\nid = \"a\"\nstep = 1\n").is_empty());
    }
}
