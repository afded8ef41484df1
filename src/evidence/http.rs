//! What HTTP services answer.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::evidence::clock::Clock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the HTTP services answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Health, by service name.
    pub health: BTreeMap<Name, Seen<Answer>>,
    /// The harmless request that the pipeline declares.
    pub contract: Seen<Answer>,
}

/// One answer to a GET.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The address as it was asked, shown.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// What the body holds at the JSON pointers that the pipeline names, as
    /// compact JSON; absent pointers are left out. Redacted and cut.
    pub body: BTreeMap<String, String>,
    /// The clock of its Date header.
    #[serde(default)]
    pub clock: Option<Clock>,
}
