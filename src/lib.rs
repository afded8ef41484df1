//! pipeline-doctor: a runbook you can execute.
//!
//! `config → probes → evidence → facts → checks → diagnosis → report`: data
//! flows one way, and each arrow is one call in [`run`].

pub mod action;
pub mod check;
pub mod cli;
pub mod config;
pub mod demo;
pub mod diagnosis;
pub mod error;
pub mod evidence;
pub mod fact;
pub mod init;
pub mod message;
pub mod names;
pub mod own;
pub mod pattern;
pub mod pipeline;
pub mod plural;
pub mod probe;
pub mod report;
pub mod run;
pub mod schema;
pub mod secret;
pub mod signature;
pub mod survey;
pub mod told;
pub mod toml_input;
