//! Diagnosis: findings against causes. Pure.

pub mod diagnose;
pub mod model;
pub mod named;
pub mod rank;

pub use diagnose::diagnose;
pub use model::{Diagnosed, Diagnosis, RuledOut, Untellable};
