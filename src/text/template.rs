//! Templates with placeholders, such as `{subject} is running` or `{docker} logs {container}`. They
//! are parsed when the file is read and share one list of placeholders.

use crate::text::placeholder::{self, Needs, PLACEHOLDERS, Placeholder};
use crate::text::shell_context::{Hazard, Position, Scanner};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Text that was parsed into literals and placeholders.
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
    /// A placeholder, and its position if the text is a command.
    Placeholder(Placeholder, Position),
}

impl Template {
    /// Parses a template. Braces without a known placeholder name stay literal.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut scanner = Scanner::default();
        let mut end = 0;
        for (word, at) in braced_words(text) {
            let Some(info) = placeholder::find(word).filter(|_| at.start >= end) else { continue };
            if at.start > end {
                pieces.push(Piece::Literal(text[end..at.start].to_string()));
            }
            scanner.read(&text[end..at.start]);
            let position = scanner.placeholder(info.placeholder, text[..at.start].ends_with('$'));
            pieces.push(Piece::Placeholder(info.placeholder, position));
            end = at.end;
        }
        scanner.read(&text[end..]);
        if scanner.feeds_interpreter() {
            mark_as_code(&mut pieces);
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

    /// Returns the hazards of placeholders whose values cannot be quoted at their positions in a
    /// command, with their byte ranges.
    pub fn hazards(&self) -> impl Iterator<Item = (Hazard, Range<usize>)> {
        let mut at = 0;
        self.pieces.iter().filter_map(move |piece| match piece {
            Piece::Literal(text) => {
                at += text.len();
                None
            }
            Piece::Placeholder(placeholder, position) => {
                let info = PLACEHOLDERS.iter().find(|info| info.placeholder == *placeholder);
                let start = at;
                at += info.map_or(0, |info| info.name.len() + 2);
                position.hazard.map(|hazard| (hazard, start..at))
            }
        })
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

/// Marks the values of a line that pipes its output into an interpreter.
fn mark_as_code(pieces: &mut [Piece]) {
    for piece in pieces {
        if let Piece::Placeholder(placeholder, position) = piece
            && !placeholder.is_command()
            && !placeholder.is_sql()
        {
            position.hazard.get_or_insert(Hazard::Code);
        }
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

    use crate::text::shell_context::Quotes;

    fn at(placeholder: Placeholder, quotes: Quotes, starts_word: bool) -> Piece {
        Piece::Placeholder(placeholder, Position { quotes, starts_word, hazard: None })
    }

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.into())
    }

    #[test]
    fn splits_into_literals_and_placeholders() {
        let template = Template::parse("{docker} logs {container} 2>&1 | tail");
        let expected = [
            at(Placeholder::Docker, Quotes::Bare, true),
            literal(" logs "),
            at(Placeholder::Container, Quotes::Bare, true),
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
        let variable = at(Placeholder::MarksUrl, Quotes::Double, false);
        assert_eq!(template.pieces(), [literal("psql \"$"), variable, literal("\"")]);
    }

    #[test]
    fn reports_unknown_names_with_their_range() {
        let template = Template::parse("a {contianer} {id}");
        assert_eq!(template.unknown().collect::<Vec<_>>(), [("contianer", 2..13)]);
    }

    #[test]
    fn locates_hazards() {
        let template = Template::parse("{docker} logs {container} `date {id}`");
        assert_eq!(template.hazards().collect::<Vec<_>>(), [(Hazard::Backticks, 32..36)]);
    }
}
