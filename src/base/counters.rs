//! What a run asks of the systems.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The load that a run put on a system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Requests or statements sent.
    pub requests: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Rows, records or lines received.
    pub rows: u64,
}
