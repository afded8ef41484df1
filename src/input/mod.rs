//! Reads TOML so that all mistakes come at once, each with its line and the
//! nearest valid name.

pub mod document;
pub mod file;
pub mod message;
pub mod missing;
pub mod names;
pub mod pattern;
pub mod read;
pub mod readable;
pub mod source;
pub mod text;
pub mod words;

pub use message::Within;
pub use source::Source;
