//! Traces an event hop by hop: how far it got, where it stopped, and why.

pub mod aggregate;
pub mod assemble;
mod duration;
pub mod json;
pub mod model;
pub mod registry;
pub mod table;

pub use aggregate::traces;
pub use assemble::trace;
pub use model::{HopState, Stop, Trace, TracedHop, TracedStage, Traces};
