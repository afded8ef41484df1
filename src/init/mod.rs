//! `init`: infers a pipeline from the discovery results, and writes its file. The functions are
//! pure; `collect` contacts the systems.

pub mod assign_tables;
pub mod build_draft;
pub mod column_roles;
pub mod components;
pub mod correlation_id;
pub mod draft;
pub mod event_times;
pub mod id_format;
pub mod joined_tables;
pub mod log_lines;
pub mod model;
pub mod naming;
pub mod observations;
pub mod sql_quoting;
pub mod stage_effect;
pub mod stages;
pub mod table_roles;
pub mod write;

pub use build_draft::build_draft;
pub use write::write;

#[cfg(test)]
mod tests;
