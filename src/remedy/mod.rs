//! Plans the actions for a cause: fix it, re-drive the stuck events, verify the result.
//! The commands are only printed, never run.

pub mod compose;
pub mod kafka;
pub mod model;
pub mod plan;
pub mod sql;

pub use model::{PlannedAction, Remedy};
pub use plan::plan;
