//! What the deserializer's messages hold: names, fields, places inside of a text.

use std::ops::Range;

/// A mistake inside of a text, as it passes through the message of a deserializer.
pub struct Within<'a> {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// What is wrong.
    pub what: &'a str,
    /// The way out.
    pub help: &'a str,
}

impl<'a> Within<'a> {
    /// What no other message begins with.
    const BEGIN: &'static str = "within ";

    /// The deserializer's message.
    pub fn message(&self) -> String {
        let Within { at, what, help } = self;
        format!("{}{} {}\n{what}\n{help}", Self::BEGIN, at.start, at.end)
    }

    /// Reads the deserializer's message.
    pub fn read(message: &'a str) -> Option<Self> {
        let mut lines = message.strip_prefix(Self::BEGIN)?.lines();
        let (start, end) = lines.next()?.split_once(' ')?;
        let at = start.parse().ok()?..end.parse().ok()?;
        Some(Within { at, what: lines.next()?, help: lines.next()? })
    }
}

/// The wrong name and the valid ones of serde's message about an unknown field
/// or variant: the names stand in backticks, the wrong one first.
pub fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    Some((names.next()?, names.collect()))
}

/// The field that is missing, as serde's message names it.
pub fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
}
