//! Drivers of runtimes.

pub mod compose;
pub mod docker;
