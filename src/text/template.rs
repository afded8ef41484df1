//! Templates with placeholders, such as `{subject} is running` or `{docker} logs {container}`. They
//! are parsed when the file is read and share one list of placeholders.

use crate::text::placeholder::{self, Needs, PLACEHOLDERS, Placeholder};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A text parsed into literals and placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Literal(String),
    /// A placeholder and the shell quotes around it.
    Placeholder(Placeholder, Quotes),
}

/// The shell quotes around a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// No quotes.
    Bare,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
}

impl Template {
    /// Parses a text. Braces without a known placeholder name stay literal.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut quotes = Quotes::Bare;
        let mut end = 0;
        for (word, at) in braced_words(text) {
            let Some(info) = placeholder::find(word).filter(|_| at.start >= end) else { continue };
            if at.start > end {
                pieces.push(Piece::Literal(text[end..at.start].to_string()));
            }
            quotes = quotes.after(&text[end..at.start]);
            pieces.push(Piece::Placeholder(info.placeholder, quotes));
            end = at.end;
        }
        if end < text.len() {
            pieces.push(Piece::Literal(text[end..].to_string()));
        }
        Template { text: text.to_string(), pieces }
    }

    /// Returns the source text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder, _) => Some(*placeholder),
            Piece::Literal(_) => None,
        })
    }

    /// Reports whether the template contains a placeholder.
    pub fn has(&self, placeholder: Placeholder) -> bool {
        self.placeholders().any(|other| other == placeholder)
    }

    /// Reports whether the text differs from subject to subject.
    pub fn uses_subject(&self) -> bool {
        let info = |placeholder| PLACEHOLDERS.iter().find(|info| info.placeholder == placeholder);
        self.placeholders().filter_map(info).any(|info| info.needs == Needs::Subject)
    }

    /// Returns the words in braces that are not placeholder names, with their byte ranges.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        braced_words(&self.text).filter(|(word, _)| placeholder::find(word).is_none())
    }
}

/// Returns the words in braces with their byte ranges, braces included. Skips `{{…}}`, which
/// other programs use, and the shell's `${…}`, unless the placeholder is a variable name.
fn braced_words(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    text.match_indices('{').filter_map(move |(at, _)| {
        let (word, rest) = text[at + 1..].split_once('}')?;
        let is_name = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_variable = || placeholder::find(word).is_some_and(|info| info.is_variable);
        let is_placeholder = match text[..at].chars().next_back() {
            Some('{') => false,
            Some('$') => is_variable(),
            _ => !rest.starts_with('}'),
        };
        (is_name && is_placeholder).then_some((word, at..at + word.len() + 2))
    })
}

impl Quotes {
    /// Returns the quotes that are open at the end of `text`, given that `self` is open at its
    /// start.
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
    fn splits_into_literals_and_placeholders() {
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
    fn keeps_shell_and_template_braces_literal() {
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
    fn accepts_a_variable_name_placeholder_after_a_dollar() {
        let template = Template::parse("psql \"${marks_url}\"");
        let variable = Piece::Placeholder(Placeholder::MarksUrl, Quotes::Double);
        assert_eq!(template.pieces(), [literal("psql \"$"), variable, literal("\"")]);
    }

    #[test]
    fn reports_unknown_names_with_their_range() {
        let template = Template::parse("a {contianer} {id}");
        assert_eq!(template.unknown().collect::<Vec<_>>(), [("contianer", 2..13)]);
    }

    #[test]
    fn tracks_the_quotes_around_placeholders() {
        let template = Template::parse(r#"{id} '{id}' "{id} \"'{id}'" \'{id}"#);
        let quotes = template.pieces().iter().filter_map(|piece| match piece {
            Piece::Placeholder(_, quotes) => Some(*quotes),
            Piece::Literal(_) => None,
        });
        let expected = [Quotes::Bare, Quotes::Single, Quotes::Double, Quotes::Double, Quotes::Bare];
        assert_eq!(quotes.collect::<Vec<_>>(), expected);
    }
}
