//! Overrides change the severity of a check, or switch off a check or cause for a limited time,
//! without replacing the whole row.

use crate::base::json_schema::ID;
use crate::input::MistakeInString;
use crate::runbook::severity::Severity;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// An override of a check or cause.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{ "required": ["severity"] }, { "required": ["off"] }],
    "dependentRequired" = { "off": ["until"], "until": ["off"] },
))]
pub struct Override {
    /// Id of the check or cause.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// New severity of the check.
    pub severity: Option<Severity>,
    /// Reason for switching it off. A disabled check is not judged, and a disabled cause is not
    /// ranked.
    pub off: Option<String>,
    /// Last day (UTC) on which it is switched off, such as `2026-12-31`.
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    #[serde(default, deserialize_with = "parse_date")]
    pub until: Option<Date>,
}

fn parse_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let message = || {
        let help = "expected the last day as YYYY-MM-DD: \"2026-12-31\"";
        MistakeInString { at: 0..text.len(), what: "not a date", help }.message()
    };
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(message()))
}

/// The kind of row that an override refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// A check, which is not judged while it is switched off.
    Check,
    /// A cause, which is not ranked while it is switched off.
    Cause,
}

/// A check or cause that an override switches off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SwitchedOff {
    /// Id of the check or cause.
    pub id: String,
    /// Whether it is a check or a cause.
    pub kind: RowKind,
    /// Reason given in the override.
    pub why: String,
    /// Last day (UTC) on which it is switched off.
    pub until: Date,
}

impl SwitchedOff {
    /// Describes the override, such as "switched off until 2026-12-31: rebuilt by hand".
    pub fn describe(&self) -> String {
        format!("switched off until {}: {}", self.until, self.why)
    }
}

/// The rows that overrides switch off, as of a point in time.
#[derive(Debug, Clone, Default)]
pub struct SwitchedRows {
    /// Rows that are switched off.
    pub off: Vec<SwitchedOff>,
    /// Rows whose override has expired.
    pub expired: Vec<SwitchedOff>,
}

impl SwitchedRows {
    /// Evaluates overrides on the UTC day of `observed_at`; `kind` returns the kind of row that an id
    /// belongs to.
    pub fn at(overrides: &[Override], kind: impl Fn(&str) -> RowKind, observed_at: Timestamp) -> Self {
        let today = observed_at.to_zoned(TimeZone::UTC).date();
        let all = overrides.iter().filter_map(|row| {
            let id = row.id.get_ref().clone();
            Some(SwitchedOff { kind: kind(&id), id, why: row.off.clone()?, until: row.until? })
        });
        let (off, expired) = all.partition(|row| row.until >= today);
        SwitchedRows { off, expired }
    }
}
