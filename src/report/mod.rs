//! The report: one struct, rendered by every format. Pure.

pub mod build;
pub mod causes;
pub mod explain;
pub mod extent;
pub mod format;
pub mod layout;
pub mod material;
pub mod model;
pub mod summary;
pub mod switched;
pub mod unseen;
pub mod words;

pub use build::{conclusions, report};
pub use material::Material;
pub use model::{
    Cause, Conclusions, Extent, FindingShown, InstanceShown, Next, Outcome, Report, SCHEMA_VERSION,
    StageExtent, Step, StepVerdict, Told, Unseen, VerdictShown,
};
