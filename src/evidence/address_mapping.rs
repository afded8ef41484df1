//! Mappings from container-internal addresses to addresses that this machine can reach.

use serde::{Deserialize, Serialize};

/// A mapping from a container-internal address to one that this machine can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressMapping {
    /// The address as advertised or configured, such as `kafka:9092`.
    pub from: String,
    /// The address that was used, such as `localhost:9092`.
    pub to: String,
    /// Origin of the mapping, such as `published port of shop-kafka`, `address of shop-kafka` or
    /// `--kafka-address`.
    pub by: String,
}

impl AddressMapping {
    /// Origin of the mapping for an address that neither resolves nor belongs to a container.
    pub const ONLY_BROKER: &str = "bootstrap address of the only broker";
}
