//! Writes JSON documents that are exact and safe to display on a terminal: control, bidirectional
//! and invisible characters are written as `\u` escapes, so every parser still reads the same text.

use crate::base::visible_text::is_hidden;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};
use std::io::{self, Write};

/// Writes an indented document, without a trailing line feed.
pub fn write_pretty(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, EscapingFormatter(PrettyFormatter::new()));
    document.serialize(&mut serializer).map_err(io::Error::from)
}

/// Formats documents like `PrettyFormatter`, but also escapes the characters that it leaves raw.
struct EscapingFormatter<'a>(PrettyFormatter<'a>);

impl Formatter for EscapingFormatter<'_> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, letter) in fragment.char_indices().filter(|(_, letter)| is_hidden(*letter)) {
            out.write_all(&fragment.as_bytes()[written..at])?;
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            written = at + letter.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[written..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(document: &impl Serialize) -> String {
        let mut out = Vec::new();
        write_pretty(document, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_hidden_characters_and_keeps_the_value() {
        let text = "a\u{1b}\u{7f}\u{9b}31m\u{202e}\u{200b}\u{e0041}\u{feff}\u{2028}é你\n\"\\";
        let document = written(&[text]);
        assert_eq!(
            document,
            "[\n  \"a\\u001b\\u007f\\u009b31m\\u202e\\u200b\\udb40\\udc41\\ufeff\\u2028é你\\n\\\"\\\\\"\n]"
        );
        assert_eq!(serde_json::from_str::<Vec<String>>(&document).unwrap(), [text]);
    }

    #[test]
    fn lays_out_plain_documents_as_usual() {
        let document = serde_json::json!({ "a": [1, [], {}], "b": { "c": null }, "\u{7f}": "d" });
        let usual = serde_json::to_string_pretty(&document).unwrap();
        assert_eq!(written(&document), usual.replace('\u{7f}', "\\u007f"));
    }
}
