//! The documented API call.

use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// The documented API call of a stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Name of the call in reports.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Stage whose worker makes the call.
    #[schemars(with = "String")]
    pub stage: Spanned<String>,
    /// Service that answers the call.
    #[schemars(with = "String")]
    pub service: Spanned<String>,
    /// Regular expression for the call in the service's log.
    pub logged: Pattern,
    /// Event key that appears in the log record for the call.
    pub key: String,
    /// Regular expression for the answer in the worker's log.
    pub answered: Pattern,
    /// Regular expression for an unanswered call in the worker's log.
    pub unanswered: Option<Pattern>,
    /// Regular expression for a successful answer naming the created object.
    pub answered_well: Pattern,
    /// Request that changes nothing, used to test the service.
    pub harmless: Option<Harmless>,
}

/// A request that changes nothing. Its response body shows whether the service works.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Harmless {
    /// Path and query, with event keys as placeholders: `{key}`.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// Values for the keys when there is no event.
    #[serde(default)]
    pub without_event: BTreeMap<String, String>,
    /// Expected response values, as a map from JSON pointers to compact JSON.
    pub expect: BTreeMap<String, String>,
    /// JSON pointers to values that help to diagnose a failure.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^(/|$)")))]
    pub show: Vec<String>,
}
