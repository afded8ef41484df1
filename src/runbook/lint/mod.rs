//! What can be wrong with rows, and what is odd about them.

pub mod checked;
pub mod names;
pub mod notes;
pub mod overrides;
pub mod own_rows;
pub mod placeholders;
pub mod rows;
pub mod texts;

pub use checked::{from_sources, read};
