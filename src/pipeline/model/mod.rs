//! The data types of a pipeline file.

mod api_call;
mod components;
mod dead_letter_headers;
mod event_sql;
mod group_and_topic;
mod id_format;
mod marks;
mod pattern;
mod pipeline;
mod stage;
mod topics;

pub use api_call::{Call, Harmless};
pub use components::{Deploy, Role, Service, System, Worker};
pub use event_sql::EventSql;
pub use id_format::{IdForm, IdFormat};
pub use marks::Marks;
pub use pattern::Pattern;
pub use pipeline::{ComposeHints, Pipeline};
pub use stage::{HopKind, Line, Stage, YEAR_S};
pub use topics::{DeadLetters, TopicSpec};
