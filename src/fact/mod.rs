//! Facts: named values derived from evidence, per subject. Pure. All joining
//! of systems happens here, so that a check needs one fact and one expectation.

pub mod call;
pub mod changes;
pub mod clocks;
pub mod containers;
pub mod event;
pub mod groups;
pub mod lines;
pub mod logs;
pub mod model;
pub mod own;
pub mod records;
pub mod registry;
pub mod sessions;
pub mod stages;
pub mod systems;
pub mod topics;

pub use crate::runbook::scope::Scope;
pub use crate::runbook::value::{Kind, Value};
pub use model::{Fact, Facts};
pub(crate) use model::{for_stages, for_workers};
pub use registry::{FACTS, FactSpec, facts, registry};
