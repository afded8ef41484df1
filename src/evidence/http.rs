//! Answers from HTTP services.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::base::unavailable_reason::Reason;
use crate::evidence::clock::Clock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answers from the pipeline's HTTP services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Answers from the health endpoints, by service name.
    pub health: BTreeMap<Name, Observed<Answer>>,
    /// The answer to the harmless request that the pipeline declares.
    pub contract: Observed<Answer>,
}

/// The answer to one GET request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The requested URL without secrets.
    pub url: String,
    /// HTTP status code.
    pub status: u16,
    /// The target of a redirect that was not followed, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The body's values at the JSON pointers that the pipeline specifies, as compact JSON, redacted
    /// and truncated. Pointers without a value are omitted.
    pub body: BTreeMap<String, String>,
    /// Why the body could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Reason>,
    /// The service's clock, from the Date header.
    #[serde(default)]
    pub clock: Option<Clock>,
}
