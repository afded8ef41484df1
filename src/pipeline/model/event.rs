//! The SQL that finds events.

use crate::base::schema;
use schemars::JsonSchema;
use serde::Deserialize;

/// The SQL that finds events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSql {
    /// `id` (of the type of the marks table's), `at` (timestamptz) and a column
    /// for each key, of all events.
    #[schemars(extend("not" = schema::binding()))]
    pub sql: String,
    /// The key columns of `sql`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub keys: Vec<String>,
}
