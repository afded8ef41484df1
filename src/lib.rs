//! pipeline-doctor: a runbook you can execute.
//!
//! `config → probes → evidence → facts → checks → diagnosis → report`: data
//! flows one way, and each arrow is one call in [`run`].

pub mod cli;
pub mod config;
pub mod error;
pub mod evidence;
pub mod pipeline;
pub mod probe;
pub mod secret;
pub mod toml_input;
