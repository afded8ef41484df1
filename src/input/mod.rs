//! Reads TOML files and reports all mistakes at once, each with its line and the nearest
//! valid name.

pub mod deserialize;
pub mod deserializer_message;
pub mod missing_fields;
pub mod parser_messages;
pub mod regex_pattern;
pub mod required_literals;
pub mod row_references;
pub mod source;
pub mod text_file;
pub mod text_position;
pub mod toml_document;
pub mod toml_recovery;

pub use deserializer_message::MistakeInString;
pub use source::Source;
