//! pipeline-doctor: an executable runbook.
//!
//! Data flows in one direction, and each arrow is one call in [`run`]:
//! `config → probes → evidence → situation → facts → checks → diagnosis → report`.

pub mod base;
pub mod cli;
pub mod collect;
pub mod config;
pub mod diagnosis;
pub mod evidence;
pub mod fact;
pub mod init;
pub mod input;
pub mod judge;
pub mod pipeline;
pub mod printed_command;
pub mod remedy;
pub mod report;
pub mod run;
pub mod runbook;
pub mod situation;
pub mod text;
pub mod trace;
