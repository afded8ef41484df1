//! The table of processed events.

use crate::base::name::MAIN_DATABASE;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The table that says who has processed what: names of table and columns.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// Table, with its schema where it is not on the search path.
    #[schemars(regex(pattern = r"\S"))]
    pub table: String,
    /// Column of the correlation id: uuid, text or varchar.
    #[schemars(regex(pattern = r"\S"))]
    pub id: String,
    /// Column of the event's own id, if it has one.
    #[schemars(regex(pattern = r"\S"))]
    pub event_id: Option<String>,
    /// Column of the event's type.
    #[schemars(regex(pattern = r"\S"))]
    pub event_type: String,
    /// Column that says who has marked it.
    #[schemars(regex(pattern = r"\S"))]
    pub source: String,
    /// Column of the time.
    #[schemars(regex(pattern = r"\S"))]
    pub processed_at: String,
    /// The `[database.NAME]` that holds it, where that is not `[postgres]`.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
}

impl Marks {
    /// The name of the database that holds it.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }
}
