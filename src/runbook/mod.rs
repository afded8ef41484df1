//! What is judged and concluded: checks, causes, signatures, as data.

pub mod catalog;
pub mod expect;
pub mod notes;
pub mod overrides;
pub mod own;
pub mod own_rows;
pub mod placeholders;
pub mod rows;
pub mod schema;
pub mod signature;
pub mod sources;
pub mod texts;
