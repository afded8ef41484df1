//! The pipeline describes what should exist. It is read from TOML, and one pipeline is built in.

pub mod correlation_id;
pub mod model;
pub mod read;
pub mod sql;
mod sql_effects;
pub mod sql_joins;
mod sql_tokens;
pub mod topology;
pub mod validate;

pub use model::{
    Call, ComposeHints, DeadLetters, Deploy, EventSql, Harmless, HopKind, IdForm, IdFormat, Line, Marks,
    Pattern, Pipeline, Role, Service, Stage, System, TopicSpec, Worker,
};
pub use validate::unused_declarations::unused_declarations;
