//! The format of a correlation id.

use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;

/// The name and format of the correlation id.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdFormat {
    /// Name of the id in reports, such as "payment id".
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Format of the id.
    pub format: IdForm,
    /// Regular expression that every id matches, such as `'^ORD-\d{4}-\d+$'`. Only allowed with the
    /// format `text`.
    pub pattern: Option<Pattern>,
}

/// The formats of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// 8-4-4-4-12 hexadecimal digits in any case; converted to lower case for the search.
    Uuid,
    /// 26 letters and digits of Crockford's Base32 in any case; converted to upper case for the
    /// search.
    Ulid,
    /// A non-negative integer that fits a bigint; leading zeros are removed.
    Number,
    /// Any string of at most 200 characters without control characters.
    Text,
}
