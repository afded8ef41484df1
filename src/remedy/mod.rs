//! Actions: what mends it, what sends the stuck events on, what proves it.
//! Generated from the pipeline and from what was seen. Only printed, never run.

pub mod compose;
pub mod kafka;
pub mod model;
pub mod plan;
pub mod sql;

pub use model::{Planned, Remedy};
pub use plan::plan;
