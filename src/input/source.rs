//! A TOML file, and mistakes at places in it.

use crate::base::error::Mistake;
use crate::input::message::{Within, unknown_name};
use crate::input::{text, words};
use crate::text::suggestion::way_out;
use std::ops::Range;

/// A TOML file: its name for messages, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user would write it, or `built-in/…`.
    pub name: String,
    /// The whole file.
    pub text: String,
}

impl Source {
    /// A mistake at a byte offset: the word, text or header that begins there.
    pub fn mistake(&self, offset: usize, what: impl Into<String>) -> Mistake {
        self.mistake_in(offset..text::end_of_token(&self.text, offset), what)
    }

    /// A mistake in a range of bytes, as far as it is on one line.
    pub fn mistake_in(&self, at: Range<usize>, what: impl Into<String>) -> Mistake {
        Mistake::in_line(text::excerpt(&self.name, &self.text, at), what)
    }

    /// `file:line` of a byte offset.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.name, text::excerpt(&self.name, &self.text, offset..offset).line)
    }

    /// A mistake inside of a text that stands at `value`: `within` are bytes of
    /// the text as it is read, without quotes and escapes.
    pub fn mistake_within(
        &self,
        value: &Range<usize>,
        within: &Range<usize>,
        what: impl Into<String>,
    ) -> Mistake {
        let raw = self.text.get(value.clone()).unwrap_or_default();
        let start = value.start + text::raw_offset(raw, within.start);
        let end = value.start + text::raw_offset(raw, within.end);
        self.mistake_in(start..end, what)
    }

    /// What is wrong where the deserializer says so.
    pub fn explain(&self, error: &toml::de::Error) -> Mistake {
        let at = error.span().unwrap_or(0..0);
        if let Some(within) = Within::read(error.message()) {
            return self.mistake_within(&at, &within.at, within.what).help(within.help);
        }
        let message = error.message().lines().next().unwrap_or_default();
        match unknown_name(message) {
            Some((wrong, valid)) => {
                let help = way_out(wrong, valid.iter().copied());
                self.mistake_in(at, format!("unknown name `{wrong}`")).help(help)
            }
            None => {
                let (what, help) = words::of(message);
                self.mistake_in(at, what).help(help)
            }
        }
    }
}
