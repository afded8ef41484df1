//! Texts with placeholders: `{subject} is running`, `{docker} logs {container}`. They are
//! parsed when rows are read; there is one list of names for all of them.

use crate::text::placeholder::{self, NAMES, Needs, Placeholder};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A text, parsed into what stands as it is and what is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Stands as it is.
    Literal(String),
    /// Is filled in.
    Placeholder(Placeholder, Quotes),
}

/// The shell's quotes around a place in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// None.
    Bare,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
}

impl Template {
    /// Parses a text. Braces that hold no known name belong to the shell and stay.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut quotes = Quotes::Bare;
        let mut end = 0;
        for (word, at) in in_braces(text) {
            let Some(name) = placeholder::named(word).filter(|_| at.start >= end) else { continue };
            if at.start > end {
                pieces.push(Piece::Literal(text[end..at.start].to_string()));
            }
            quotes = quotes.after(&text[end..at.start]);
            pieces.push(Piece::Placeholder(name.placeholder, quotes));
            end = at.end;
        }
        if end < text.len() {
            pieces.push(Piece::Literal(text[end..].to_string()));
        }
        Template { text: text.to_string(), pieces }
    }

    /// The text as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The placeholders in it.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder, _) => Some(*placeholder),
            Piece::Literal(_) => None,
        })
    }

    /// Whether a placeholder is in it.
    pub fn has(&self, placeholder: Placeholder) -> bool {
        self.placeholders().any(|other| other == placeholder)
    }

    /// Whether it says something else of each subject.
    pub fn is_about_a_subject(&self) -> bool {
        let needs = |placeholder| NAMES.iter().find(|name| name.placeholder == placeholder);
        self.placeholders().filter_map(needs).any(|name| name.needs == Needs::Subject)
    }

    /// The words in braces that no placeholder is called, and where they stand.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        in_braces(&self.text).filter(|(word, _)| placeholder::named(word).is_none())
    }
}

/// The words in braces and where they stand, with the braces. `{{…}}` belongs to another
/// program, `${…}` to the shell, unless the word is one that names a variable.
fn in_braces(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    text.match_indices('{').filter_map(move |(at, _)| {
        let (word, rest) = text[at + 1..].split_once('}')?;
        let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_variable = || placeholder::named(word).is_some_and(|name| name.is_variable);
        let free = match text[..at].chars().next_back() {
            Some('{') => false,
            Some('$') => is_variable(),
            _ => !rest.starts_with('}'),
        };
        (plain && free).then_some((word, at..at + word.len() + 2))
    })
}

impl Quotes {
    /// The quotes at the end of a text that begins within these.
    fn after(self, text: &str) -> Quotes {
        let mut quotes = self;
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            quotes = match (quotes, char) {
                (Quotes::Bare, '\'') => Quotes::Single,
                (Quotes::Bare, '"') => Quotes::Double,
                (Quotes::Single, '\'') | (Quotes::Double, '"') => Quotes::Bare,
                (Quotes::Bare | Quotes::Double, '\\') => {
                    chars.next();
                    quotes
                }
                _ => quotes,
            };
        }
        quotes
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        Template::parse(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Template::parse(&text))
    }
}

impl JsonSchema for Template {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.into())
    }

    #[test]
    fn what_is_known_is_filled_in_and_the_rest_stays() {
        let template = Template::parse("{docker} logs {container} 2>&1 | tail");
        let expected = [
            Piece::Placeholder(Placeholder::Docker, Quotes::Bare),
            literal(" logs "),
            Piece::Placeholder(Placeholder::Container, Quotes::Bare),
            literal(" 2>&1 | tail"),
        ];
        assert_eq!(template.pieces(), expected);
        assert!(template.has(Placeholder::Docker) && !template.has(Placeholder::Subject));
    }

    #[test]
    fn braces_of_the_shell_and_of_other_programs_stay() {
        for text in [
            "ps --format {{.Names}}",
            "{{id}}",
            "echo ${id} ${subjct}",
            "awk '{print $1}'",
            "a{1,2}",
            "{a,b}",
            "{",
        ] {
            let template = Template::parse(text);
            assert_eq!(template.pieces(), [literal(text)]);
            assert_eq!(template.unknown().count(), 0, "{text}");
        }
    }

    #[test]
    fn the_name_of_a_variable_may_stand_as_one() {
        let template = Template::parse("psql \"${marks_url}\"");
        let variable = Piece::Placeholder(Placeholder::MarksUrl, Quotes::Double);
        assert_eq!(template.pieces(), [literal("psql \"$"), variable, literal("\"")]);
    }

    #[test]
    fn what_is_not_known_is_told_with_its_place() {
        let template = Template::parse("a {contianer} {id}");
        assert_eq!(template.unknown().collect::<Vec<_>>(), [("contianer", 2..13)]);
    }

    #[test]
    fn each_placeholder_knows_the_quotes_around_it() {
        let template = Template::parse(r#"{id} '{id}' "{id} \"'{id}'" \'{id}"#);
        let quotes = template.pieces().iter().filter_map(|piece| match piece {
            Piece::Placeholder(_, quotes) => Some(*quotes),
            Piece::Literal(_) => None,
        });
        let expected = [Quotes::Bare, Quotes::Single, Quotes::Double, Quotes::Double, Quotes::Bare];
        assert_eq!(quotes.collect::<Vec<_>>(), expected);
    }
}
