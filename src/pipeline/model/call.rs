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
    /// What people call it.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// The stage whose worker makes it.
    #[schemars(with = "String")]
    pub stage: Spanned<String>,
    /// The service that answers it.
    #[schemars(with = "String")]
    pub service: Spanned<String>,
    /// Regular expression: the call in the service's log.
    pub logged: Pattern,
    /// The event key that the call's record names.
    pub key: String,
    /// Regular expression: the answer in the worker's log.
    pub answered: Pattern,
    /// Regular expression: in the worker's log, a call that nobody answered.
    pub unanswered: Option<Pattern>,
    /// Regular expression: an answer that succeeded and names what it made.
    pub answered_well: Pattern,
    /// A request that changes nothing.
    pub harmless: Option<Harmless>,
}

/// A request that changes nothing, judged by its body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Harmless {
    /// Path and query; `{key}` stands for the event's keys.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// Keys to use when there is no event to take them from.
    #[serde(default)]
    pub without_event: BTreeMap<String, String>,
    /// JSON pointer → compact JSON that the body must hold there.
    pub expect: BTreeMap<String, String>,
    /// JSON pointers whose values help to see what is wrong.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^(/|$)")))]
    pub show: Vec<String>,
}
