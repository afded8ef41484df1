//! The pipeline: what should exist. Data, read from TOML; one is built in.

pub mod id;
pub mod model;
pub mod queries;
pub mod read;
pub mod sql;
pub mod validate;

pub use id::is_uuid;
pub use model::{
    Call, ComposeHints, DeadLetters, Deploy, EventSql, Harmless, HopKind, IdForm, IdFormat, Line, Marks,
    Pattern, Pipeline, Role, Service, Stage, System, TopicSpec, Worker,
};
pub use validate::unused::unused;
