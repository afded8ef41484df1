//! Names used in a pipeline.

/// The name of a service, worker, topic, group, stage, broker or database, as the pipeline
/// spells it.
pub type Name = String;

/// The name of the broker declared by `[kafka]`. No `[broker.NAME]` may use it.
pub const MAIN_BROKER: &str = "kafka";

/// The name of the database declared by `[postgres]`. No `[database.NAME]` may use it.
pub const MAIN_DATABASE: &str = "postgres";
