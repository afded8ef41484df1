//! The runbook as data: checks, causes and log signatures.
//!
//! Data types come first, loading builds on them, and `lint` reports mistakes in the rows.

pub mod catalog;
pub mod custom_fact;
pub mod expectation;
pub mod fact_info;
pub mod fact_value;
pub mod files;
pub mod json_schema;
pub mod lint;
pub mod loader;
pub mod log_kinds;
pub mod log_signature;
pub mod overrides;
pub mod scope;
pub mod severity;
