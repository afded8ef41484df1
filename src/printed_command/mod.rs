//! Builds the commands that reports print. This module is pure: it runs nothing, and all
//! quoting happens in `shell`.

pub mod compose;
pub mod docker;
pub mod fill_template;
pub mod http;
pub mod kafka;
pub mod pipeline_doctor;
pub mod placeholder_values;
pub mod postgres;
pub mod process;
pub mod recorded_target;
pub mod shell;

pub use process::{Command, Process, Script, Word};
pub use recorded_target::Target;
