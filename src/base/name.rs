//! Names used in a pipeline.

/// The name of a service, worker, topic, group, stage, broker or database, as the pipeline
/// spells it.
pub type Name = String;

/// The name of the broker declared by `[kafka]`. A `[broker.NAME]` section must not use it.
pub const MAIN_BROKER: &str = "kafka";

/// The name of the database declared by `[postgres]`. A `[database.NAME]` section must not use it.
pub const MAIN_DATABASE: &str = "postgres";
