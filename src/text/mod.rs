//! Small pieces of text.

pub mod address;
pub mod message;
pub mod placeholder;
pub mod plural;
pub mod suggestion;
pub mod template;
pub mod word;
