//! The forms that a correlation id can have.

use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;

/// What an id looks like.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdFormat {
    /// What people call it: "payment id".
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Its form.
    pub format: IdForm,
    /// Of a text: regular expression that all of them match, `'^ORD-\d{4}-\d+$'`.
    pub pattern: Option<Pattern>,
}

/// The forms that an id can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// 8-4-4-4-12 hexadecimal digits, in whatever case; looked for in lower case.
    Uuid,
    /// 26 letters and digits of Crockford's base 32, in whatever case; looked for in
    /// upper case.
    Ulid,
    /// A whole number, as bigint holds it; leading zeros are left out.
    Number,
    /// Any text without control characters, at most 200 characters.
    Text,
}
