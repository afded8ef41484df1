//! Small pieces of text.

pub mod placeholder;
pub mod plural;
pub mod template;
