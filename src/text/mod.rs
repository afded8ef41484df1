//! Small pieces of text.

pub mod address;
pub mod message;
pub mod plural;
pub mod suggestion;
pub mod word;
