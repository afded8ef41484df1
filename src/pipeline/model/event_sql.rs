//! The SQL that finds events.

use crate::base::json_schema;
use schemars::JsonSchema;
use serde::Deserialize;

/// The SQL that finds events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSql {
    /// Query for all events. It returns `id` (same type as in the marks table), `at` (timestamptz)
    /// and one column per key.
    #[schemars(extend("not" = json_schema::bound_value()))]
    pub sql: String,
    /// Key columns of `sql`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub keys: Vec<String>,
}
