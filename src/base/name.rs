//! Names.

/// The name of a service, worker, topic, group, stage, broker or database, as in the pipeline.
pub type Name = String;

/// The name of the broker that `[kafka]` declares; no `[broker.NAME]` may have it.
pub const MAIN_BROKER: &str = "kafka";

/// The name of the database that `[postgres]` declares; no `[database.NAME]` may have it.
pub const MAIN_DATABASE: &str = "postgres";
