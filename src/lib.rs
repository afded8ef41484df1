//! pipeline-doctor: a runbook you can execute.

pub mod error;
pub mod secret;
pub mod toml_input;
