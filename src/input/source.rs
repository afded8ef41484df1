//! A TOML source file, and mistakes at positions in it.

use crate::base::error::Mistake;
use crate::input::deserializer_message::{MistakeInString, unknown_name};
use crate::input::{parser_messages, text_position};
use crate::text::suggestion::suggestion;
use std::ops::Range;

/// A TOML file: its name in messages and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user would write it, or `built-in/…`.
    pub name: String,
    /// The file's contents.
    pub text: String,
}

impl Source {
    /// Creates a mistake for the word, string or header at a byte offset.
    pub fn mistake(&self, offset: usize, what: impl Into<String>) -> Mistake {
        self.mistake_in(offset..text_position::end_of_token(&self.text, offset), what)
    }

    /// Creates a mistake for a byte range, cut off at the end of its first line.
    pub fn mistake_in(&self, at: Range<usize>, what: impl Into<String>) -> Mistake {
        Mistake::in_line(text_position::excerpt(&self.name, &self.text, at), what)
    }

    /// Returns `file:line` for a byte offset.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.name, text_position::excerpt(&self.name, &self.text, offset..offset).line)
    }

    /// Creates a mistake inside the string at `value`. `within` is a byte range in the parsed
    /// string, without quotes and escapes.
    pub fn mistake_within(
        &self,
        value: &Range<usize>,
        within: &Range<usize>,
        what: impl Into<String>,
    ) -> Mistake {
        let raw = self.text.get(value.clone()).unwrap_or_default();
        let start = value.start + text_position::raw_offset(raw, within.start);
        let end = value.start + text_position::raw_offset(raw, within.end);
        self.mistake_in(start..end, what)
    }

    /// Converts a deserializer error to a mistake.
    pub fn explain(&self, error: &toml::de::Error) -> Mistake {
        let at = error.span().unwrap_or(0..0);
        if let Some(within) = MistakeInString::decode(error.message()) {
            return self.mistake_within(&at, &within.at, within.what).help(within.help);
        }
        let message = error.message().lines().next().unwrap_or_default();
        match unknown_name(message) {
            Some((name, valid)) => {
                let help = suggestion(name, valid.iter().copied());
                self.mistake_in(at, format!("unknown name `{name}`")).help(help)
            }
            None => {
                let (what, help) = parser_messages::explain(message);
                self.mistake_in(at, what).help(help)
            }
        }
    }
}
