//! Small pieces of text.

pub mod plural;
pub mod suggestion;
