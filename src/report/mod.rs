//! The report: one struct that every format renders. This module is pure.

pub mod assemble;
pub mod cause_details;
pub mod event_verdict;
pub mod explain;
pub mod finding_sentence;
pub mod format;
pub mod headline;
mod headline_parts;
pub mod input;
pub mod lines;
pub mod model;
pub mod overrides_section;
pub mod runbook_step;
pub mod sentences;
pub mod stuck_events;
pub mod terminal;
pub mod unavailable;

pub use assemble::{conclusions, report};
pub use input::ReportInput;
pub use model::{
    Cause, Conclusions, Extent, Next, Outcome, Report, ReportedFinding, ReportedInstance, ReportedVerdict,
    SCHEMA_VERSION, StageExtent, Statement, Step, StepVerdict, Unavailable,
};
