//! What can be wrong with a pipeline's file, seen row by row, beside what its types say.

pub mod absent;
pub mod hops;
pub mod id;
pub mod lists;
pub mod names;
pub mod parts;
pub mod patterns;
pub mod requests;
pub mod stages;
pub mod texts;
pub mod unused;
pub mod values;
