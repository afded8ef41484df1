//! Regular expressions in a pipeline.

use crate::input::regex_pattern;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

/// A regular expression that matches in linear time, compiled when the file is read.
// The JSON Schema format `regex` means JavaScript syntax, which does not allow `(?i)`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct Pattern(pub Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        regex_pattern::compile(&text).map(Pattern).map_err(serde::de::Error::custom)
    }
}
