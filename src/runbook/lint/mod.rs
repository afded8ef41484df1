//! Mistakes in checks, causes, signatures, custom facts and overrides, and notes about suspicious rows.

pub mod advisory_notes;
pub mod catalog;
pub mod checks_and_causes;
pub mod custom_facts;
pub mod overrides;
pub mod pipeline_references;
pub mod placeholders;
pub mod text_fields;

pub use catalog::{from_sources, read};
