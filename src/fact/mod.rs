//! Facts: named values read from the situation, one per subject. No I/O. The situation
//! joins all systems, so a check needs only one fact and one expectation.

pub mod api_call;
pub mod clocks;
pub mod consumer_groups;
pub mod container_changes;
pub mod containers;
pub mod custom;
pub mod database_sessions;
pub mod diagnostic_lines;
pub mod event;
pub mod kafka_records;
pub mod kafka_registry;
pub mod log_signatures;
pub mod model;
pub mod read;
pub mod registry;
pub mod spec;
pub mod stages;
pub mod systems;
pub mod topics;

pub use crate::runbook::fact_value::{Kind, Value};
pub use crate::runbook::scope::Scope;
pub use model::{Fact, Facts};
pub(crate) use model::{for_stages, for_workers};
pub use read::facts;
pub use registry::{registry, specs};
pub use spec::FactSpec;
