//! Regular expressions of a pipeline.

use crate::input::pattern;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

/// A regular expression (linear in time), compiled when the file is read.
// The format `regex` of JSON Schema is JavaScript's: it refuses `(?i)`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct Pattern(pub Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        pattern::compile(&text).map(Pattern).map_err(serde::de::Error::custom)
    }
}
