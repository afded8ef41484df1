//! Ways from here to addresses that only containers know.

use serde::{Deserialize, Serialize};

/// A way from here to an address that only containers know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// The address as advertised or configured: `kafka:9092`.
    pub from: String,
    /// The address that was used: `localhost:9092`.
    pub to: String,
    /// Why: `published port of shop-kafka`, `address of shop-kafka`, `--kafka-address`.
    pub by: String,
}

impl Mapped {
    /// Why an address is mapped that neither resolves nor belongs to a container.
    pub const ONLY_BROKER: &str = "bootstrap address of the only broker";
}
