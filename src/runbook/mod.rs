//! What is judged and concluded: checks, causes, signatures. The types are below, loading
//! is above them, and what can be wrong with rows is on top.

pub mod catalog;
pub mod expect;
pub mod known;
pub mod lint;
pub mod load;
pub mod overrides;
pub mod own;
pub mod schema;
pub mod scope;
pub mod severity;
pub mod signature;
pub mod sources;
pub mod value;
