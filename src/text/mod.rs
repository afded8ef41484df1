//! Text helpers: plurals, suggestions, templates, addresses, JSON and log messages.

pub mod address;
mod ascii_regex;
pub mod json;
pub mod log;
pub mod log_message;
pub mod names;
pub mod placeholder;
pub mod plural;
pub mod printable;
pub mod shell_context;
pub mod sql_literal;
pub mod suggestion;
pub mod template;
pub mod whole_word;
