//! Extracts names, fields and positions from the deserializer's messages.

use std::ops::Range;

/// A mistake at a position inside a string. It is encoded as the message of a deserializer
/// error, which has no other way to carry a position.
pub struct MistakeInString<'a> {
    /// The byte range in the string.
    pub at: Range<usize>,
    /// The problem.
    pub what: &'a str,
    /// How to fix it.
    pub help: &'a str,
}

impl<'a> MistakeInString<'a> {
    /// The prefix that marks an encoded mistake.
    const PREFIX: &'static str = "within ";

    /// Encodes the mistake as a message.
    pub fn message(&self) -> String {
        let MistakeInString { at, what, help } = self;
        format!("{}{} {}\n{what}\n{help}", Self::PREFIX, at.start, at.end)
    }

    /// Decodes a message. Returns `None` for any other message.
    pub fn decode(message: &'a str) -> Option<Self> {
        let mut lines = message.strip_prefix(Self::PREFIX)?.lines();
        let (start, end) = lines.next()?.split_once(' ')?;
        let at = start.parse().ok()?..end.parse().ok()?;
        Some(MistakeInString { at, what: lines.next()?, help: lines.next()? })
    }
}

/// Returns the invalid name and the valid ones from serde's message about an unknown field or
/// variant. The message lists the names in backticks, with the invalid one first.
pub fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    Some((names.next()?, names.collect()))
}

/// Returns the field name from serde's message about a missing field.
pub fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
}
