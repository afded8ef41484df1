//! Diagnosis: ranks the causes that explain the findings. Pure.

pub mod candidates;
pub mod diagnose;
pub mod rank;
pub mod result;

pub use diagnose::diagnose;
pub use result::{Diagnosis, RankedCause, RuledOutCause, UndeterminedCause};
