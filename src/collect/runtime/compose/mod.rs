//! Compose files, which declare what should run. They are read by the docker compose plugin
//! if it is installed, and otherwise by the built-in reader.

pub mod built_in_reader;
mod child;
pub mod collect;
pub mod discovery;
mod earlier_look;
pub mod file_selection;
pub mod interpolate;
mod layout;
mod plugin;
pub mod plugin_reader;
#[cfg(test)]
mod reader_tests;
mod remote_includes;
mod unchanged;
mod yaml;

pub(crate) use child::end_all;
pub(crate) use collect::{check, collect};
pub(crate) use file_selection::{Files, ReadFiles, check_readable, select_files, unreadable};
