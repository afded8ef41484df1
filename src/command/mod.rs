//! Commands as values, made from how the systems were reached. Pure: nothing is run here,
//! and one function quotes and renders them.

pub mod compose;
pub mod docker;
pub mod doctor;
pub mod http;
pub mod kafka;
pub mod line;
pub mod model;
pub mod postgres;
pub mod shell;
pub mod target;
pub mod values;

pub use model::{Command, Process, Script, Word};
pub use target::Target;
