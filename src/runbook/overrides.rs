//! What a team says of rows without replacing them: another severity, or switched
//! off for a while.

use crate::base::schema::ID;
use crate::input::Within;
use crate::runbook::severity::Severity;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What is said of a check or cause.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{ "required": ["severity"] }, { "required": ["off"] }],
    "dependentRequired" = { "off": ["until"], "until": ["off"] },
))]
pub struct Override {
    /// The check or cause.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// What a failure of the check means here.
    pub severity: Option<Severity>,
    /// Why it is switched off: a check is not judged, a cause not ranked.
    pub off: Option<String>,
    /// The last day (UTC) on which it is switched off: `2026-12-31`.
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    #[serde(default, deserialize_with = "day")]
    pub until: Option<Date>,
}

fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        let help = "expected the last day of it: \"2026-12-31\"";
        Within { at: 0..text.len(), what: "not a day", help }.message()
    };
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(wrong()))
}

/// A check or a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// It is not judged.
    Check,
    /// It is not ranked.
    Cause,
}

/// Something that an override switches off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SwitchedOff {
    /// The check or cause.
    pub id: String,
    /// Which of the two it is.
    pub kind: RowKind,
    /// Why.
    pub why: String,
    /// The last day (UTC) of it.
    pub until: Date,
}

impl SwitchedOff {
    /// "switched off until 2026-12-31: rebuilt by hand".
    pub fn words(&self) -> String {
        format!("switched off until {}: {}", self.until, self.why)
    }
}

/// What overrides mean at a time.
#[derive(Debug, Clone, Default)]
pub struct Switched {
    /// What is off.
    pub off: Vec<SwitchedOff>,
    /// What was, until its last day was over.
    pub ended: Vec<SwitchedOff>,
}

impl Switched {
    /// What the overrides mean then; `kind` tells which of the two an id is.
    pub fn at(overrides: &[Override], kind: impl Fn(&str) -> RowKind, taken: Timestamp) -> Self {
        let today = taken.to_zoned(TimeZone::UTC).date();
        let all = overrides.iter().filter_map(|row| {
            let id = row.id.get_ref().clone();
            Some(SwitchedOff { kind: kind(&id), id, why: row.off.clone()?, until: row.until? })
        });
        let (off, ended) = all.partition(|row| row.until >= today);
        Switched { off, ended }
    }
}
