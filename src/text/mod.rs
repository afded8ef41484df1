//! Small pieces of text.

pub mod plural;
