//! One event, hop by hop: how far it came, where it stopped, and why.

pub mod build;
pub mod json;
mod length;
pub mod model;
pub mod registry;
pub mod several;
pub mod table;

pub use build::trace;
pub use model::{HopShown, HopState, Outcome, StageShown, Stop, Trace, Traces};
pub use several::traces;
