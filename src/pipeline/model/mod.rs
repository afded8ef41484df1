//! What a pipeline's file declares: data only, below everything else of this room.

mod call;
mod components;
mod event;
mod id;
mod marks;
mod pattern;
mod pipeline;
mod stage;
mod topics;

pub use call::{Call, Harmless};
pub use components::{Deploy, Role, Service, System, Worker};
pub use event::EventSql;
pub use id::{IdForm, IdFormat};
pub use marks::Marks;
pub use pattern::Pattern;
pub use pipeline::{ComposeHints, Pipeline};
pub use stage::{HopKind, Line, Stage, YEAR_S};
pub use topics::{DeadLetters, TopicSpec};
