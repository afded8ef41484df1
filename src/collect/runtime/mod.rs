//! Container runtime drivers.

pub mod compose;
pub mod docker;
