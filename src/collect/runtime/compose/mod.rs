//! The compose file: what should run. Read by the docker compose plugin where
//! it is there, else by the built-in reader.

pub mod built_in;
pub mod files;
pub mod interpolate;
pub mod look;
pub mod plugin;
pub mod survey;
#[cfg(test)]
mod tests;

pub(crate) use files::{Files, Read, readable, unreadable, which};
pub(crate) use look::{check, look};
