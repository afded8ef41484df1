//! The table of processed markers.

use crate::base::name::MAIN_DATABASE;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The table of processed markers, which records which component processed which event.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// Table name, with its schema unless it is on the search path.
    #[schemars(regex(pattern = r"\S"))]
    pub table: String,
    /// Column with the correlation id: uuid, text or varchar.
    #[schemars(regex(pattern = r"\S"))]
    pub id: String,
    /// Column with the event's own id; optional.
    #[schemars(regex(pattern = r"\S"))]
    pub event_id: Option<String>,
    /// Column with the event type.
    #[schemars(regex(pattern = r"\S"))]
    pub event_type: String,
    /// Column with the source of the marker.
    #[schemars(regex(pattern = r"\S"))]
    pub source: String,
    /// Column with the time of processing.
    #[schemars(regex(pattern = r"\S"))]
    pub processed_at: String,
    /// The `[database.NAME]` that holds the table. Defaults to `[postgres]`.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
}

impl Marks {
    /// Returns the name of the database that holds the table.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }
}
